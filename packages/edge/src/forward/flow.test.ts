import { createHash } from 'node:crypto'
import { get } from 'node:http'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TestEdge } from '../edge.testkit.ts'
import { poll } from '../eventually.testkit.ts'

const MIB = 1024 * 1024

// Many megabytes through two sockets, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 })

let edge: TestEdge
beforeEach(async () => {
  edge = await TestEdge.start()
})
afterEach(() => edge.close())

/** Resolves when the number has stopped growing for a while. */
async function settled(read: () => number): Promise<number> {
  let last = -1
  for (let same = 0; same < 10; ) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    const now = read()
    same = now === last ? same + 1 : 0
    last = now
  }
  return last
}

describe('a large upload', () => {
  it('waits in the client while the application does not read', async () => {
    const linker = await edge.linker({ takesBodies: false })
    const client = edge.client().send(`POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: ${64 * MIB}\r\n\r\n`)
    const body = Buffer.alloc(64 * MIB, 'x')
    client.send(body)
    const request = await linker.next()
    // The window and no more has crossed, and the client's kernel is full.
    expect(await settled(() => request.bodyBytes)).toBe(64 * 1024)
    expect(client.socket.writableLength).toBeGreaterThan(0)
    request.take(64 * 1024)
    await poll(() => request.bodyBytes).toBeGreaterThan(64 * 1024)
  })

  it('arrives whole, chunked, through windows', async () => {
    const linker = await edge.linker()
    const client = edge.client().send('POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n')
    const pieces = Array.from({ length: 40 }, (_, i) => Buffer.alloc(50_000 + i, 97 + (i % 26)))
    for (const piece of pieces) {
      client
        .send(`${piece.length.toString(16)}\r\n`)
        .send(piece)
        .send('\r\n')
    }
    client.send('0\r\n\r\n')
    const request = await linker.next()
    await poll(() => request.ended).toBe(true)
    expect(request.body.equals(Buffer.concat(pieces))).toBe(true)
    request.respond('ok')
    await client.until('ok')
  })

  it('is buffered up to a bound while it is held, and arrives whole', async () => {
    const client = edge.client().send(`POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: ${MIB}\r\n\r\n`)
    const body = Buffer.alloc(MIB, 'y')
    client.send(body)
    await edge.untilHeld(1)
    const bytes = await settled(() => edge.edge.status().apps[0].held.bytes)
    expect(bytes).toBeGreaterThan(64 * 1024)
    expect(bytes).toBeLessThan(200 * 1024)
    const linker = await edge.linker()
    const request = await linker.next()
    await poll(() => request.ended).toBe(true)
    expect(request.body.equals(body)).toBe(true)
    request.respond('ok')
    await client.until('ok')
    expect(edge.edge.status().apps[0].held.bytes).toBe(0)
  })

  it('that is held is refused when the bytes that all may hold are used up', async () => {
    await edge.close()
    edge = await TestEdge.start({ defaults: { queue: { bytes: 20_000 } } })
    const first = edge.client().get()
    const client = edge.client().send(`POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: ${MIB}\r\n\r\n`)
    await edge.untilHeld(2)
    client.send('x'.repeat(20_000))
    expect(await client.ended()).toMatch(/^HTTP\/1.1 503 [\s\S]*edge\/hold-full/)
    ;(await (await edge.linker()).next()).respond('unharmed')
    await first.until('unharmed')
  })

  it('does not time out while it comes, and does when it stops', async () => {
    await edge.close()
    edge = await TestEdge.start({ defaults: { responseMs: 200 } })
    const linker = await edge.linker()
    const client = edge.client().send('POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 100\r\n\r\n')
    const request = await linker.next()
    const since = performance.now()
    while (performance.now() - since < 400) {
      client.send('x')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(client.text).toBe('')
    expect(await client.ended()).toMatch(/^HTTP\/1.1 504 [\s\S]*edge\/response-timeout/)
    await poll(() => request.resetCode).not.toBe(null)
  })
})

describe('a large download', () => {
  it('waits in the instance while the client does not read', async () => {
    const linker = await edge.linker()
    const client = edge.client()
    client.socket.pause()
    client.get()
    const request = await linker.next()
    request.sendHead('HTTP/1.1 200 OK\r\n\r\n')
    request.write(Buffer.alloc(64 * MIB, 'z'))
    // What is not with the instance is in windows and kernels: a few MiB.
    const waiting = await settled(() => request.waitingBytes)
    expect(64 * MIB - waiting).toBeLessThan(16 * MIB)
    client.socket.resume()
    await poll(() => request.waitingBytes).toBeLessThan(waiting)
    client.close()
    await poll(() => request.resetCode).not.toBe(null)
  })

  it('arrives byte for byte, whatever the sizes of its pieces', async () => {
    const linker = await edge.linker()
    const sent = createHash('sha256')
    const received = createHash('sha256')
    const ended = new Promise<void>((resolve) => {
      get({ port: edge.port, host: '127.0.0.1', headers: { host: 'shop' } }, (response) => {
        response.on('data', (data: Buffer) => received.update(data))
        response.on('end', resolve)
      })
    })
    const request = await linker.next()
    request.sendHead('HTTP/1.1 200 OK\r\n\r\n')
    // Around the size from which pieces are not copied any more.
    const sizes = [1, 4096, 4097, 5, 65_536, 300, 16_384, 70_000, 2_048, 4_000, 12_000]
    for (let i = 0; i < 1_500; i++) {
      const piece = Buffer.alloc(sizes[(i * 7) % sizes.length], `${i} `)
      sent.update(piece)
      if (request.write(piece)) continue
      await new Promise<void>((resolve) => {
        request.onWritable = resolve
      })
    }
    request.finish()
    await ended
    expect(received.digest('hex')).toBe(sent.digest('hex'))
  })

  it('arrives whole at a client that reads in fits', async () => {
    const linker = await edge.linker()
    const client = edge.client().get()
    const request = await linker.next()
    const body = Buffer.alloc(5 * MIB)
    for (let i = 0; i < body.length; i += 4) body.writeUInt32BE(i, i)
    request.sendHead('HTTP/1.1 200 OK\r\n\r\n', 1, body.length)
    request.write(body)
    request.done()
    const expected = body.length
    while (client.receivedBytes < expected) {
      client.socket.pause()
      await new Promise((resolve) => setTimeout(resolve, 5))
      client.socket.resume()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const text = await client.until(/\r\n\r\n/)
    await poll(() => client.receivedBytes).toBe(text.indexOf('\r\n\r\n') + 4 + expected)
    expect(client.received.subarray(-expected).equals(body)).toBe(true)
  })

  it('with `Connection: close` arrives whole at a client that reads late', async () => {
    const linker = await edge.linker()
    const client = edge.client()
    client.socket.pause()
    client.get('/', 'Connection: close\r\n')
    const request = await linker.next()
    request.sendHead('HTTP/1.1 200 OK\r\n\r\n')
    // More than kernels take, less than windows grow to.
    request.write(Buffer.alloc(8 * MIB, 'z'))
    const waiting = await settled(() => request.waitingBytes)
    expect(waiting).toBeGreaterThan(0)
    request.finish()
    client.socket.resume()
    const text = await client.ended()
    expect(text.endsWith('0\r\n\r\n')).toBe(true)
  })
})

describe('pipelining', () => {
  it('is not read beyond a bound while a request runs', async () => {
    const linker = await edge.linker()
    const client = edge.client().get()
    const first = await linker.next()
    client.send('GET /next HTTP/1.1\r\nHost: shop\r\n\r\n'.repeat(400_000))
    await settled(() => client.socket.writableLength)
    expect(client.socket.writableLength).toBeGreaterThan(0)
    first.respond('first')
    ;(await linker.next()).respond('second')
    await client.until('second')
    client.close()
  })

  it('of a client that reads no responses stops being read', async () => {
    const linker = await edge.linker({ slots: 1 })
    const client = edge.client()
    client.socket.pause()
    const body = Buffer.alloc(60_000, 'r').toString()
    // Each response fits a window, so that only the client's unread bytes can stop the next request.
    client.send('GET / HTTP/1.1\r\nHost: shop\r\n\r\n'.repeat(400))
    let answered = 0
    const answering = setInterval(() => {
      while (answered < linker.requests.length) linker.requests[answered++].respond(body)
    }, 1)
    const stopped = await settled(() => answered)
    expect(stopped).toBeLessThan(300)
    client.socket.resume()
    await poll(() => answered).toBe(400)
    clearInterval(answering)
    await poll(() => client.receivedBytes).toBeGreaterThan(24_000_000)
  })

  it('of requests that are all refused does not fill the memory either', async () => {
    await edge.close()
    edge = await TestEdge.start({ hosts: ['other'] })
    const client = edge.client()
    client.socket.pause()
    client.send('GET / HTTP/1.1\r\nHost: shop\r\n\r\n'.repeat(400_000))
    const unread = await settled(() => client.socket.writableLength)
    expect(unread).toBeGreaterThan(0)
    client.close()
  })
})
