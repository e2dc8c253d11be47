import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { RawClient } from '../client.testkit.ts'
import { TestEdge, type TestOptions, testConfiguration } from '../edge.testkit.ts'
import { eventually, poll } from '../eventually.testkit.ts'
import type { ScriptedLinker } from '../linker.testkit.ts'
import { FakePlatform } from '../scaler.testkit.ts'

vi.setConfig({ testTimeout: 30_000 })

/** So long that a test in which it passes fails. */
const FOREVER = { timeouts: { lostSessionMs: 60_000 } }

let edge: TestEdge
beforeEach(() => start(FOREVER))
afterEach(() => edge.close())

async function start(options: TestOptions, platform?: FakePlatform): Promise<void> {
  edge = await TestEdge.start(options, platform?.choice)
}

async function restart(...given: Parameters<typeof start>): Promise<void> {
  await edge.close()
  await start(...given)
}

function post(target: string, body = 'hello', length = body.length): RawClient {
  return edge
    .client()
    .send(`POST ${target} HTTP/1.1\r\nHost: shop\r\nContent-Length: ${length}\r\n\r\n${body}`)
}

/** A linker that got so many POSTs, /1 and so on, and lost its session. Each body has come. */
async function lost(count = 1): Promise<{ linker: ScriptedLinker; clients: RawClient[] }> {
  const linker = await edge.linker({ slots: count })
  const clients: RawClient[] = []
  for (let nth = 1; nth <= count; nth++) {
    clients.push(post(`/${nth}`))
    const request = await linker.next()
    await poll(() => request.bodyBytes).toBe(5)
  }
  await edge.lose(linker)
  return { linker, clients }
}

const is502 = /^HTTP\/1.1 502 [\s\S]*edge\/tunnel-lost/

describe('an unsafe request whose tunnel died', () => {
  it('is sent again when its linker is back and never had it, and answered 502 at once when it had', async () => {
    const { linker, clients } = await lost(2)
    const back = await edge.back(linker, 1)
    expect(await clients[0].until('}')).toMatch(is502)
    const request = await back.next()
    expect(request.head).toMatch(/^POST \/2 /)
    await poll(() => request.body.toString()).toBe('hello')
    request.respond('done')
    expect(await clients[1].until('done')).toMatch(/^HTTP\/1.1 200 /)
    expect(back.requests).toHaveLength(1)
  })

  it('is given to nobody until then, not even to an instance that has a slot; then to that one as well', async () => {
    const { linker, clients } = await lost()
    const other = await edge.linker()
    // The way to it is open: a later request overtakes.
    const later = edge.client().get('/later')
    ;(await other.next()).respond('overtaken')
    await later.until('overtaken')
    expect([edge.held(), other.requests.length]).toEqual([0, 1])
    await edge.back(linker, 0, { slots: 0 })
    ;(await other.next()).respond('done')
    await clients[0].until('done')
  })

  it('brings along what its client sends meanwhile', async () => {
    const linker = await edge.linker()
    const client = post('/', '01234', 15)
    const first = await linker.next()
    await poll(() => first.bodyBytes).toBe(5)
    await edge.lose(linker)
    client.send('56789')
    const request = await (await edge.back(linker, 0)).next()
    client.send('abcde')
    await poll(() => request.body.toString()).toBe('0123456789abcde')
    request.respond('done')
    await client.until('done')
  })

  it('is forgotten when its client leaves', async () => {
    const linker = await edge.linker({ slots: 2 })
    // One that has sent all, and one that is still sending.
    const clients = [post('/whole'), post('/part', 'hello', 10)]
    for (const _ of clients) await linker.next()
    await edge.lose(linker)
    for (const client of clients) client.finish()
    await poll(() => edge.of('request').map(({ error }) => error)).toEqual(['client gone', 'client gone'])
    const back = await edge.back(linker, 0)
    edge.client().get('/next')
    expect((await back.next()).head).toMatch(/^GET \/next /)
  })

  it('is answered 502 when nobody is back in time; who is back later has no say', async () => {
    await restart({ timeouts: { lostSessionMs: 100 } })
    const { linker, clients } = await lost()
    expect(await clients[0].until('}')).toMatch(is502)
    const back = await edge.back(linker, 0)
    clients[0].get('/next')
    expect((await back.next()).head).toMatch(/^GET \/next /)
  })

  it('is answered 502 when the linker is back and does not say what it had', async () => {
    const { linker, clients } = await lost()
    await edge.back(linker, null)
    expect(await clients[0].until('}')).toMatch(is502)
  })

  it('does not wait if the linker has sent anything for it', async () => {
    const linker = await edge.linker()
    const client = post('/')
    ;(await linker.next()).interim('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n')
    await client.until('103')
    linker.cut()
    expect(await client.until('}')).toMatch(is502)
  })

  it('learns its fate also while the edge still believes in the old session', async () => {
    const linker = await edge.linker({ slots: 2 })
    const clients = [post('/1'), post('/2')]
    for (const _ of clients) await linker.next()
    const back = await edge.back(linker, 1)
    expect(await clients[0].until('}')).toMatch(is502)
    ;(await back.next()).respond('done')
    await clients[1].until('done')
    expect(linker.end).toMatchObject({ code: 'edge/replaced' })
  })
})

describe('a linker that comes back', () => {
  it.each([
    ['another process', {}],
    ['another process, of another route', { route: 'bank' }],
  ])('is not believed about the session of %s', async (_who, script) => {
    await restart({ timeouts: { lostSessionMs: 1_000 } })
    const { linker, clients } = await lost()
    const liar = await edge.linker({ ...script, replaces: linker.welcome?.session ?? '', received: 0 })
    expect(await clients[0].until('}')).toMatch(is502)
    expect(liar.requests).toHaveLength(0)
  })

  it('is not believed about its own session of another route', async () => {
    await restart({ timeouts: { lostSessionMs: 1_000 } })
    const { linker, clients } = await lost()
    const liar = await edge.back(linker, 0, { route: 'bank', token: await edge.token(['bank']) })
    expect(await clients[0].until('}')).toMatch(is502)
    expect(liar.requests).toHaveLength(0)
  })

  it('does not end the session of another process by naming it', async () => {
    const linker = await edge.linker()
    const client = post('/')
    const request = await linker.next()
    await edge.linker({ replaces: linker.welcome?.session ?? '', received: 0, grants: 0 })
    request.respond('done')
    expect(await client.until('done')).toMatch(/^HTTP\/1.1 200 /)
    expect(linker.end).toBe(null)
  })
})

describe('a GOAWAY', () => {
  it('tells the fate of unsafe requests at once: those above `received` never arrived', async () => {
    const other = await edge.linker()
    const linker = await edge.linker({ slots: 2 })
    const seen = post('/seen')
    await linker.next()
    linker.pause()
    const never = post('/never')
    await busy(2)
    linker.session.goaway('link/left', 'it leaves', true)
    expect(await seen.until('}')).toMatch(is502)
    const request = await other.next()
    expect(request.head).toMatch(/^POST \/never /)
    await poll(() => request.body.toString()).toBe('hello')
    request.respond('done')
    await never.until('done')
  })

  it('does not use up the one time that a safe request is repeated', async () => {
    const linkers = [await edge.linker(), await edge.linker(), await edge.linker()]
    for (const linker of linkers) linker.pause()
    const client = edge.client().get()
    for (const linker of linkers.slice(1).reverse()) {
      await busy(1, linker)
      linker.session.goaway('link/left', 'it leaves', true)
      await eventually('the end', () => linker.session.isClosed)
    }
    linkers[0].resume()
    await linkers[0].next()
    linkers[0].cut()
    ;(await (await edge.linker()).next()).respond('repeated once')
    await client.until('repeated once')
  })
})

describe('while a request waits for its linker', () => {
  it('an edge that stops answers it 502, and so those that are lost from then on', async () => {
    await restart({ timeouts: { lostSessionMs: 60_000, drainMs: 20_000 } })
    const running = await edge.linker()
    const other = post('/running')
    await running.next()
    const { clients } = await lost()
    const stopping = edge.edge.stop()
    expect(await clients[0].until('}')).toMatch(is502)
    running.cut()
    expect(await other.until('}')).toMatch(is502)
    await stopping
  })

  it('a reload may give its app another scaler: the new app gets it', async () => {
    const platform = new FakePlatform()
    await restart({ ...FOREVER, apps: { shop: { hosts: ['shop'] } } })
    const { linker, clients } = await lost()
    const { options, adapters } = testConfiguration(
      { ...FOREVER, apps: { shop: { hosts: ['shop'], scaler: { name: 'fake', options: {} } } } },
      platform.choice,
    )
    await edge.edge.reload({ options, adapters: adapters ?? {} })
    const back = await edge.back(linker, 0)
    ;(await back.next()).respond('done')
    await clients[0].until('done')
  })

  it('a reload may remove its app: it is answered 502 when the time is over', async () => {
    await restart({ timeouts: { lostSessionMs: 1_000 }, apps: { shop: { hosts: ['shop'] } } })
    const { linker, clients } = await lost()
    const { options } = testConfiguration({ timeouts: { lostSessionMs: 1_000 }, apps: {} }, null)
    await edge.edge.reload({ options })
    await expect(edge.back(linker, 0)).rejects.toThrow(/does not serve shop/)
    expect(await clients[0].until('}')).toMatch(is502)
  })

  it('its app may be forgotten for another one: whatever serves its route then gets it', async () => {
    const platform = new FakePlatform()
    await restart({ ...FOREVER, defaults: { maxRoutes: 1 } }, platform)
    const client = post('/')
    await eventually('a launch', () => platform.started.length === 1)
    const { id: launch } = platform.started[0].launch
    const linker = await edge.linker({ launch })
    ;(await linker.next()).respond('served')
    await client.until('served')
    client.send('POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 0\r\n\r\n')
    await linker.next()
    await edge.lose(linker)
    // The platform takes it for dead, so nothing is left of the app but its request.
    const crashed = { code: 'crashed', message: 'gone', final: true } as const
    platform.fail(launch, crashed)
    await eventually('the removal', () => platform.removed.length === 1)
    const other = await insist(async () => {
      const client = edge.client().get('/', '', 'other')
      await eventually('an answer', () => client.receivedBytes > 0 || edge.held('other') > 0)
      if (client.receivedBytes > 0) throw new Error(client.text)
      return client
    })
    expect(edge.edge.status().apps.map(({ app }) => app)).toEqual(['other'])
    const started = await eventually('its launch', () =>
      platform.started.find(({ route }) => route === 'other'),
    )
    other.finish()
    await edge.untilHeld(0, 'other')
    platform.fail(started.launch.id, crashed, 'other')
    await eventually('room', () => platform.removed.length === 2)
    const back = await insist(() => edge.back(linker, 1))
    ;(await back.next()).respond('done')
    await client.until('done')
    expect(edge.edge.status().apps.map(({ app }) => app)).toEqual(['shop'])
  })
})

/** Tries again for 10 s: the call that removed an instance has to end before its app is idle, which nothing shows. */
async function insist<T>(attempt: () => Promise<T>): Promise<T> {
  for (const deadline = performance.now() + 10_000; ; ) {
    try {
      return await attempt()
    } catch (error) {
      if (performance.now() > deadline) throw error
    }
  }
}

/** Resolves when so many requests run, in all instances or in one. */
async function busy(count: number, linker?: ScriptedLinker): Promise<void> {
  await eventually(`${count} running`, () => {
    const instances = edge.edge.status().apps.flatMap((app) => app.instances)
    const mine = linker === undefined ? instances : instances.filter(({ busy: b }) => b > 0)
    return mine.reduce((sum, { busy: b }) => sum + b, 0) === count
  })
}
