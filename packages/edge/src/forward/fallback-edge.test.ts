import { REFUSE, RESET } from '@brxy/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestEdge, type TestOptions, testConfiguration } from '../edge.testkit.ts'
import { eventually, poll } from '../eventually.testkit.ts'
import { FakePlatform } from '../scaler.testkit.ts'
import { RawServer } from './fallback.testkit.ts'

let edge: TestEdge
let server: RawServer
beforeEach(async () => {
  server = await RawServer.start()
})
afterEach(async () => {
  await edge.close()
  await server.close()
})

type AppInput = NonNullable<TestOptions['apps']>[string]

const configure = (app: Partial<AppInput>, fallback = server.address): TestOptions => ({
  apps: { shop: { hosts: ['shop'], waiting: { fallback }, ...app } },
})

/** An edge whose app nobody starts, so that requests are held until their time is over: 50 ms. */
async function start(app: Partial<AppInput> = {}, options: TestOptions = {}): Promise<void> {
  edge = await TestEdge.start({ ...configure({ holdMs: 50, ...app }), ...options })
}

/** An edge whose app could be started, but fails when it is. */
async function startFailing(): Promise<FakePlatform> {
  const platform = new FakePlatform()
  edge = await TestEdge.start(configure({ scaler: { name: 'fake', options: {} } }), platform.choice)
  return platform
}

const HELLO = 'HTTP/1.1 503 Come Back\r\nContent-Length: 5\r\nX-From: fallback\r\n\r\nhello'

describe('the fallback gets a request', () => {
  it('whose app cannot be started', async () => {
    const platform = await startFailing()
    const client = edge.client().get('/cart?x=1', 'Cookie: a=b\r\nX-Forwarded-For: 1.2.3.4\r\n')
    const { launch } = await eventually('a launch', () => platform.started[0])
    platform.fail(launch.id, { code: 'image', message: 'no such image', final: true })
    const connection = await server.request()
    expect(connection.head).toMatch(/^GET \/cart\?x=1 HTTP\/1.1\r\nHost: shop\r\nCookie: a=b\r\n/)
    expect(connection.head).toMatch(
      /\r\nX-Forwarded-For: 127\.0\.0\.1\r\n[\s\S]*\r\nVia: 1\.1 brxy-[0-9a-f]{12}\r\n/,
    )
    connection.send(HELLO)
    const text = await client.until('hello')
    expect(text).toMatch(/^HTTP\/1.1 503 Come Back\r\n[\s\S]*X-From: fallback\r\n/)
    expect(text).not.toMatch(/proxy-status/i)
    expect(edge.of('request')).toMatchObject([
      { app: 'shop', instance: 'fallback', status: 503, error: null },
    ])
    // Within the pause after the failure, and on the same connection.
    client.get('/again')
    const again = await server.request(1)
    again.send(HELLO)
    await client.until('hello')
    expect(platform.started).toHaveLength(1)
  })

  it('that was held for too long, and says for how long', async () => {
    await start()
    const client = edge.client().get()
    ;(await server.request()).send(HELLO)
    expect(await client.until('hello')).toMatch(/\r\nServer-Timing: brxy-hold;dur=[5-9]\d\r\n/)
    const [{ heldMs, tookMs }] = edge.of('request')
    expect(heldMs).toBeGreaterThanOrEqual(50)
    expect(heldMs).toBeLessThanOrEqual(tookMs)
  })

  it('for which there was no room, and at once', async () => {
    await start({ queue: { requests: 1 }, holdMs: 60_000 })
    edge.client().get('/held')
    await edge.untilHeld(1)
    const client = edge.client().get('/more')
    const connection = await server.request()
    expect(connection.head).toMatch(/^GET \/more /)
    connection.send(HELLO)
    await client.until('hello')
    expect(edge.held()).toBe(1)
  })

  it('with the body that was held and what comes of it later', async () => {
    await start()
    const client = edge.client().send('POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 10\r\n\r\n01234')
    const connection = await server.request()
    expect(connection.head).toContain('\r\nContent-Length: 10\r\n')
    await connection.untilBody('01234')
    client.send('56789GET /next HTTP/1.1\r\nHost: shop\r\n\r\n')
    await connection.untilBody('0123456789')
    connection.send(HELLO)
    await client.until('hello')
    expect((await server.request(1)).head).toMatch(/^GET \/next /)
  })

  it('with chunks and trailers', async () => {
    await start()
    const client = edge
      .client()
      .send('POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
    const connection = await server.request()
    await connection.untilBody('3\r\nabc\r\n')
    client.send('2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n')
    await connection.untilBody('3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n')
    connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n')
    expect(await client.until('0\r\n\r\n')).toMatch(/\r\n\r\n2\r\nok\r\n0\r\n\r\n$/)
  })

  it('whose body was more than may be held, and no byte of it is lost', async () => {
    await start({ holdMs: 60_000, queue: { bytes: 4096 } })
    const parts = ['a', 'b', 'c'].map((letter) => letter.repeat(2000))
    const client = edge.client().send('POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 6000\r\n\r\n')
    client.send(parts[0])
    await edge.untilHeld(1)
    client.send(parts[1])
    const connection = await server.request()
    client.send(parts[2])
    await connection.untilBody(parts.join(''))
    connection.send(HELLO)
    await client.until('hello')
  })

  it('and its client is told to send the body that it asked about', async () => {
    await start()
    const client = edge
      .client()
      .send('POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n')
    await client.until('HTTP/1.1 100 Continue\r\n\r\n')
    const connection = await server.request()
    expect(connection.head).not.toMatch(/expect/i)
    client.send('ok')
    await connection.untilBody('ok')
  })

  it('and large bodies come through both ways', async () => {
    await start()
    const up = Buffer.alloc(3_000_000, 'abcdefghijk')
    const down = Buffer.alloc(3_000_000, 'lmnopqr')
    const client = edge.client().send(`POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: ${up.length}\r\n\r\n`)
    client.send(up)
    const connection = await server.request()
    await eventually('the whole body', () => connection.body.length === up.length)
    expect(connection.body === up.toString('latin1')).toBe(true)
    connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${down.length}\r\n\r\n`)
    connection.send(down)
    await client.until('\r\n\r\n')
    const bodyAt = client.text.indexOf('\r\n\r\n') + 4
    await eventually('the whole answer', () => client.receivedBytes === bodyAt + down.length)
    expect(client.text.slice(-down.length) === down.toString('latin1')).toBe(true)
  })
})

describe('instead of an answer of the fallback', () => {
  it('the client gets the error that it stood in for if nobody runs it', async () => {
    await start({ waiting: { fallback: `127.0.0.1:${server.port}` } })
    const { port } = server
    await server.close()
    const client = edge.client().get()
    const text = await client.until('}')
    expect(text).toMatch(/^HTTP\/1.1 504 [\s\S]*details="edge\/hold-timeout"/)
    expect(edge.of('request')).toMatchObject([
      { instance: 'fallback', status: 504, error: 'edge/hold-timeout' },
    ])
    expect(text).not.toContain(String(port))
    server = await RawServer.start()
  })

  it('the client gets that error, with its class and Retry-After, if the answer is no HTTP', async () => {
    const platform = await startFailing()
    const client = edge.client().get()
    const { launch } = await eventually('a launch', () => platform.started[0])
    platform.fail(launch.id, { code: 'quota', message: 'x', final: true })
    ;(await server.request()).send('220 mail.example ESMTP\r\n')
    expect(await client.until('}')).toMatch(
      /^HTTP\/1.1 503 [\s\S]*details="edge\/cannot-start quota"\r\nRetry-After: \d/,
    )
  })

  it('the client gets that error if it closes without one', async () => {
    await start()
    const client = edge.client().get()
    ;(await server.request()).socket.end()
    expect(await client.until('}')).toMatch(/^HTTP\/1.1 504 [\s\S]*hold-timeout/)
  })

  it('the client gets that error if it does not come in time', async () => {
    await start({ responseMs: 50 })
    const client = edge.client().get()
    const connection = await server.request()
    expect(await client.until('}')).toMatch(/^HTTP\/1.1 504 [\s\S]*hold-timeout/)
    await connection.untilClosed()
  })

  it('the client gets that error if its head is one that the request cannot have', async () => {
    await start()
    const client = edge.client().get()
    ;(await server.request()).send('HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
    expect(await client.until('}')).toMatch(/^HTTP\/1.1 504 [\s\S]*hold-timeout/)
  })

  it('the client is cut off when the answer breaks in the middle', async () => {
    await start()
    const client = edge.client().get()
    const connection = await server.request()
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc')
    await client.until('abc')
    connection.socket.resetAndDestroy()
    expect(await client.ended()).toBe('')
    expect(edge.of('request')).toMatchObject([{ instance: 'fallback', status: 200, error: 'aborted' }])
  })
})

describe('the fallback', () => {
  it('hears when the client goes away', async () => {
    await start()
    const client = edge.client().get()
    const connection = await server.request()
    client.reset()
    await connection.untilClosed()
    expect(edge.of('request')).toMatchObject([{ instance: 'fallback', error: 'client gone' }])
  })

  it('is not asked for what an instance serves, badly or well', async () => {
    await start({ holdMs: 60_000 })
    const linker = await edge.linker()
    const client = edge.client().get()
    ;(await linker.next()).reset(RESET.APP_CLOSED)
    expect(await client.until('}')).toMatch(/^HTTP\/1.1 502 [\s\S]*app-closed/)
    linker.grant()
    client.get()
    ;(await linker.next()).respond('hello')
    await client.until('hello')
    expect(server.connections).toEqual([])
  })

  it('is not asked how the app is: probes get the truth', async () => {
    await start({ passive: [{ path: '/healthz' }], holdMs: 50 })
    const linker = await edge.linker()
    edge.client().get('/')
    await linker.next()
    expect(await edge.client().get('/healthz').until('}')).toMatch(/^HTTP\/1.1 504 /)
    expect(server.connections).toEqual([])
  })

  it('gets nothing new when the edge stops, and may end what it has', async () => {
    await start({ queue: { requests: 1 }, holdMs: 60_000 }, { timeouts: { drainMs: 5_000 } })
    const held = edge.client().get('/held')
    await edge.untilHeld(1)
    const client = edge.client().get('/more')
    const connection = await server.request()
    const stopping = edge.edge.stop()
    expect(await held.until('draining')).toMatch(/^HTTP\/1.1 503 /)
    connection.send(HELLO)
    expect(await client.until('hello')).toMatch(/\r\nConnection: close\r\n/)
    await stopping
    expect(server.connections).toHaveLength(1)
  })

  it('gets nothing that an instance gives back when the edge stops', async () => {
    await start({}, { timeouts: { drainMs: 5_000 } })
    const linker = await edge.linker()
    const client = edge.client().get()
    const request = await linker.next()
    const stopping = edge.edge.stop()
    await poll(() => edge.of('draining')).toHaveLength(1)
    request.refuse(REFUSE.NO_SLOT)
    expect(await client.until('edge/draining')).toMatch(/^HTTP\/1.1 503 /)
    await stopping
    expect(server.connections).toEqual([])
  })

  it('may be another one after a reload, and the first one ends what it has', async () => {
    await start()
    const client = edge.client().get('/first')
    const connection = await server.request()
    const other = await RawServer.start()
    try {
      await edge.edge.reload(testConfiguration(configure({ holdMs: 50 }, other.address), null))
      const next = edge.client().get('/second')
      const second = await other.request()
      second.send(HELLO)
      await next.until('hello')
      connection.send(HELLO)
      await client.until('hello')
      expect([server.connections.length, other.connections.length]).toEqual([1, 1])
    } finally {
      await other.close()
    }
  })
})

it('an app without one answers by itself', async () => {
  edge = await TestEdge.start({ apps: { shop: { hosts: ['shop'], holdMs: 50 } } })
  await edge.client().get().until('hold-timeout')
  await poll(() => edge.of('request')).toMatchObject([{ instance: null, error: 'edge/hold-timeout' }])
})
