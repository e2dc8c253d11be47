import { OPEN_PASSIVE, RESET } from '@brxy/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import type { RawClient } from '../client.testkit.ts'
import { TestEdge, type TestOptions, testConfiguration } from '../edge.testkit.ts'
import { eventually, poll } from '../eventually.testkit.ts'
import type { ScriptedLinker } from '../linker.testkit.ts'
import { FakePlatform } from '../scaler.testkit.ts'

let edge: TestEdge
afterEach(() => edge.close())

const PASSIVE = [
  { path: '/healthz', whenAsleep: { body: 'zzz\n' } },
  { path: '/quiet', whenAsleep: { status: 204 } },
  { userAgents: ['probe'], whenAsleep: { status: 503, body: 'äsleep' } },
]

type AppInput = NonNullable<TestOptions['apps']>[string]

/** An edge with one app, which has a scaler. */
async function start(app: Partial<AppInput> = {}, options: TestOptions = {}): Promise<FakePlatform> {
  const platform = new FakePlatform()
  const scaler = { name: 'fake', options: {} }
  edge = await TestEdge.start(
    { apps: { shop: { hosts: ['shop'], passive: PASSIVE, scaler, ...app } }, ...options },
    platform.choice,
  )
  return platform
}

/** Bits of the OPEN frames that the linker gets. */
function bitsOf(linker: ScriptedLinker): number[] {
  const seen: number[] = []
  const { onOpen } = linker
  linker.onOpen = (stream, open) => {
    seen.push(open.bits)
    onOpen.call(linker, stream, open)
  }
  return seen
}

/**
 * A client whose request is at the edge: one for nobody goes before it, in the same segment, and when that is answered
 * the other has been read as well.
 */
async function waiting(target: string): Promise<RawClient> {
  const nobody = 'GET / HTTP/1.1\r\nHost: nobody\r\n\r\n'
  const client = edge.client().send(`${nobody}GET ${target} HTTP/1.1\r\nHost: shop\r\n\r\n`)
  await client.until('edge/no-app","requestId')
  return client
}

/** A linker whose one slot is busy with the request of a client. */
async function busy() {
  const linker = await edge.linker()
  const client = edge.client().get('/ordinary')
  return { linker, client, request: await linker.next() }
}

describe('a passive request for an app that is asleep', () => {
  it('is answered at once, and starts nothing', async () => {
    const platform = await start({ patienceMs: 0 })
    const client = edge.client().get('/healthz?deep')
    const [head, body] = (await client.until('zzz')).split('\r\n\r\n')
    expect(head.split('\r\n').filter((line) => !line.startsWith('Date: '))).toEqual([
      'HTTP/1.1 200 OK',
      'Cache-Control: no-store',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Length: 4',
    ])
    expect(body).toBe('zzz\n')
    await client.get('/healthz').until('zzz')
    expect(edge.of('request')).toMatchObject([
      { app: 'shop', instance: null, method: 'GET', target: '/healthz?deep', status: 200, error: null },
      { target: '/healthz' },
    ])
    // An ordinary one, which starts an instance in the same tick, shows that the others would have as well.
    edge.client().get('/')
    await eventually('a launch', () => platform.started[0])
    expect(edge.of('launching')).toMatchObject([{ held: 1 }])
  })

  it('has the status and the text of its rule', async () => {
    await start()
    const client = edge.client().get('/', 'User-Agent: a Probe\r\n')
    const text = await client.until('sleep')
    expect(text).toMatch(/^HTTP\/1.1 503 Service Unavailable\r\n[\s\S]*\r\nContent-Length: 7\r\n/)
    expect(Buffer.from(text, 'latin1').toString()).toMatch(/\r\n\r\näsleep$/)
    expect(await client.get('/quiet').until('\r\n\r\n')).not.toMatch(/content-/i)
    client.send('HEAD /healthz HTTP/1.1\r\nHost: shop\r\n\r\n')
    expect(await client.until('\r\n\r\n')).toMatch(/Content-Length: 4\r\n\r\n$/)
  })

  it('ends the connection if its body was not read', async () => {
    await start()
    const client = edge.client().send('POST /healthz HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\n')
    expect(await client.ended()).toMatch(/^HTTP\/1.1 200 [\s\S]*\r\nConnection: close\r\n/)
  })

  it('is known by its path as it was sent, though the application sees less of it', async () => {
    await start({ paths: [{ prefix: '/api', strip: true }], passive: [{ path: '/api/healthz' }] })
    await edge.client().get('/api/healthz').until('200 OK')
    edge.client().get('/healthz')
    edge.client().get('/api/api/healthz')
    await edge.untilHeld(1)
  })

  it('is answered so while the only instance starts', async () => {
    await start()
    const linker = await edge.linker({ phase: 'starting', grants: 0 })
    await edge.client().get('/healthz').until('zzz')
    expect(linker.requests).toEqual([])
  })
})

describe('a passive request for an app that is awake', () => {
  it('is given a grant that is free, marked as passive', async () => {
    await start()
    const linker = await edge.linker({ slots: 2 })
    const bits = bitsOf(linker)
    const client = edge.client().get('/healthz')
    ;(await linker.next()).respond('awake')
    await client.until('awake')
    client.get('/')
    ;(await linker.next()).respond('ordinary')
    await client.until('ordinary')
    expect(bits).toEqual([OPEN_PASSIVE, 0])
    expect(edge.of('request')).toMatchObject([{ instance: 'shop/1', status: 200 }, {}])
  })

  it('waits for a grant where nobody sees it, and is told when that takes too long', async () => {
    const platform = await start({ patienceMs: 0, holdMs: 200 })
    const { linker, request } = await busy()
    const client = edge.client().get('/healthz')
    expect(await client.until('hold-timeout')).toMatch(/^HTTP\/1.1 504 /)
    // A hundred times its patience later.
    expect([platform.started, linker.demand, edge.held()]).toEqual([[], 0, 0])
    request.respond('done')
    client.get('/healthz')
    ;(await linker.next()).respond('awake')
    await client.until('awake')
  })

  it('is served after all others', async () => {
    await start({ max: 1 })
    const { linker, request } = await busy()
    const passive = await waiting('/healthz')
    const ordinary = edge.client().get('/second')
    await edge.untilHeld(1)
    request.respond('first')
    const second = await linker.next()
    expect(second.head).toMatch(/^GET \/second /)
    second.respond('second')
    await ordinary.until('second')
    const last = await linker.next()
    expect(last.head).toMatch(/^GET \/healthz /)
    last.respond('awake')
    await passive.until('awake')
  })

  it('is answered when the last instance that was ready goes away', async () => {
    await start()
    const { linker } = await busy()
    const client = await waiting('/healthz')
    linker.cut()
    expect(await client.until('zzz')).toMatch(/^HTTP\/1.1 200 /)
  })

  it('is answered when the instance that has it dies, and no other is ready', async () => {
    await start()
    const linker = await edge.linker()
    const client = edge.client().get('/healthz')
    await linker.next()
    linker.cut()
    expect(await client.until('zzz')).toMatch(/^HTTP\/1.1 200 /)
  })

  it('goes to another instance when it is refused', async () => {
    await start()
    const older = await edge.linker()
    const newer = await edge.linker()
    const client = edge.client().get('/healthz')
    ;(await newer.next()).refuse(1)
    ;(await older.next()).respond('awake')
    await client.until('awake')
  })

  it('brings the errors of the application to the client', async () => {
    await start()
    const linker = await edge.linker()
    const client = edge.client().get('/healthz')
    ;(await linker.next()).reset(RESET.APP_CLOSED)
    expect(await client.until('app-closed')).toMatch(/^HTTP\/1.1 502 /)
  })

  it('keeps no instance from leaving', async () => {
    await start()
    const linker = await edge.linker({ slots: 2 })
    linker.session.leave()
    await poll(() => linker.verdicts).toEqual([false])
    const client = edge.client().get('/healthz')
    ;(await linker.next()).respond('awake')
    await client.until('awake')
    linker.session.leave()
    await poll(() => linker.verdicts).toEqual([false, true])
  })

  it('is dropped with its client', async () => {
    await start()
    const { linker, request } = await busy()
    const gone = await waiting('/healthz?gone')
    await waiting('/healthz?stays')
    gone.reset()
    await poll(() => edge.of('request')).toMatchObject([{ target: '/healthz?gone', error: 'client gone' }])
    request.respond('done')
    expect((await linker.next()).head).toMatch(/^GET \/healthz\?stays /)
  })

  it('is answered when a reload leaves it without an instance', async () => {
    const platform = await start()
    await busy()
    const client = await waiting('/healthz')
    const apps = { shop: { hosts: ['shop'], passive: [] } }
    // Without its scaler it is another app, which takes over what the first one holds.
    await edge.edge.reload(testConfiguration({ apps }, platform.choice))
    expect(await client.until('zzz')).toMatch(/^HTTP\/1.1 200 /)
  })

  it('is refused when too many wait already', async () => {
    await start({ queue: { requests: 1 } })
    await busy()
    await waiting('/healthz?1')
    const client = edge.client().get('/healthz?2')
    expect(await client.until('hold-full')).toMatch(/^HTTP\/1.1 503 /)
  })

  it('is refused when the edge stops', async () => {
    await start({}, { timeouts: { drainMs: 5_000 } })
    const { request } = await busy()
    const client = await waiting('/healthz')
    const stopping = edge.edge.stop()
    expect(await client.until('draining')).toMatch(/^HTTP\/1.1 503 /)
    request.respond('done')
    await stopping
  })
})
