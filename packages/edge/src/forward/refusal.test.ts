import { afterEach, describe, expect, it } from 'vitest'
import { TestEdge } from '../edge.testkit.ts'
import { poll } from '../eventually.testkit.ts'

let edge: TestEdge
afterEach(() => edge.close())

/** Head and parsed body of an error response. */
function parse(text: string): { status: number; head: string; body: Record<string, unknown> } {
  const [head, body] = text.split('\r\n\r\n')
  return { status: Number(head.slice(9, 12)), head, body: JSON.parse(body) }
}

describe('a refused request', () => {
  it('for an unknown host is answered 404 and the connection kept', async () => {
    edge = await TestEdge.start({ hosts: ['shop', '*.example.com'] })
    const client = edge.client().get('/', '', 'other')
    const { status, head, body } = parse(await client.until('}'))
    expect(status).toBe(404)
    expect(head).toMatch(/\r\nProxy-Status: brxy; error=destination_not_found; details="edge\/no-app"/)
    expect(head).toMatch(/\r\nContent-Type: application\/problem\+json\r\n/)
    expect(head).toMatch(/\r\nCache-Control: no-store\r\n/)
    expect(head).not.toMatch(/retry-after|connection/i)
    expect(body).toMatchObject({
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      code: 'edge/no-app',
      detail: 'No application is configured for this address.',
    })
    expect(body.requestId).toMatch(/^[0-9a-f-]{36}$/)
    client.get('/', '', 'A.Example.Com:80')
    await edge.untilHeld(1, 'a.example.com')
  })

  it('is answered with a page if the client prefers one', async () => {
    edge = await TestEdge.start({ hosts: ['shop'] })
    const client = edge.client().get('/', 'Accept: text/html,*/*\r\n', 'other')
    const text = await client.until('</html>')
    expect(text).toMatch(/Content-Type: text\/html; charset=utf-8/)
    expect(text).toMatch(/<h1>404 Not Found<\/h1>/)
  })

  it('can be read by a script of the origin that asked', async () => {
    edge = await TestEdge.start({ hosts: ['shop'] })
    const client = edge.client().get('/', 'Origin: https://a.example\r\n', 'other')
    expect(await client.until('}')).toMatch(
      /\r\nAccess-Control-Allow-Origin: https:\/\/a.example\r\nVary: Origin\r\n/,
    )
    expect(await client.get('/', '', 'other').until('}')).not.toMatch(/access-control/i)
  })

  it('to HEAD has no body, and the next request is understood', async () => {
    edge = await TestEdge.start({ hosts: ['shop'] })
    const client = edge.client().send('HEAD / HTTP/1.1\r\nHost: other\r\n\r\n')
    expect(await client.until('\r\n\r\n')).toMatch(
      /^HTTP\/1.1 404 [\s\S]*Content-Length: [1-9]\d*\r\n[\s\S]*\r\n\r\n$/,
    )
    expect(await client.get('/', '', 'other').until('}')).toMatch(/^HTTP\/1.1 404 /)
  })

  it('with a body ends the connection, for what is left of it is no request', async () => {
    edge = await TestEdge.start({ hosts: ['shop'] })
    const client = edge.client().send('POST / HTTP/1.1\r\nHost: other\r\nContent-Length: 5\r\n\r\n')
    expect(await client.ended()).toMatch(/^HTTP\/1.1 404 [\s\S]*\r\nConnection: close\r\n/)
  })

  it('of a 1.0 client says that the connection is kept', async () => {
    edge = await TestEdge.start({ hosts: ['shop'] })
    const client = edge.client().send('GET / HTTP/1.0\r\nHost: other\r\nConnection: keep-alive\r\n\r\n')
    expect(await client.until('}')).toMatch(/\r\nConnection: keep-alive\r\n/)
  })

  it('beyond maxApps is answered 503, until an app is idle', async () => {
    edge = await TestEdge.start({ defaults: { maxRoutes: 2 } })
    const first = edge.client().get('/', '', 'one')
    edge.client().get('/', '', 'two')
    await edge.untilHeld(1, 'two')
    const client = edge.client().get('/', '', 'three')
    expect(await client.until('}')).toMatch(
      /^HTTP\/1.1 503 [\s\S]*Retry-After: 1\r\n[\s\S]*edge\/too-many-apps/,
    )
    first.close()
    await edge.untilHeld(0, 'one')
    client.get('/', '', 'three')
    await edge.untilHeld(1, 'three')
    expect(edge.edge.status().apps.map(({ app }) => app)).toEqual(['two', 'three'])
  })

  it('beyond the hold queue is answered 503 with Retry-After', async () => {
    edge = await TestEdge.start({ defaults: { queue: { requests: 1 } } })
    edge.client().get()
    await edge.untilHeld(1)
    const client = edge.client().get()
    expect(await client.until('}')).toMatch(
      /^HTTP\/1.1 503 [\s\S]*Retry-After: 1\r\n[\s\S]*error=connection_limit_reached; details="edge\/hold-full"|^HTTP\/1.1 503 [\s\S]*error=connection_limit_reached[\s\S]*Retry-After: 1/,
    )
    expect(edge.held()).toBe(1)
  })

  it('held longer than its limit is answered 504', async () => {
    edge = await TestEdge.start({ defaults: { holdMs: 50 } })
    const client = edge.client().get()
    expect(await client.until('}')).toMatch(
      /^HTTP\/1.1 504 [\s\S]*error=connection_timeout; details="edge\/hold-timeout"/,
    )
    expect(edge.held()).toBe(0)
    // And the connection goes on.
    client.get()
    expect(await client.until('}')).toMatch(/^HTTP\/1.1 504 /)
  })

  it('without an answer in time is answered 504 and reset at the instance', async () => {
    edge = await TestEdge.start({ defaults: { responseMs: 50 } })
    const linker = await edge.linker()
    const client = edge.client().get()
    const request = await linker.next()
    expect(await client.until('}')).toMatch(/^HTTP\/1.1 504 [\s\S]*edge\/response-timeout/)
    await poll(() => request.resetCode).toBe(7)
  })

  it('tells nothing of the inside', async () => {
    edge = await TestEdge.start({ hosts: ['shop'], defaults: { holdMs: 50 } })
    const linker = await edge.linker({ grants: 1, regrants: false })
    const texts = [
      await edge.client().get('/', '', 'other').until('}'),
      await edge.client().send('GET  / HTTP/1.1\r\n\r\n').ended(),
    ]
    const client = edge.client().get()
    ;(await linker.next()).reset(5)
    texts.push(await client.until('}'))
    texts.push(await edge.client().get().until('}'))
    for (const text of texts) expect(text).not.toMatch(/127\.0\.0\.1|at \w+ \(|node:|packages|\.ts/)
  })
})

describe('a malformed request', () => {
  it.each([
    [
      'two Content-Lengths',
      'POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n',
      400,
    ],
    [
      'both framings',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
    ],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['no Host, 1.0, for there is no default app', 'GET / HTTP/1.0\r\n\r\n', 400],
    ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
    ['a bare LF', 'GET / HTTP/1.1\nHost: shop\n\n', 400],
    ['TLS on a plain port', '\x16\x03\x01\x02\x00\x01', 400],
    ['a version of the future', 'GET / HTTP/2.0\r\nHost: shop\r\n\r\n', 505],
    ['CONNECT', 'CONNECT shop:443 HTTP/1.1\r\nHost: shop:443\r\n\r\n', 501],
    ['a long target', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n`, 414],
    ['too many fields', `GET / HTTP/1.1\r\nHost: shop\r\n${'X: y\r\n'.repeat(200)}\r\n`, 431],
    ['an expectation that is unknown', 'GET / HTTP/1.1\r\nHost: shop\r\nExpect: tea\r\n\r\n', 417],
  ])('(%s) is answered and the connection closed', async (_, bytes, status) => {
    edge = await TestEdge.start()
    const client = edge.client().send(bytes)
    const text = await client.ended()
    expect(text.slice(0, 13)).toBe(`HTTP/1.1 ${status} `)
    expect(text).toContain('\r\nConnection: close\r\n')
    expect(text).toMatch(/error=http_request_error; details="http1\//)
    expect(client.end).toBe('fin')
  })

  it('in its body, before the response began, is answered 400 and reset at the instance', async () => {
    edge = await TestEdge.start()
    const linker = await edge.linker()
    const client = edge.client().send('POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n')
    const request = await linker.next()
    client.send('5\r\nhello!!')
    expect(await client.ended()).toMatch(/^HTTP\/1.1 400 /)
    await poll(() => request.resetCode).toBe(1)
    expect(edge.of('request')).toMatchObject([{ status: 400, error: expect.stringMatching(/^http1\//) }])
  })

  it('in its body while it is held leaves the queue', async () => {
    edge = await TestEdge.start()
    const client = edge.client().send('POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n')
    await edge.untilHeld(1)
    client.send('nonsense\r\n')
    expect(await client.ended()).toMatch(/^HTTP\/1.1 400 /)
    expect(edge.held()).toBe(0)
  })

  it('is answered as nobody asked for: what an earlier request said does not count', async () => {
    edge = await TestEdge.start()
    const linker = await edge.linker()
    const client = edge
      .client()
      .send('HEAD / HTTP/1.1\r\nHost: shop\r\nAccept: text/html\r\nOrigin: https://a.example\r\n\r\n')
    ;(await linker.next()).respond()
    await client.until('\r\n\r\n')
    const text = await client.send('GET / HTTP/9\r\n\r\n').ended()
    expect(text).toMatch(/^HTTP\/1.1 [45]\d\d [\s\S]*problem\+json[\s\S]*\r\n\r\n\{.*\}$/)
    expect(text).not.toMatch(/a\.example/)
  })

  it('after a good one in the same bytes does not disturb it', async () => {
    edge = await TestEdge.start()
    const linker = await edge.linker()
    const client = edge.client().send('GET /good HTTP/1.1\r\nHost: shop\r\n\r\nGET /bad\r\n\r\n')
    ;(await linker.next()).respond('good')
    expect(await client.ended()).toMatch(/^HTTP\/1.1 200 [\s\S]*goodHTTP\/1.1 400 /)
  })
})

describe('time', () => {
  it('for a head runs from its first byte, and ends in 408', async () => {
    edge = await TestEdge.start({ timeouts: { headMs: 200, keepAliveMs: 5_000 } })
    const client = edge.client()
    const since = performance.now()
    const dripping = setInterval(() => client.send('x'), 20)
    client.send('GET /')
    const text = await client.ended()
    clearInterval(dripping)
    expect(text).toMatch(/^HTTP\/1.1 408 [\s\S]*\r\nConnection: close\r\n[\s\S]*edge\/head-timeout/)
    expect(performance.now() - since).toBeLessThan(2_000)
  })

  it('between requests ends in silence', async () => {
    edge = await TestEdge.start({ timeouts: { keepAliveMs: 50 } })
    const linker = await edge.linker()
    const fresh = edge.client()
    const used = edge.client().get()
    ;(await linker.next()).respond('x')
    await used.until('x')
    expect([await fresh.ended(), await used.ended()]).toEqual(['', ''])
    expect([fresh.end, used.end]).toEqual(['fin', 'fin'])
  })

  it('between requests does not end a request that runs', async () => {
    edge = await TestEdge.start({ timeouts: { keepAliveMs: 30 } })
    const linker = await edge.linker()
    const client = edge.client().get()
    const request = await linker.next()
    await new Promise((resolve) => setTimeout(resolve, 100))
    request.respond('late')
    await client.until('late')
  })
})

describe('connections', () => {
  it('beyond maxConnections are closed, and it counts those of all listeners', async () => {
    edge = await TestEdge.start({
      listen: [{ bind: '127.0.0.1:0' }, { bind: '127.0.0.1:0' }],
      limits: { connections: 2 },
    })
    edge.client()
    edge.client()
    await poll(() => edge.edge.status().connections).toBe(2)
    const third = edge.client().get()
    await third.ended()
    expect(third.text).toBe('')
    expect(edge.edge.status().connections).toBe(2)
  })

  it('that a refused client keeps open and writes to are cut', async () => {
    edge = await TestEdge.start({ hosts: ['shop'] })
    const client = edge.client().send('POST / HTTP/1.1\r\nHost: other\r\nContent-Length: 9999999\r\n\r\n')
    await client.ended()
    client.send(Buffer.alloc(1024 * 1024))
    await poll(() => edge.edge.status().connections).toBe(0)
  })
})
