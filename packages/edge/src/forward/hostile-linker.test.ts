import { BODY_KNOWN, BODY_NONE, BODY_UNKNOWN } from '@brxy/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestEdge } from '../edge.testkit.ts'
import { poll } from '../eventually.testkit.ts'

let edge: TestEdge
beforeEach(async () => {
  edge = await TestEdge.start()
})
afterEach(() => edge.close())

describe('what a linker sends is not believed', () => {
  it.each([
    ['a bare LF', 'GET', 'HTTP/1.1 200 OK\r\nX: y\nZ: 1\r\n\r\n', BODY_NONE],
    ['framing', 'GET', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n', BODY_UNKNOWN],
    ['a second head', 'GET', 'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n', BODY_NONE],
    ['a hop-by-hop field', 'GET', 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n', BODY_NONE],
    ['no HTTP at all', 'GET', 'hello', BODY_NONE],
    ['an interim head as the final one', 'GET', 'HTTP/1.1 103 Early Hints\r\n\r\n', BODY_NONE],
    ['101 to a request that asked for no upgrade', 'GET', 'HTTP/1.1 101 Switching\r\n\r\n', BODY_UNKNOWN],
    ['a body for HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\n\r\n', BODY_KNOWN],
    ['a body with 204', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n', BODY_KNOWN],
    ['a body with 205', 'GET', 'HTTP/1.1 205 Reset Content\r\n\r\n', BODY_UNKNOWN],
    ['a body with 304', 'GET', 'HTTP/1.1 304 Not Modified\r\n\r\n', BODY_UNKNOWN],
  ] as const)('%s: 502', async (_, method, head, body) => {
    const linker = await edge.linker()
    const client = edge.client().send(`${method} / HTTP/1.1\r\nHost: shop\r\n\r\n`)
    const request = await linker.next()
    request.sendHead(head, body, body === BODY_KNOWN ? 5 : 0)
    const answer = await client.until('\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1.1 502 [\s\S]*error=http_protocol_error; details="edge\/app-protocol"/)
    await poll(() => request.resetCode !== null || body === BODY_NONE).toBe(true)
    // The connection of the client is good for the next request.
    linker.grant()
    client.get()
    ;(await linker.next()).respond('fine')
    await client.until('fine')
  })

  it('a final head as an interim one: 502', async () => {
    const linker = await edge.linker()
    const client = edge.client().get()
    ;(await linker.next()).interim('HTTP/1.1 200 OK\r\n\r\n')
    expect(await client.until('app-protocol')).toMatch(/^HTTP\/1.1 502 /)
  })

  it('trailers that are none abort the response', async () => {
    const linker = await edge.linker()
    const client = edge.client().get('/', 'TE: trailers\r\nConnection: TE\r\n')
    const request = await linker.next()
    request.sendHead('HTTP/1.1 200 OK\r\n\r\n')
    request.write('x')
    await client.until('1\r\nx\r\n')
    request.finish('Content-Length: 5\r\n')
    expect(await client.ended()).toBe('')
  })

  it('a broken protocol ends its session and nothing else', async () => {
    const good = await edge.linker()
    const bad = await edge.linker()
    const client = edge.client().get()
    const request = await bad.next()
    request.sendHead('HTTP/1.1 200 OK\r\n\r\n', BODY_KNOWN, 5)
    // DATA for a stream that was never opened.
    bad.session.batch.copy(0x33, false, 99, Buffer.from('x'), 0, 1)
    await client.ended()
    await poll(() => bad.end?.code).toBe('protocol/bad-state')
    const next = edge.client().get()
    ;(await good.next()).respond('unharmed')
    await next.until('unharmed')
  })
})
