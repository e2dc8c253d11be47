import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestEdge } from '../edge.testkit.ts'
import { eventually, poll } from '../eventually.testkit.ts'
import type { ScriptedLinker } from '../linker.testkit.ts'
import { FakePlatform } from '../scaler.testkit.ts'

let edge: TestEdge
let platform: FakePlatform
beforeEach(async () => {
  platform = new FakePlatform()
  edge = await TestEdge.start({ defaults: { backoff: { minMs: 200 } } }, platform.choice)
})
afterEach(() => edge.close())

/** The linker of the nth launch, from 0. */
async function linkerOf(index: number, slots = 1, regrants = true): Promise<ScriptedLinker> {
  const { route, launch } = await eventually(`launch ${index}`, () => platform.started[index])
  const { BRXY_TOKEN: token, BRXY_LAUNCH: id } = launch.env
  return edge.linker({ route, token, launch: id, slots, regrants })
}

describe('a held request', () => {
  it('starts an instance, which gets what it needs to come back', async () => {
    const client = edge.client().get()
    const { launch } = await eventually('a launch', () => platform.started[0])
    expect(launch.env).toEqual({
      ROUTE: 'shop',
      BRXY_ROUTE: 'shop',
      BRXY_EDGE: edge.tunnelUrl,
      BRXY_LAUNCH: launch.id,
      BRXY_TOKEN: expect.any(String),
    })
    const linker = await linkerOf(0)
    ;(await linker.next()).respond('hello')
    await client.until('hello')
    expect(edge.of('launching')).toMatchObject([{ app: 'shop', copy: 1, launch: launch.id, held: 1 }])
    expect(edge.of('ready')).toMatchObject([{ instance: 'shop/1', slots: 1, tookMs: expect.any(Number) }])
  })

  it('of four at once starts four, and all are answered', async () => {
    const clients = Array.from({ length: 4 }, () => edge.client().get())
    await edge.untilHeld(4)
    for (let i = 0; i < 4; i++) {
      const linker = await linkerOf(i, 1, false)
      void linker.next().then((request) => request.respond('hello'))
    }
    for (const client of clients) await client.until('hello')
    expect(platform.started).toHaveLength(4)
  })

  it('that is the fifth asks for the second copy of an app that takes four', async () => {
    for (let i = 0; i < 4; i++) edge.client().get()
    await edge.untilHeld(4)
    const first = await linkerOf(0, 4)
    await eventually('four requests', () => first.requests.length === 4)
    edge.client().get('/fifth')
    const second = await linkerOf(1, 4)
    expect((await second.next()).head).toMatch(/^GET \/fifth /)
    expect(platform.started).toHaveLength(2)
  })

  it('counts on an instance that is ready although its grant is still on its way', async () => {
    for (let i = 0; i < 2; i++) edge.client().get()
    await edge.untilHeld(2)
    const { route, launch } = await eventually('a launch', () => platform.started[0])
    const { BRXY_TOKEN: token, BRXY_LAUNCH: id } = launch.env
    // Ready with one slot, and slow to lend it: longer than the patience.
    await edge.linker({ route, token, launch: id, slots: 1, grants: 0 })
    await eventually('the copy for the other request', () => platform.started[1])
    expect(platform.started).toHaveLength(2)
  })

  it('has its instance go on starting when its client leaves', async () => {
    const client = edge.client().get()
    await eventually('a launch', () => platform.started[0])
    client.reset()
    await edge.untilHeld(0)
    expect(platform.removed).toEqual([])
    expect(edge.edge.status().apps[0].launches).toHaveLength(1)
  })
})

describe('a start that fails', () => {
  it('on the platform is told to the client by its class, and to the operator in full', async () => {
    const client = edge.client().get()
    const { launch } = await eventually('a launch', () => platform.started[0])
    platform.fail(launch.id, { code: 'image', message: 'no such image: secret.registry/x', final: true })
    const answer = await client.until('}')
    expect(answer).toMatch(/^HTTP\/1.1 503 [\s\S]*details="edge\/cannot-start image"\r\nRetry-After: 1\r\n/)
    expect(answer).not.toMatch(/registry/)
    expect(edge.of('launch-failed')).toMatchObject([
      {
        app: 'shop',
        instance: 'shop/1',
        problem: { message: 'no such image: secret.registry/x' },
        output: `last words of ${launch.id}`,
      },
    ])
    expect(platform.removed).toEqual([launch.id])
  })

  it('in the linker is told at once, with the output of the application for the operator', async () => {
    const client = edge.client().get()
    const { launch } = await eventually('a launch', () => platform.started[0])
    const linker = await edge.linker({
      token: launch.env.BRXY_TOKEN,
      launch: launch.id,
      phase: 'starting',
      grants: 0,
    })
    linker.session.status({ phase: 'failed', reason: 'exited with 3', output: 'boom', slots: 1, busy: 0 })
    expect(await client.until('}')).toMatch(/^HTTP\/1.1 503 [\s\S]*cannot-start crashed/)
    expect(edge.of('launch-failed')).toMatchObject([
      { problem: { message: 'exited with 3' }, output: 'boom' },
    ])
    // During the pause nothing is started, and nobody waits.
    expect(await edge.client().get().until('}')).toMatch(/^HTTP\/1.1 503 /)
    expect(platform.started).toHaveLength(1)
    await linker.leave()
    await poll(() => edge.of('left')).toMatchObject([{ reason: 'failed' }])
    // After it one probe is.
    await eventually('the probe', () => {
      if (edge.held() === 0) edge.client().get()
      return platform.started.length === 2
    })
  })
})

describe('an idle instance', () => {
  async function served(): Promise<ScriptedLinker> {
    const client = edge.client().get()
    const linker = await linkerOf(platform.started.length)
    ;(await linker.next()).respond('ok')
    await client.until('ok')
    return linker
  }

  it('that is the newest is kept at its first asking and let go at its second', async () => {
    const linker = await served()
    linker.session.leave()
    await eventually('the verdict', () => linker.verdicts.length === 1)
    expect(linker.verdicts).toEqual([false])
    linker.session.leave()
    await eventually('the verdict', () => linker.verdicts.length === 2)
    expect(linker.verdicts).toEqual([false, true])
    await linker.leave()
    await poll(() => edge.of('left')).toMatchObject([{ instance: 'shop/1', reason: 'idle' }])
    expect(edge.edge.status().apps[0].instances).toEqual([])
  })

  it('that was given a request in between is kept again', async () => {
    const linker = await served()
    linker.session.leave()
    await eventually('the verdict', () => linker.verdicts.length === 1)
    const client = edge.client().get()
    ;(await linker.next()).respond('again')
    await client.until('again')
    linker.session.leave()
    await eventually('the verdict', () => linker.verdicts.length === 2)
    expect(linker.verdicts).toEqual([false, false])
  })

  it('is given no request between LEAVE and the verdict, and those held keep it', async () => {
    const linker = await edge.linker({ grants: 1, regrants: false })
    const keeper = await edge.linker({ grants: 0 })
    linker.session.leave()
    await eventually('the verdict', () => linker.verdicts.length === 1)
    edge.client().get()
    await edge.untilHeld(1)
    // The first one goes: its grant is of no use any more.
    expect([linker.verdicts, linker.requests.length]).toEqual([[true], 0])
    keeper.session.leave()
    await eventually('the verdict', () => keeper.verdicts.length === 1)
    expect(keeper.verdicts).toEqual([false])
  })

  it('that says goodbye has left, also if it has not said that it would', async () => {
    const linker = await edge.linker({ grants: 0, launch: 'launch-1' })
    await linker.leave()
    await poll(() => edge.of('left')).toMatchObject([{ reason: 'signal' }])
    // Nobody waits for it to come back, and it is no failed start.
    expect(edge.edge.status().apps).toMatchObject([{ launches: [], failure: null }])
  })

  it('that drains after a signal goes without a verdict', async () => {
    const linker = await served()
    linker.session.drain()
    // Too late to ask.
    linker.session.leave()
    await linker.leave()
    await poll(() => edge.of('left')).toMatchObject([{ reason: 'signal' }])
    expect(linker.verdicts).toEqual([])
  })

  it('that says itself that it was replaced is lost like any other: there is no new session', async () => {
    const linker = await served()
    linker.session.goaway('edge/replaced', 'the linker opened a new session', true)
    await poll(() => edge.edge.status().apps[0]).toMatchObject({
      instances: [],
      launches: [{ phase: 'lost' }],
    })
  })

  it('that drains, and opens a new session, is still one of the max', async () => {
    await edge.close()
    platform = new FakePlatform()
    edge = await TestEdge.start({ defaults: { max: 1 } }, platform.choice)
    const client = edge.client().get()
    const linker = await linkerOf(0, 1, false)
    ;(await linker.next()).respond('hello')
    await client.until('hello')
    linker.session.drain()
    await poll(() => edge.edge.status().apps[0].instances).toMatchObject([{ phase: 'draining' }])
    edge.client().get()
    await edge.untilHeld(1)
    const back = await edge.back(linker, 1, { grants: 0 })
    expect(platform.started).toHaveLength(1)
    await back.leave()
    await linkerOf(1)
  })
})

describe('an edge that stops', () => {
  it('removes what it started', async () => {
    edge.client().get()
    await eventually('a launch', () => platform.started[0])
    const [{ launch }] = platform.started
    await edge.edge.stop()
    expect([platform.removed, platform.isClosed]).toEqual([[launch.id], true])
  })

  it('leaves it running with onExit keep', async () => {
    await edge.close()
    platform = new FakePlatform()
    edge = await TestEdge.start({ onExit: 'keep' }, platform.choice)
    edge.client().get()
    await eventually('a launch', () => platform.started[0])
    await edge.edge.stop()
    expect([platform.removed, platform.isClosed]).toEqual([[], true])
  })

  it('and its successor adopts what runs instead of launching', async () => {
    const client = edge.client().get()
    const { launch } = await eventually('a launch', () => platform.started[0])
    client.close()
    await edge.untilHeld(0)
    const successor = await TestEdge.start({}, platform.choice)
    const next = successor.client().get()
    await successor.untilHeld(1)
    const linker = await successor.linker({ token: launch.env.BRXY_TOKEN, launch: launch.id })
    ;(await linker.next()).respond('adopted')
    await next.until('adopted')
    expect(platform.started).toHaveLength(1)
    await successor.close()
  })
})
