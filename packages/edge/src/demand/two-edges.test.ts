import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TestEdge } from '../edge.testkit.ts'
import { eventually } from '../eventually.testkit.ts'
import type { LinkerScript, ScriptedLinker } from '../linker.testkit.ts'
import { FakePlatform } from '../scaler.testkit.ts'
import { Tokens } from '../token/tokens.ts'
import { DEMAND_PATH, MAX_REPORT_BYTES, parseAnswer } from './demand-report.ts'

vi.setConfig({ testTimeout: 30_000 })

let platform: FakePlatform
/** The one that scales, and one that reports to it. */
let first: TestEdge
let second: TestEdge

beforeEach(async () => {
  platform = new FakePlatform()
  // Patience: a machine that is busy takes its time between an instance and its first grant.
  first = await TestEdge.start(
    { defaults: { backoff: { minMs: 60_000 }, patienceMs: 1_000 } },
    platform.choice,
  )
  second = await reporting(first.tunnelUrl)
})
afterEach(async () => {
  await second.close()
  await first.close()
})

function reporting(to: string): Promise<TestEdge> {
  // It is configured alike, and never asks its scaler.
  return TestEdge.start({ reportTo: to }, new FakePlatform().choice)
}

/** The linker of the nth launch, linked to these edges; each has its part of the slots. */
async function linkerOf(
  index: number,
  edges: readonly TestEdge[],
  script: Partial<LinkerScript> = {},
): Promise<ScriptedLinker[]> {
  const { route, launch } = await eventually(`launch ${index}`, () => platform.started[index])
  const { BRXY_TOKEN: token } = launch.env
  const linkers: ScriptedLinker[] = []
  for (const edge of edges)
    linkers.push(
      await edge.linker({ route, token, launch: launch.id, instance: `${index}`.repeat(32), ...script }),
    )
  return linkers
}

const app = ({ edge }: TestEdge) => edge.status().apps.find(({ app: name }) => name === 'shop')

describe('a request held by an edge that does not scale', () => {
  it('has the other one start an instance, which serves it', async () => {
    const client = second.client().get()
    const [linker] = await linkerOf(0, [second])
    ;(await linker.next()).respond('hello')
    await client.until('hello')
    expect(platform.started).toHaveLength(1)
    // To the one that scales it is no launch that it waits for.
    await eventually('it is known', () => app(first)?.launches[0]?.phase === 'ready')
  })

  it('has as many started as both hold together', async () => {
    first.client().get()
    await first.untilHeld(1)
    const [one] = await linkerOf(0, [first], { regrants: false })
    await one.next()
    second.client().get()
    second.client().get()
    await eventually('two more', () => platform.started.length === 3)
  })

  it('waits for a free slot of an instance that is linked to both, and none is started', async () => {
    first.client().get()
    const [here] = await linkerOf(0, [first, second], { slots: 2, grants: 0 })
    await eventually('both know it', () => app(second)?.instances.length === 1)
    here.session.grant(1)
    ;(await here.next()).respond('hello')
    await eventually('the instance is idle', () => app(first)?.instances[0]?.busy === 0)
    expect(platform.started).toHaveLength(1)
  })

  it('is answered with the reason if no instance can be started', async () => {
    const client = second.client().get()
    const { launch } = await eventually('a launch', () => platform.started[0])
    platform.fail(launch.id, { code: 'quota', message: 'no room', final: true })
    await client.until('503')
    expect(client.text).toMatch(/^HTTP\/1\.1 503 /)
    expect(client.text).toContain('quota')
    // One that comes during the pause is as well, within a report.
    const late = second.client().get()
    await late.until('quota')
    expect(platform.started).toHaveLength(1)
  })

  it('counts no more when its edge is gone', async () => {
    second.client().get()
    await eventually('a launch', () => platform.started[0])
    await second.close()
    await linkerOf(0, [first])
    second = await reporting(first.tunnelUrl)
    expect(platform.started).toHaveLength(1)
  })
})

describe('an instance that asks to leave', () => {
  it('may go, as far as an edge that does not scale is concerned', async () => {
    const linker = await second.linker()
    linker.session.leave()
    await eventually('a verdict', () => linker.verdicts.length === 1)
    expect(linker.verdicts).toEqual([true])
  })

  it('is to stay for what is held there', async () => {
    const linker = await second.linker({ grants: 0 })
    second.client().get()
    await second.untilHeld(1)
    linker.session.leave()
    await eventually('a verdict', () => linker.verdicts.length === 1)
    expect(linker.verdicts).toEqual([false])
  })
})

describe('a launch of which one process fails here, and another one serves at the other edge', () => {
  it('is not removed', async () => {
    second.client().get()
    const [there] = await linkerOf(0, [second])
    ;(await there.next()).respond('hello')
    await eventually('it is known', () => app(first)?.launches[0]?.phase === 'ready')
    const [here] = await linkerOf(0, [first], { instance: 'f'.repeat(32), phase: 'starting' })
    here.session.status({ phase: 'failed', reason: 'exited with 1', output: '', slots: 1, busy: 0 })
    await eventually('its failure', () => first.of('launch-failed').length === 1)
    await here.leave()
    await eventually('it has left', () => first.of('left').length === 1)
    expect(app(first)?.launches).toMatchObject([{ phase: 'ready' }])
    expect(platform.removed).toEqual([])
  })
})

describe('an instance that was let go here, and is told to stay by another edge', () => {
  it('serves again what it lends', async () => {
    const linker = await second.linker()
    linker.session.leave()
    await eventually('GO', () => linker.verdicts.length === 1)
    linker.session.grant(1)
    second.client().get()
    await linker.next()
    expect(app(second)?.instances[0]).toMatchObject({ phase: 'ready' })
  })

  it('is answered when it asks again, also if it has lent nothing here', async () => {
    const linker = await second.linker()
    linker.session.leave()
    await eventually('GO', () => linker.verdicts.length === 1)
    linker.session.leave()
    await eventually('GO again', () => linker.verdicts.length === 2)
    expect(linker.verdicts).toEqual([true, true])
  })
})

describe('the edge that scales', () => {
  it('tells the other one how instances leave, and is watched', async () => {
    await eventually('a report', () => second.edge.status().reporting?.failingMs === null)
    expect(second.edge.status().reporting).toEqual({ to: first.tunnelUrl, failingMs: null, error: null })
    expect(first.edge.status().reporting).toBeNull()
  })

  it('tells the other one how replicas leave; what was started by hand exits, whatever launch it says', async () => {
    platform.launches = 'counted'
    platform.leave = 'park'
    const client = second.client().get()
    const { launch } = await eventually('a launch', () => platform.started[0])
    platform.fail(launch.id, { code: 'quota', message: 'no room', final: true })
    // So it has heard the answer.
    await client.until('quota')
    const replica = await second.linker({ platform: 'replica-1' })
    const byHand = await second.linker({ launch: 'copied' })
    expect([replica.welcome?.leave, byHand.welcome?.leave]).toEqual(['park', 'exit'])
  })

  it('that cannot be reached is said once, and that it is back', async () => {
    const scaling = first.tunnelUrl
    const { port } = new URL(scaling)
    await eventually('reports arrive', () => second.edge.status().reporting?.error === null)
    await first.close()
    await eventually('it is noticed', () => second.edge.status().reporting?.failingMs !== null)
    await eventually('the second failure', () => (second.edge.status().reporting?.failingMs ?? 0) > 1_500)
    expect(second.of('scaler').map(({ message }) => message)).toEqual([
      'the edge that scales does not hear of what is held here; it goes on trying',
    ])
    first = await TestEdge.start({ tunnel: { bind: `127.0.0.1:${port}` } }, platform.choice)
    await eventually('it is back', () => second.edge.status().reporting?.failingMs === null)
    expect(second.of('scaler')).toHaveLength(2)
  })
})

describe('a report over HTTP', () => {
  const tokens = new Tokens(new TextEncoder().encode('a secret for tests only'))
  const REPORT = JSON.stringify({ edge: 'e-test', apps: [] })

  async function send(body: string, token?: string, edge = first, method = 'POST'): Promise<Response> {
    const url = edge.tunnelUrl.replace(/^ws/, 'http').replace(/\/brxy.*/, DEMAND_PATH)
    return fetch(url, {
      method,
      ...(method === 'POST' ? { body } : {}),
      headers: { authorization: `Bearer ${token ?? (await tokens.issueEdge(60_000))}` },
    })
  }

  async function post(...request: Parameters<typeof send>): Promise<[number, string]> {
    const response = await send(...request)
    const said = (await response.json()) as { code?: string; edge?: string }
    return [response.status, said.code ?? `${said.edge}`]
  }

  it('of an edge is taken', async () => {
    expect(await post(REPORT)).toEqual([200, first.edge.status().edge])
  })

  it('is answered with the reason, although the platform tries by itself what has failed', async () => {
    platform.launches = 'counted'
    const report = JSON.stringify({
      edge: 'e-test',
      apps: [{ route: 'shop', held: 1, oldestHeldMs: 0, instances: [] }],
    })
    expect((await post(report))[0]).toBe(200)
    const { launch } = await eventually('a launch', () => platform.started[0])
    platform.startAgain('try-2')
    platform.fail(launch.id, { code: 'crashed', message: 'exit status 1', final: true })
    await eventually('the next try', () => app(first)?.launches.some(({ phase }) => phase === 'lost'))
    const { apps } = parseAnswer(await (await send(report)).text())
    expect(apps).toMatchObject([{ route: 'shop', problem: { code: 'crashed' } }])
  })

  describe('that is older than what its instance has said here', () => {
    const instance = 'a'.repeat(32)
    const ready = { instance, phase: 'ready', slots: 1, busy: 0, served: true }
    const older = JSON.stringify({
      edge: 'e-test',
      apps: [{ route: 'shop', held: 0, oldestHeldMs: 0, instances: [ready] }],
    })

    it('has no request wait for the slots of one that is parked', async () => {
      const linker = await first.linker({ instance, grants: 0 })
      expect((await post(older))[0]).toBe(200)
      linker.session.status({ phase: 'parked', slots: 1, busy: 0 })
      await eventually('it is parked', () => first.of('parked')[0])
      first.client().get()
      await first.untilHeld(1)
      // In the same tick, for nobody is ready.
      expect(first.of('recalled')).toHaveLength(1)
    })

    it('has no request wait for the slots of one that has said goodbye', async () => {
      const linker = await first.linker({ instance })
      expect((await post(older))[0]).toBe(200)
      await linker.leave()
      await eventually('it has left', () => first.of('left')[0])
      first.client().get()
      await first.untilHeld(1)
      expect(first.of('launching')).toHaveLength(1)
    })
  })

  it('keeps an instance whose session ends here; what that asked, it has to ask again', async () => {
    const client = first.client().get()
    const [old] = await linkerOf(0, [first])
    ;(await old.next()).respond('old')
    await client.until('old')
    old.session.replace()
    const [successor] = await linkerOf(1, [first], { phase: 'starting', grants: 0 })
    const { instance } = old
    const ready = { instance, launch: old.script.launch, phase: 'ready', slots: 1, busy: 0, served: true }
    const there = { route: 'shop', held: 0, oldestHeldMs: 0, instances: [ready] }
    expect((await post(JSON.stringify({ edge: 'e-test', apps: [there] })))[0]).toBe(200)
    const again = await first.back(old, 1)
    successor.session.status({ phase: 'ready', slots: 1, busy: 0 })
    successor.grant()
    await first.untilLent(2)
    expect([again.verdicts, app(first)?.instances.map(({ phase }) => phase)]).toEqual([
      [],
      ['ready', 'ready'],
    ])
    again.session.replace()
    await eventually('GO', () => again.verdicts.length > 0)
    expect([again.verdicts, platform.started.length]).toEqual([[true], 2])
  })

  it('without a token is 401', async () => {
    expect(await post(REPORT, 'forged')).toEqual([401, 'token/forged'])
    expect(await post(REPORT, '')).toEqual([401, 'token/missing'])
    expect(await post(REPORT, await tokens.issueEdge(-1_000))).toEqual([401, 'token/expired'])
    expect(await post(REPORT, await tokens.issueAdmin(1_000))).toEqual([401, 'token/forged'])
  })

  it("with a linker's token is 403", async () => {
    expect(await post(REPORT, await first.token(['*']))).toEqual([403, 'token/not-an-edge'])
  })

  it('that is none is 400', async () => {
    expect(await post('{}')).toEqual([400, 'edge/bad-report'])
  })

  it('that is too long is 413', async () => {
    expect(await post(' '.repeat(MAX_REPORT_BYTES + 1))).toEqual([413, 'edge/bad-report'])
  })

  it('to an edge that does not scale is 409', async () => {
    expect(await post(REPORT, undefined, second)).toEqual([409, 'edge/not-scaling'])
  })

  it('by GET is 405', async () => {
    expect(await post('', undefined, first, 'GET')).toEqual([405, 'edge/bad-report'])
  })

  it('of an app that is not served is left out, and that is said once', async () => {
    const other = await TestEdge.start({ apps: { shop: { hosts: ['shop'] } } })
    const report = JSON.stringify({
      edge: 'e-test',
      apps: [{ route: 'blog', held: 1, oldestHeldMs: 0, instances: [] }],
    })
    for (let times = 0; times < 2; times++) expect((await post(report, undefined, other))[0]).toBe(200)
    expect(other.of('scaler')).toMatchObject([
      { level: 'warn', fields: { app: 'blog', code: 'edge/no-app' } },
    ])
    await other.close()
  })

  it('of more hosts than may be apps is left out', async () => {
    const apps = { any: { hosts: [], perHost: true, maxRoutes: 1 } }
    const other = await TestEdge.start({ apps })
    const app = (route: string) => ({ route, held: 1, oldestHeldMs: 0, instances: [] })
    await post(JSON.stringify({ edge: 'e-test', apps: [app('one'), app('two')] }), undefined, other)
    expect(other.edge.status().apps.map(({ app: name }) => name)).toEqual(['one'])
    await other.close()
  })
})
