import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestEdge } from '../edge.testkit.ts'
import { eventually } from '../eventually.testkit.ts'
import type { LinkerScript, ScriptedLinker } from '../linker.testkit.ts'
import { FakePlatform } from '../scaler.testkit.ts'

let edge: TestEdge
let platform: FakePlatform
beforeEach(async () => {
  platform = new FakePlatform()
  edge = await TestEdge.start({ defaults: { max: 1, backoff: { minMs: 60_000 } } }, platform.choice)
})
afterEach(() => edge.close())

/** The linker of the nth launch, from 0. */
async function linkerOf(index: number, script: Partial<LinkerScript> = {}): Promise<ScriptedLinker> {
  const { route, launch } = await eventually(`launch ${index}`, () => platform.started[index])
  const { BRXY_TOKEN: token, BRXY_LAUNCH: id } = launch.env
  return edge.linker({ route, token, launch: id, ...script })
}

/** One that was launched for a request, and has answered it. */
async function serving(): Promise<ScriptedLinker> {
  const client = edge.client().get()
  const linker = await linkerOf(0)
  ;(await linker.next()).respond('old')
  await client.until('old')
  return linker
}

describe('an instance that says REPLACE', () => {
  it('serves on while its successor starts, and hears GO when that one lends', async () => {
    const old = await serving()
    old.session.replace()
    const successor = await linkerOf(1, { phase: 'starting', grants: 0 })
    const during = edge.client().get('/during')
    ;(await old.next()).respond('still the old one')
    await during.until('still the old one')
    expect(old.verdicts).toEqual([])

    successor.session.status({ phase: 'ready', slots: 1, busy: 0 })
    successor.grant()
    await eventually('GO', () => old.verdicts.length > 0)
    expect(old.verdicts).toEqual([true])
    // The old one has a grant left, and is given nothing any more.
    const after = edge.client().get('/after')
    ;(await successor.next()).respond('the new one')
    await after.until('the new one')
    expect(old.requests).toHaveLength(2)

    old.session.drain()
    await old.leave()
    await eventually('the departure', () => edge.of('left')[0])
    expect(edge.of('left')).toMatchObject([{ instance: 'shop/1', reason: 'replaced' }])
    expect(edge.of('launching').map(({ copy, replaces }) => [copy, replaces])).toEqual([
      [1, null],
      [2, 1],
    ])
    expect(platform.started).toHaveLength(2)
  })

  it('hears STAY when its successor fails, and is served requests as before', async () => {
    const old = await serving()
    old.session.replace()
    const { launch } = await eventually('the successor', () => platform.started[1])
    platform.fail(launch.id, { code: 'image', message: 'no such image', final: true })
    await eventually('STAY', () => old.verdicts.length > 0)
    expect(old.verdicts).toEqual([false])
    const client = edge.client().get()
    ;(await old.next()).respond('it stays')
    await client.until('it stays')
    // The pause after a failure: nobody else is replaced now.
    old.session.replace()
    await eventually('STAY again', () => old.verdicts.length > 1)
    expect([old.verdicts, platform.started.length]).toEqual([[false, false], 2])
  })

  it('and then LEAVE hears both answers, in that order', async () => {
    const old = await serving()
    old.session.replace()
    old.session.leave()
    await eventually('STAY for REPLACE, and STAY for the last one', () => old.verdicts.length === 2)
    expect(old.verdicts).toEqual([false, false])
  })
})

describe('an instance that was started by hand and says REPLACE', () => {
  it('hears STAY from an edge that cannot launch', async () => {
    const other = await TestEdge.start()
    try {
      const linker = await other.linker()
      linker.session.replace()
      await eventually('STAY', () => linker.verdicts.length > 0)
      expect(linker.verdicts).toEqual([false])
    } finally {
      await other.close()
    }
  })
})

describe('on a platform whose instances park', () => {
  beforeEach(() => {
    platform.leave = 'park'
  })

  it('one that left is removed there, says so, and gets no requests', async () => {
    const linker = await serving()
    expect(linker.welcome?.leave).toBe('park')
    linker.session.leave()
    await eventually('STAY', () => linker.verdicts.length === 1)
    linker.session.leave()
    await eventually('GO', () => linker.verdicts.length === 2)
    expect(linker.verdicts).toEqual([false, true])
    linker.session.status({ phase: 'parked', slots: 0, busy: 0 })
    await eventually('the removal', () => platform.removed[0])
    expect(platform.removed).toEqual([platform.started[0].launch.id])
    expect(edge.of('parked')).toMatchObject([{ instance: 'shop/1' }])
    expect(edge.edge.status().apps[0].instances).toMatchObject([{ phase: 'parked' }])
    await linker.leave()
    await eventually('the departure', () => edge.of('left')[0])
    expect(edge.of('left')).toMatchObject([{ reason: 'idle' }])
  })

  it('is recalled by the next request instead of a launch, and serves it', async () => {
    const linker = await serving()
    // Its platform would remove another one first.
    platform.keeps = true
    linker.session.drain()
    linker.session.status({ phase: 'parked', slots: 0, busy: 0 })
    await eventually('the word', () => edge.of('parked')[0])
    const client = edge.client().get('/again')
    await eventually('RECALL', () => linker.recalls === 1)
    linker.session.status({ phase: 'starting', slots: 0, busy: 0 })
    linker.session.status({ phase: 'ready', slots: 1, busy: 0 })
    linker.grant()
    ;(await linker.next()).respond('awake again')
    await client.until('awake again')
    expect(platform.started).toHaveLength(1)
    expect(edge.of('recalled')).toMatchObject([{ instance: 'shop/1', held: 1 }])
  })

  it('one that was started by hand exits all the same: nobody would remove it', async () => {
    const linker = await edge.linker()
    expect(linker.welcome?.leave).toBe('exit')
  })

  it('one that comes back parked, to an edge that does not know it, is recalled too', async () => {
    const linker = await edge.linker({ phase: 'parked' })
    const client = edge.client().get()
    await eventually('RECALL', () => linker.recalls === 1)
    linker.session.status({ phase: 'ready', slots: 1, busy: 0 })
    linker.grant()
    ;(await linker.next()).respond('here')
    await client.until('here')
    expect(edge.of('connected')).toMatchObject([{ phase: 'parked' }])
    expect(platform.started).toHaveLength(0)
  })
})

describe('fresh grants', () => {
  it('go to the lowest order first, where the platform gives one', async () => {
    await edge.close()
    edge = await TestEdge.start({ defaults: { max: 2, slots: 1 } }, platform.choice)
    const clients = [edge.client().get('/1'), edge.client().get('/2')]
    const first = await linkerOf(0)
    const second = await linkerOf(1)
    ;(await first.next()).respond('done')
    ;(await second.next()).respond('done')
    for (const client of clients) await client.until('done')
    const newest = edge.client().get('/newest')
    ;(await second.next()).respond('the newest')
    await newest.until('the newest')

    platform.tell(platform.started[0].launch.id, { order: 0 })
    platform.tell(platform.started[1].launch.id, { order: 1 })
    // It is looked at within a moment; until then the newest serves.
    for (let at = 0; first.requests.length === 1; at++) {
      const client = edge.client().get(`/${at}`)
      const before = second.requests.length
      await eventually('a request', () => first.requests.length > 1 || second.requests.length > before)
      const request = first.requests[1] ?? second.requests[before]
      request.respond('done')
      await client.until('done')
    }
    const lowest = edge.client().get('/lowest')
    await eventually('the next one too', () => first.requests.length === 3)
    first.requests[2].respond('the lowest')
    await lowest.until('the lowest')
  })
})
