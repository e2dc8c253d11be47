import { BODY_KNOWN, RESET } from '@brxy/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { RawClient } from '../client.testkit.ts'
import { TestEdge, type TestOptions } from '../edge.testkit.ts'
import { poll } from '../eventually.testkit.ts'
import { pass, stopTime } from '../passing-time.testkit.ts'

// Minutes pass in steps, with real sockets.
vi.setConfig({ testTimeout: 30_000 })

const KIB = 1024
const HEAD = 'HTTP/1.1 200 OK\r\n\r\n'
const CHUNKED = 'POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n'
const post = (length: number, fields = '') =>
  `POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: ${length}\r\n${fields}\r\n`

let edge: TestEdge
beforeEach(stopTime)
afterEach(async () => {
  vi.useRealTimers()
  await edge.close()
})

async function start(options: TestOptions = {}): Promise<void> {
  edge = await TestEdge.start(options)
}

describe('a request body that does not come', () => {
  it('is answered 408 after bodyIdle, and the request reset at the instance', async () => {
    await start()
    const linker = await edge.linker()
    const client = edge.client().send(post(10)).send('hello')
    const request = await linker.next()
    await poll(() => request.bodyBytes).toBe(5)
    await pass(29_000)
    expect(client.text).toBe('')
    await pass(2_000)
    expect(await client.ended()).toMatch(
      /^HTTP\/1.1 408 [\s\S]*Connection: close\r\n[\s\S]*error=http_request_error; details="edge\/body-timeout"|^HTTP\/1.1 408 [\s\S]*details="edge\/body-timeout"[\s\S]*Connection: close\r\n/,
    )
    await poll(() => request.resetCode).toBe(RESET.CANCELLED)
    await poll(() => edge.of('request')).toMatchObject([{ status: 408, error: 'edge/body-timeout' }])
  })

  it.each([
    ['of known length', post(10_000), 'x'],
    ['chunked', CHUNKED, '1\r\nx\r\n'],
  ])('fast enough, but a byte now and then (%s), is answered 408 too', async (_, head, piece) => {
    await start()
    await edge.linker()
    const client = edge.client().send(head)
    for (let seconds = 0; seconds < 40 && client.end === null; seconds += 2) {
      client.send(piece)
      await pass(2_000)
    }
    expect(await client.ended()).toMatch(/^HTTP\/1.1 408 /)
  })

  it('fast enough in the long run comes whole', async () => {
    await start()
    const linker = await edge.linker()
    const client = edge.client().send(post(20 * KIB))
    const request = await linker.next()
    for (let pieces = 0; pieces < 5; pieces++) {
      await pass(12_000)
      client.send('x'.repeat(4 * KIB))
    }
    await poll(() => request.ended).toBe(true)
    request.respond('ok')
    expect(await client.until('ok')).toMatch(/^HTTP\/1.1 200 /)
  })

  it('while it is held leaves the queue', async () => {
    await start()
    const client = edge.client().send(post(10)).send('hello')
    await edge.untilHeld(1)
    await pass(31_000)
    expect(await client.ended()).toMatch(/^HTTP\/1.1 408 /)
    expect(edge.held()).toBe(0)
  })

  it('because its client waits for 100 Continue has time from then on', async () => {
    await start()
    const client = edge.client().send(post(5, 'Expect: 100-continue\r\n'))
    await edge.untilHeld(1)
    await pass(45_000)
    const linker = await edge.linker()
    await client.until('100 Continue')
    await pass(20_000)
    client.send('hello')
    const request = await linker.next()
    await poll(() => request.ended).toBe(true)
    request.respond('ok')
    await client.until('ok')
  })

  it('because the application does not take it is no fault of the client', async () => {
    await start()
    const linker = await edge.linker({ takesBodies: false })
    const client = edge
      .client()
      .send(post(64 * KIB * KIB))
      .send(Buffer.alloc(32 * KIB * KIB, 'x'))
    const request = await linker.next()
    await poll(() => request.bodyBytes).toBe(64 * KIB)
    await pass(120_000)
    expect([client.end, request.resetCode]).toEqual([null, null])
    // And is one again when it is taken.
    request.takeAll()
    await poll(() => request.bodyBytes).toBe(32 * KIB * KIB)
    await pass(29_000)
    expect(client.end).toBe(null)
    await pass(2_000)
    expect(await client.ended()).toMatch(/^HTTP\/1.1 408 /)
  })

  it('because its request is held and enough of it buffered is none either', async () => {
    await start({ limits: { heldBodyBytes: KIB } })
    const client = edge
      .client()
      .send(post(100 * KIB))
      .send('x'.repeat(50 * KIB))
    await edge.untilHeld(1)
    await pass(49_000)
    expect(client.text).toBe('')
    await pass(2_000)
    expect(await client.ended()).toMatch(/^HTTP\/1.1 504 [\s\S]*edge\/hold-timeout/)
  })

  it('after the response head aborts the connection', async () => {
    await start()
    const linker = await edge.linker()
    const client = edge.client().send(post(10)).send('hello')
    const request = await linker.next()
    request.sendHead(HEAD)
    request.write('early')
    await client.until('early')
    await pass(31_000)
    expect(await client.ended()).toBe('')
    await poll(() => request.resetCode).toBe(RESET.CANCELLED)
    expect(edge.of('request')).toMatchObject([{ status: 200, error: 'edge/body-timeout' }])
  })

  it('after the response head may be its turn in a conversation, if it has no length', async () => {
    await start()
    const linker = await edge.linker()
    const client = edge.client().send(CHUNKED).send('2\r\nhi\r\n')
    const request = await linker.next()
    request.sendHead(HEAD)
    request.write('hello')
    await client.until('hello')
    await pass(200_000)
    client.send('3\r\nbye\r\n0\r\n\r\n')
    await poll(() => request.body.toString()).toBe('hibye')
    request.finish()
    await client.ended()
    expect(client.text).toMatch(/0\r\n\r\n$/)
  })

  it('is waited for if its app says so', async () => {
    await start({ defaults: { bodyIdleMs: 0 } })
    const linker = await edge.linker()
    const client = edge.client().send(post(10)).send('hello')
    const request = await linker.next()
    await pass(200_000)
    client.send('hello')
    await poll(() => request.ended).toBe(true)
  })
})

describe('a response of which no byte moves', () => {
  it('is aborted after streamIdle, and reset at the instance', async () => {
    await start()
    const linker = await edge.linker()
    const client = edge.client().get()
    const request = await linker.next()
    request.sendHead(HEAD)
    request.write('data: 1\n\n')
    await client.until('data: 1')
    await pass(290_000)
    request.write('data: 2\n\n')
    await client.until('data: 2')
    await pass(290_000)
    expect(client.end).toBe(null)
    await pass(11_000)
    // No last chunk: it does not look complete.
    expect(await client.ended()).toBe('')
    await poll(() => request.resetCode).toBe(RESET.TIMEOUT)
    expect(edge.of('request')).toMatchObject([{ status: 200, error: 'stream idle' }])
  })

  it('is left alone if its app says so', async () => {
    await start({ defaults: { streamIdleMs: 0 } })
    const linker = await edge.linker()
    const client = edge.client().get()
    const request = await linker.next()
    request.sendHead(HEAD)
    await client.until('200 OK')
    await pass(1_000_000)
    request.write('data: at last\n\n')
    await client.until('at last')
  })
})

describe('a client that takes nothing of its response', () => {
  /** What stays at the edge, for it is more than two kernels take. */
  const BODY = Buffer.alloc(32 * KIB * KIB, 'z')

  async function unread() {
    const linker = await edge.linker()
    const client = edge.client()
    client.socket.pause()
    client.get()
    const request = await linker.next()
    request.sendHead('HTTP/1.1 200 OK\r\n\r\n', BODY_KNOWN, BODY.length)
    request.write(BODY)
    return { client, request }
  }

  /** Enough for its kernel to ask for more. */
  async function takeSome({ socket }: RawClient): Promise<void> {
    let left = 3 * KIB * KIB
    const onData = (data: Buffer) => {
      left -= data.length
      if (left <= 0) socket.pause()
    }
    socket.on('data', onData)
    socket.resume()
    await poll(() => left).toBeLessThanOrEqual(0)
    socket.off('data', onData)
  }

  it('is reset after writeStall, and the request at the instance', async () => {
    await start()
    const { client, request } = await unread()
    await pass(59_000)
    expect(request.resetCode).toBe(null)
    await pass(17_000)
    await poll(() => request.resetCode).toBe(RESET.CANCELLED)
    expect(edge.of('request')).toMatchObject([{ status: 200, error: 'client stuck' }])
    expect(edge.edge.status().connections).toBe(0)
    // A RST behind data may look like an end; a write finds out.
    client.socket.on('end', () => client.send('x'))
    client.socket.resume()
    await poll(() => client.end === 'reset' || client.socket.destroyed).toBe(true)
    expect(client.receivedBytes).toBeLessThan(BODY.length)
  })

  it('is waited for as long as it takes some', async () => {
    await start()
    const { client, request } = await unread()
    for (let times = 0; times < 5; times++) {
      await pass(50_000)
      await takeSome(client)
    }
    expect(request.resetCode).toBe(null)
    client.socket.resume()
    await poll(() => client.receivedBytes).toBeGreaterThan(BODY.length)
  })

  it('is waited for if it says so', async () => {
    await start({ timeouts: { writeStallMs: 0 }, defaults: { streamIdleMs: 0 } })
    const { client, request } = await unread()
    await pass(1_000_000)
    expect(request.resetCode).toBe(null)
    client.socket.resume()
    await poll(() => client.receivedBytes).toBeGreaterThan(BODY.length)
  })
})
