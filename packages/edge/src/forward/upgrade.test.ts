import { createHash } from 'node:crypto'
import { BODY_NONE, BODY_UNKNOWN, REFUSE, RESET } from '@brxy/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { RawClient } from '../client.testkit.ts'
import { TestEdge } from '../edge.testkit.ts'
import { eventually, poll } from '../eventually.testkit.ts'
import type { ScriptedLinker, ScriptedRequest } from '../linker.testkit.ts'
import { RawServer } from './fallback.testkit.ts'

// Some move more than the kernel buffers, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 })

let edge: TestEdge
beforeEach(async () => {
  edge = await TestEdge.start()
})
afterEach(() => edge.close())

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const accept = (key: string) =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
const SWITCH = `HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: ${accept(KEY)}\r\n\r\n`
const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\n'
const WEBSOCKET = `${UPGRADE}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n`

interface Switched {
  readonly linker: ScriptedLinker
  readonly client: RawClient
  readonly request: ScriptedRequest
}

/** A client and an application that have agreed to speak something else. */
async function switched(linker?: ScriptedLinker): Promise<Switched> {
  const instance = linker ?? (await edge.linker({ regrants: false }))
  const client = edge.client().get('/chat', WEBSOCKET)
  const request = await instance.next()
  request.sendHead(SWITCH)
  await client.until('\r\n\r\n')
  return { linker: instance, client, request }
}

const ended = () => eventually('the event', () => edge.of('request')[0])

describe('a request that asks for another protocol', () => {
  it('crosses as an upgrade, with the fields that belong to it', async () => {
    const linker = await edge.linker()
    edge.client().get('/chat?x=1', WEBSOCKET)
    const request = await linker.next()
    expect(request.isUpgrade).toBe(true)
    expect([request.bodyKind, request.length, request.ended]).toEqual([BODY_UNKNOWN, 0, false])
    expect(request.head).toMatch(/^GET \/chat\?x=1 HTTP\/1\.1\r\n/)
    expect(request.head).toMatch(/\r\nUpgrade: websocket\r\n/)
    expect(request.head).toContain(`\r\nSec-WebSocket-Key: ${KEY}\r\n`)
    expect(request.head).not.toMatch(/\r\nConnection:/i)
  })

  it.each([
    ['HTTP/2', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n'],
    ['TLS', 'Connection: Upgrade\r\nUpgrade: TLS/1.3\r\n'],
    ['one of several protocols', 'Connection: Upgrade\r\nUpgrade: websocket, irc\r\n'],
    ['it without nominating it', 'Upgrade: websocket\r\n'],
  ])('is an ordinary one if it asks for %s', async (_, fields) => {
    const linker = await edge.linker()
    const client = edge.client().get('/', fields)
    const request = await linker.next()
    expect([request.isUpgrade, request.bodyKind, request.ended]).toEqual([false, BODY_NONE, true])
    expect(request.head).not.toMatch(/upgrade/i)
    request.respond('plain')
    await client.until('plain')
  })

  it('gets its 101 with the protocol that it asked for', async () => {
    const linker = await edge.linker()
    const client = edge.client().get('/', 'Connection: upgrade\r\nUpgrade: IRC/6.9\r\n')
    ;(await linker.next()).sendHead('HTTP/1.1 101 Over To You\r\nX-Server: one\r\n\r\n')
    expect(await client.until('\r\n\r\n')).toBe(
      'HTTP/1.1 101 Over To You\r\nX-Server: one\r\nConnection: Upgrade\r\nUpgrade: IRC/6.9\r\n\r\n',
    )
  })

  it('is held like any other, and says how long when it is served', async () => {
    const client = edge.client().get('/chat', WEBSOCKET)
    await edge.untilHeld(1)
    const linker = await edge.linker()
    ;(await linker.next()).sendHead(SWITCH)
    expect(await client.until('\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 101 [\s\S]*Server-Timing: brxy-hold;dur=\d+\r\n/,
    )
  })

  it('is dropped when its client goes while it is held', async () => {
    const client = edge.client().get('/chat', WEBSOCKET)
    await edge.untilHeld(1)
    client.close()
    await edge.untilHeld(0)
    expect(await ended()).toMatchObject({ status: 0, error: 'client gone' })
  })

  it('is answered when it is held too long', async () => {
    await edge.close()
    edge = await TestEdge.start({ defaults: { holdMs: 50 } })
    const client = edge.client().get('/chat', WEBSOCKET)
    expect(await client.until('hold-timeout')).toMatch(/^HTTP\/1\.1 504 /)
  })

  it('is not for the fallback, which may speak nothing but HTTP', async () => {
    await edge.close()
    const server = await RawServer.start()
    const waiting = { fallback: server.address }
    edge = await TestEdge.start({ apps: { shop: { hosts: ['shop'], holdMs: 50, waiting } } })
    const client = edge.client().get('/chat', WEBSOCKET)
    expect(await client.until('hold-timeout')).toMatch(/^HTTP\/1\.1 504 /)
    expect(server.connections).toHaveLength(0)
    await server.close()
  })

  it('goes to another instance when it is refused', async () => {
    const older = await edge.linker()
    const newer = await edge.linker()
    const client = edge.client().get('/chat', WEBSOCKET)
    ;(await newer.next()).refuse(REFUSE.INSTANCE)
    const request = await older.next()
    expect(request.isUpgrade).toBe(true)
    request.sendHead(SWITCH)
    await client.until('\r\n\r\n')
  })

  it('goes to another instance when the tunnel is lost before the 101', async () => {
    const older = await edge.linker()
    const newer = await edge.linker()
    const client = edge.client().get('/chat', WEBSOCKET).send('early')
    await newer.next()
    newer.cut()
    const request = await older.next()
    request.sendHead(SWITCH)
    await client.until('\r\n\r\n')
    await poll(() => request.body.toString()).toBe('early')
  })

  it('is answered like others if it is declined, and the connection serves the next one', async () => {
    const linker = await edge.linker()
    const client = edge.client().get('/chat', WEBSOCKET)
    const request = await linker.next()
    request.respond('not here', '426 Upgrade Required')
    expect(await client.until('not here')).toMatch(/^HTTP\/1\.1 426 [\s\S]*Content-Length: 8\r\n/)
    await poll(() => request.ended).toBe(true)
    client.get('/next')
    ;(await linker.next()).respond('next')
    await client.until('next')
  })

  it('may be declined without a body', async () => {
    const linker = await edge.linker()
    const client = edge.client().get('/chat', WEBSOCKET)
    ;(await linker.next()).respond('', '403 Forbidden')
    await client.until('\r\n\r\n')
    client.get('/next')
    ;(await linker.next()).respond('next')
    await client.until('next')
  })

  it('is answered 504 if the application says nothing', async () => {
    await edge.close()
    edge = await TestEdge.start({ defaults: { responseMs: 50 } })
    const linker = await edge.linker()
    const client = edge.client().get('/chat', WEBSOCKET)
    const request = await linker.next()
    expect(await client.until('response-timeout')).toMatch(/^HTTP\/1\.1 504 /)
    await poll(() => request.resetCode).toBe(RESET.TIMEOUT)
  })
})

describe('a 101 of a linker that is not to be believed: 502', () => {
  it.each([
    ['a wrong Sec-WebSocket-Accept', `HTTP/1.1 101 S\r\nSec-WebSocket-Accept: ${accept('x')}\r\n\r\n`],
    ['no Sec-WebSocket-Accept', 'HTTP/1.1 101 S\r\n\r\n'],
    ['it twice', SWITCH.replace('\r\n\r\n', `\r\nSec-WebSocket-Accept: ${accept(KEY)}\r\n\r\n`)],
  ])('%s', async (_, head) => {
    const linker = await edge.linker()
    const client = edge.client().get('/chat', WEBSOCKET)
    const request = await linker.next()
    request.sendHead(head)
    expect(await client.until('upgrade-failed')).toMatch(
      /^HTTP\/1\.1 502 [\s\S]*Proxy-Status: brxy; error=http_upgrade_failed; details="edge\/upgrade-failed"/,
    )
    await poll(() => request.resetCode).toBe(RESET.BAD_HEAD)
  })

  it('one without anything behind it', async () => {
    const linker = await edge.linker()
    const client = edge.client().get('/chat', WEBSOCKET)
    ;(await linker.next()).sendHead(SWITCH, BODY_NONE)
    expect(await client.until('app-protocol')).toMatch(/^HTTP\/1\.1 502 /)
  })

  it('one that the linker itself found wrong', async () => {
    const linker = await edge.linker()
    const client = edge.client().get('/chat', WEBSOCKET)
    ;(await linker.next()).reset(RESET.APP_PROTOCOL)
    expect(await client.until('upgrade-failed')).toMatch(/^HTTP\/1\.1 502 /)
  })
})

describe('an upgraded connection', () => {
  it('carries bytes both ways, as they are', async () => {
    const { client, request } = await switched()
    client.send('\x00GET / HTTP/1.1\r\n\r\n\xff')
    await poll(() => request.body.toString('latin1')).toBe('\x00GET / HTTP/1.1\r\n\r\n\xff')
    request.write('\x81\x05hello')
    request.write('0\r\n\r\n')
    expect(await client.until('\r\n\r\n')).toBe('\x81\x05hello0\r\n\r\n')
  })

  it('gets what the client sent before the 101, not earlier than it', async () => {
    const linker = await edge.linker()
    const client = edge.client().get('/chat', WEBSOCKET).send('one ')
    const request = await linker.next()
    client.send('two')
    client.send(' three')
    expect(request.bodyBytes).toBe(0)
    request.sendHead(SWITCH)
    await poll(() => request.body.toString()).toBe('one two three')
  })

  it('is not read beyond 64 KiB before the 101, and loses nothing', async () => {
    const linker = await edge.linker()
    const client = edge.client().get('/chat', WEBSOCKET)
    const request = await linker.next()
    const sent = Buffer.from(
      Uint8Array.from({ length: 16 * 1024 * 1024 }, (_, i) => (i * 31 + (i >> 8)) & 255),
    )
    client.send(sent)
    await stuck(client)
    expect(request.bodyBytes).toBe(0)
    request.sendHead(SWITCH)
    await poll(() => request.bodyBytes).toBe(sent.length)
    expect(request.body.equals(sent)).toBe(true)
  })

  it('ends each direction by itself: the client first', async () => {
    const { client, request } = await switched()
    client.send('bye').finish()
    await poll(() => [request.body.toString(), request.ended]).toEqual(['bye', true])
    request.write('still here')
    await client.until('still here')
    expect(client.end).toBe(null)
    request.finish()
    expect(await client.ended()).toBe('')
    expect(client.end).toBe('fin')
    expect(await ended()).toMatchObject({ method: 'GET', target: '/chat', status: 101, error: null })
  })

  it('ends each direction by itself: the application first', async () => {
    const { client, request } = await switched()
    request.write('bye')
    request.finish()
    expect(await client.ended()).toBe('bye')
    client.send('still here')
    await poll(() => request.body.toString()).toBe('still here')
    expect(request.ended).toBe(false)
    client.finish()
    await poll(() => request.ended).toBe(true)
    expect(await ended()).toMatchObject({ status: 101, error: null })
  })

  it('gets the end of the client even if it came right behind the request', async () => {
    const linker = await edge.linker()
    const client = edge.client().get('/chat', WEBSOCKET)
    const request = await linker.next()
    request.sendHead(SWITCH)
    client.send('all').finish()
    await poll(() => [request.body.toString(), request.ended]).toEqual(['all', true])
  })

  it('hands a reset of the client on as one', async () => {
    const { client, request } = await switched()
    client.reset()
    await poll(() => request.resetCode).toBe(RESET.CANCELLED)
    expect(request.ended).toBe(false)
    expect(await ended()).toMatchObject({ status: 101, error: 'client gone' })
  })

  it('hands on as a reset what comes together with the last data', async () => {
    const { client, request } = await switched()
    client.send('last words')
    client.reset()
    await poll(() => request.resetCode).toBe(RESET.CANCELLED)
    expect(request.ended).toBe(false)
  })

  it('hands a reset of the application on as one, behind what came before', async () => {
    const { client, request } = await switched()
    request.write('partial')
    await client.until('partial')
    request.reset(RESET.APP_CLOSED)
    await client.ended()
    expect(client.end).toBe('reset')
    expect(await ended()).toMatchObject({ status: 101, error: 'edge/app-closed' })
  })

  it('is reset when the tunnel is lost', async () => {
    const { client, linker } = await switched()
    linker.cut()
    await client.ended()
    expect(client.end).toBe('reset')
    expect(await ended()).toMatchObject({ status: 101, error: 'edge/tunnel-lost' })
  })

  it('makes the application wait for a client that does not read', async () => {
    const { client, request } = await switched()
    client.socket.pause()
    const block = Buffer.alloc(256 * 1024, 'x')
    let writtenBytes = 0
    // The kernel takes some megabytes; then the window is not opened again.
    for (let isTaken = true; isTaken; writtenBytes += block.length) {
      expect(writtenBytes).toBeLessThan(64 * 1024 * 1024)
      isTaken = request.write(block) || (await drained(request))
    }
    client.socket.resume()
    await poll(() => client.receivedBytes).toBeGreaterThanOrEqual(writtenBytes)
    expect(request.waitingBytes).toBe(0)
  })

  it('makes the client wait for an application that does not read', async () => {
    const linker = await edge.linker({ takesBodies: false })
    const { client, request } = await switched(linker)
    const sent = Buffer.alloc(32 * 1024 * 1024, 'x')
    client.send(sent)
    await poll(() => request.bodyBytes).toBe(64 * 1024)
    await stuck(client)
    expect(request.bodyBytes).toBe(64 * 1024)
    request.takeAll()
    await poll(() => request.bodyBytes).toBe(sent.length)
  })

  it('outlives every timeout there is', async () => {
    await edge.close()
    edge = await TestEdge.start({
      defaults: { holdMs: 20, responseMs: 20, bodyIdleMs: 20, streamIdleMs: 20 },
      timeouts: { headMs: 20, keepAliveMs: 20, writeStallMs: 20 },
    })
    const { client, request } = await switched()
    // As long as several of them, seen by another connection that ends by its own.
    for (let round = 0; round < 3; round++) await edge.client().ended()
    client.send('x')
    await poll(() => request.body.toString()).toBe('x')
  })

  it('is left alone while the edge drains, and cut at its end', async () => {
    await edge.close()
    edge = await TestEdge.start({ timeouts: { drainMs: 300 } })
    const { client, request } = await switched()
    const stopping = edge.edge.stop()
    await poll(() => edge.of('draining').length).toBe(1)
    client.send('during')
    await poll(() => request.body.toString()).toBe('during')
    await client.ended()
    expect(client.end).toBe('reset')
    await poll(() => request.resetCode ?? request.lost).toBe(RESET.CANCELLED)
    await stopping
    expect(edge.of('request')[0]).toMatchObject({ status: 101, error: 'edge/draining' })
  })
})

/** Resolves when the edge takes nothing more of what a client sends. */
async function stuck({ socket }: RawClient): Promise<void> {
  let before = -1
  let same = 0
  await eventually('the client has to wait', () => {
    same = before === socket.writableLength && before > 0 ? same + 1 : 0
    before = socket.writableLength
    return same === 10
  })
}

/** Whether the window opens again within a moment. */
async function drained(request: ScriptedRequest): Promise<boolean> {
  for (let look = 0; look < 40; look++) {
    if (request.waitingBytes === 0) return true
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return false
}
