import { BODY_KNOWN, BODY_NONE, RESET } from '@brxy/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestEdge } from '../edge.testkit.ts'
import { poll } from '../eventually.testkit.ts'

let edge: TestEdge
beforeEach(async () => {
  edge = await TestEdge.start()
})
afterEach(() => edge.close())

const HEAD = 'HTTP/1.1 200 OK\r\n'

describe('requests of a connection', () => {
  it('are served one after another on the same connection', async () => {
    const linker = await edge.linker()
    const client = edge.client()
    for (const target of ['/one', '/two', '/three']) {
      client.get(target)
      const request = await linker.next()
      expect(request.head).toMatch(new RegExp(`^GET ${target} HTTP/1.1\r\n`))
      request.respond(target)
      expect(await client.until(target)).toMatch(/^HTTP\/1.1 200 OK\r\n(?!.*connection)/is)
    }
  })

  it('are answered in order when they are pipelined', async () => {
    const linker = await edge.linker({ slots: 2 })
    const client = edge.client()
    client.send('GET /1 HTTP/1.1\r\nHost: shop\r\n\r\nGET /2 HTTP/1.1\r\nHost: shop\r\n\r\nGET /3 HT')
    const first = await linker.next()
    first.respond('first')
    const second = await linker.next()
    second.respond('second')
    expect(await client.until('second')).toMatch(/first[\s\S]*second$/)
    expect(linker.requests).toHaveLength(2)
    client.send('TP/1.1\r\nHost: shop\r\n\r\n')
    ;(await linker.next()).respond('third')
    await client.until('third')
  })

  it('may go to different instances', async () => {
    const first = await edge.linker({ grants: 1, regrants: false })
    const client = edge.client().get('/1')
    ;(await first.next()).respond('one')
    await client.until('one')
    const second = await edge.linker()
    client.get('/2')
    ;(await second.next()).respond('two')
    await client.until('two')
  })

  it('are understood whatever the split of the bytes', async () => {
    const linker = await edge.linker()
    const client = edge.client()
    for (const byte of 'POST /x HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\nhello') {
      client.send(byte)
      await new Promise((resolve) => setImmediate(resolve))
    }
    const request = await linker.next()
    await poll(() => request.body.toString()).toBe('hello')
    request.respond('ok')
    await client.until('ok')
  })

  it('with a body of known length arrive with it', async () => {
    const linker = await edge.linker()
    edge.client().send('POST /x HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\nhello')
    const request = await linker.next()
    await poll(() => request.ended).toBe(true)
    expect([request.bodyKind, request.length, request.body.toString()]).toEqual([1, 5, 'hello'])
    expect(request.head).not.toMatch(/content-length/i)
  })

  it('with a chunked body arrive decoded, with their trailers', async () => {
    const linker = await edge.linker()
    edge
      .client()
      .send('POST /x HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n')
      .send('5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\nAuthorization: no\r\n\r\n')
    const request = await linker.next()
    await poll(() => request.ended).toBe(true)
    expect([request.bodyKind, request.body.toString(), request.trailers]).toEqual([
      2,
      'hello world',
      'X-Sum: 1\r\n',
    ])
    expect(request.head).not.toMatch(/transfer-encoding/i)
  })

  it('carry what the edge knows of the client, and nothing that the client says about it', async () => {
    const linker = await edge.linker()
    edge
      .client()
      .get(
        '/x?y=%2e',
        'X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nBrxy-Slots: 9\r\nProxy: x\r\nVia: 1.0 other\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep: me\r\n',
        'SHOP:80',
      )
    const { head } = await linker.next()
    const named = head
      .replace(/brxy-[0-9a-f]{12}\r/, 'brxy-ID\r')
      .replace(/X-Request-Id: [0-9a-f-]{36}\r/, 'X-Request-Id: ID\r')
      .replace(/00-[0-9a-f]{32}-[0-9a-f]{16}-00\r/, '00-ID-ID-00\r')
    expect(named.split('\r\n').sort()).toEqual(
      [
        'GET /x?y=%2e HTTP/1.1',
        'Host: SHOP:80',
        'Via: 1.0 other',
        'Via: 1.1 brxy-ID',
        'X-Request-Id: ID',
        'traceparent: 00-ID-ID-00',
        'Keep: me',
        'X-Forwarded-For: 127.0.0.1',
        'X-Forwarded-Proto: http',
        'X-Forwarded-Host: SHOP:80',
        '',
        '',
      ].sort(),
    )
  })
})

describe('responses', () => {
  it('of known length carry it', async () => {
    const linker = await edge.linker()
    await edge.untilLent(1)
    const client = edge.client().get()
    const request = await linker.next()
    request.sendHead(`${HEAD}X-A: b\r\n\r\n`, BODY_KNOWN, 10)
    request.write('01234')
    expect(await client.until('01234')).toMatch(
      /^HTTP\/1.1 200 OK\r\nX-A: b\r\nContent-Length: 10\r\nDate: \w{3}, [^\r]+ GMT\r\n\r\n01234$/,
    )
    request.write('56789')
    await client.until('56789')
  })

  it('of unknown length are chunked for 1.1, piece by piece as they come', async () => {
    const linker = await edge.linker()
    await edge.untilLent(1)
    const client = edge.client().get()
    const request = await linker.next()
    request.sendHead(`${HEAD}Date: now\r\n\r\n`)
    expect(await client.until('\r\n\r\n')).toBe(`${HEAD}Date: now\r\nTransfer-Encoding: chunked\r\n\r\n`)
    request.write('hello')
    expect(await client.until('hello\r\n')).toBe('5\r\nhello\r\n')
    request.finish()
    expect(await client.until('0\r\n\r\n')).toBe('0\r\n\r\n')
  })

  it('of unknown length end with the connection for 1.0', async () => {
    const linker = await edge.linker()
    await edge.untilLent(1)
    const client = edge.client().send('GET / HTTP/1.0\r\nHost: shop\r\nConnection: keep-alive\r\n\r\n')
    const request = await linker.next()
    request.sendHead(`${HEAD}\r\n`)
    request.write('hello')
    request.finish()
    expect(await client.ended()).toMatch(
      /^HTTP\/1.1 200 OK\r\nConnection: close\r\nDate: [^\r]+\r\n\r\nhello$/,
    )
    expect(client.end).toBe('fin')
  })

  it('keep the connection of a 1.0 client that asked for it, and close it for one that did not', async () => {
    const linker = await edge.linker()
    await edge.untilLent(1)
    const client = edge.client().send('GET / HTTP/1.0\r\nHost: shop\r\nConnection: keep-alive\r\n\r\n')
    ;(await linker.next()).respond('one')
    expect(await client.until('one')).toMatch(/\r\nConnection: keep-alive\r\n/)
    client.send('GET / HTTP/1.0\r\nHost: shop\r\n\r\n')
    ;(await linker.next()).respond('two')
    expect(await client.ended()).toMatch(/\r\nConnection: close\r\n[\s\S]*two$/)
  })

  it('to `Connection: close` end the connection', async () => {
    const linker = await edge.linker()
    await edge.untilLent(1)
    const client = edge.client().get('/', 'Connection: close\r\n')
    ;(await linker.next()).respond('bye')
    expect(await client.ended()).toMatch(/\r\nConnection: close\r\n[\s\S]*bye$/)
    expect(client.end).toBe('fin')
  })

  it('bring trailers to a client that takes them, and to no other', async () => {
    const linker = await edge.linker()
    await edge.untilLent(1)
    for (const [fields, expected] of [
      ['TE: trailers\r\nConnection: TE\r\n', '0\r\nX-Sum: 1\r\n\r\n'],
      ['', '0\r\n\r\n'],
    ]) {
      const client = edge.client().get('/', fields)
      const request = await linker.next()
      request.sendHead(`${HEAD}\r\n`)
      request.write('x')
      request.finish('X-Sum: 1\r\n')
      expect((await client.until(/0\r\n(?:X-Sum: 1\r\n)?\r\n$/)).endsWith(`1\r\nx\r\n${expected}`)).toBe(true)
    }
  })

  it('to HEAD, 204 and 304 have no body, and the length that GET would have had', async () => {
    const linker = await edge.linker()
    await edge.untilLent(1)
    const client = edge.client()
    client.send('HEAD / HTTP/1.1\r\nHost: shop\r\n\r\n')
    let request = await linker.next()
    request.sendHead(`${HEAD}\r\n`, BODY_NONE, 1234)
    request.done()
    expect(await client.until('\r\n\r\n')).toMatch(/\r\nContent-Length: 1234\r\n[\s\S]*\r\n\r\n$/)
    client.send('HEAD / HTTP/1.1\r\nHost: shop\r\n\r\n')
    request = await linker.next()
    request.respond()
    expect(await client.until('\r\n\r\n')).not.toMatch(/content-length|transfer-encoding/i)
    client.get()
    request = await linker.next()
    request.sendHead('HTTP/1.1 304 Not Modified\r\n\r\n', BODY_NONE, 77)
    request.done()
    expect(await client.until('\r\n\r\n')).toMatch(/Content-Length: 77/)
    client.get()
    request = await linker.next()
    request.respond('', '204 No Content')
    expect(await client.until('\r\n\r\n')).not.toMatch(/content-length|transfer-encoding/i)
    client.get()
    request = await linker.next()
    request.respond('', '200 OK')
    expect(await client.until('\r\n\r\n')).toMatch(/Content-Length: 0\r\n/)
  })

  it('may be preceded by interim ones, which 1.0 clients do not get', async () => {
    const linker = await edge.linker()
    await edge.untilLent(1)
    for (const [version, expected] of [
      ['1.1', /^HTTP\/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP\/1.1 200 OK\r\n/],
      ['1.0', /^HTTP\/1.1 200 OK\r\n/],
    ] as const) {
      const client = edge.client().send(`GET / HTTP/${version}\r\nHost: shop\r\n\r\n`)
      const request = await linker.next()
      request.interim('HTTP/1.1 100 Continue\r\n\r\n')
      request.interim('HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n')
      request.respond('done')
      expect(await client.until('done')).toMatch(expected)
    }
  })

  it('that waited say how long', async () => {
    const client = edge.client().get()
    await edge.untilHeld(1)
    const linker = await edge.linker()
    ;(await linker.next()).respond('held')
    expect(await client.until('held')).toMatch(/\r\nServer-Timing: brxy-hold;dur=\d+\r\n/)
    await edge.untilLent(1)
    client.get()
    ;(await linker.next()).respond('warm')
    expect(await client.until('warm')).not.toMatch(/server-timing/i)
  })

  it('before the end of the request are forwarded, stop the upload and end the connection', async () => {
    const linker = await edge.linker()
    const client = edge.client().send('POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 1000\r\n\r\nsome')
    const request = await linker.next()
    request.respond('enough', '413 Content Too Large')
    expect(await client.ended()).toMatch(/^HTTP\/1.1 413 [\s\S]*\r\nConnection: close\r\n[\s\S]*enough$/)
    expect(client.end).toBe('fin')
    await poll(() => request.resetCode).toBe(0)
    // What still comes is no request.
    client.send('GET /smuggled HTTP/1.1\r\nHost: shop\r\n\r\n')
    client.finish()
    await poll(() => edge.edge.status().connections).toBe(0)
    expect(linker.requests).toHaveLength(1)
  })

  it('before the end of a request that has come, and waits here, stop the upload and keep the connection', async () => {
    const linker = await edge.linker({ takesBodies: false })
    const length = 64 * 1024 + 1_000
    const client = edge.client().send(`POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: ${length}\r\n\r\n`)
    const request = await linker.next()
    client.send('x'.repeat(64_000))
    await poll(() => request.bodyBytes).toBe(64_000)
    // More than the window lets through: one read, the last, of which some waits for credit.
    client.send('x'.repeat(length - 64_000))
    await poll(() => request.bodyBytes).toBe(64 * 1024)
    request.respond('enough', '413 Content Too Large')
    expect(await client.until('enough')).not.toMatch(/\r\nConnection: close\r\n/)
    await poll(() => request.resetCode).toBe(RESET.NO_ERROR)
    // The slot is lent again: the old request is not in it beside the new one.
    await poll(() => edge.edge.status().apps[0].instances).toMatchObject([{ grants: 1, busy: 0 }])
    client.get('/next')
    ;(await linker.next()).respond('next')
    await client.until('next')
  })
})

describe('100 Continue', () => {
  const EXPECT = 'POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n'

  it('is sent when the request is given to an instance, never while it is held', async () => {
    const client = edge.client().send(EXPECT)
    await edge.untilHeld(1)
    expect(client.text).toBe('')
    const linker = await edge.linker()
    expect(await client.until('\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    client.send('hello')
    const request = await linker.next()
    expect(request.head).not.toMatch(/expect/i)
    await poll(() => request.body.toString()).toBe('hello')
    request.respond('thanks')
    expect(await client.until('thanks')).toMatch(/^HTTP\/1.1 200 /)
  })

  it('is not sent to a 1.0 client', async () => {
    const client = edge.client().send(EXPECT.replace('1.1', '1.0'))
    const linker = await edge.linker()
    client.send('hello')
    ;(await linker.next()).respond('thanks')
    expect(await client.ended()).toMatch(/^HTTP\/1.1 200 /)
  })

  it('is not sent again when the request goes to another instance', async () => {
    const first = await edge.linker()
    const client = edge.client().send(EXPECT)
    const refused = await first.next()
    await client.until('100 Continue\r\n\r\n')
    const second = await edge.linker()
    refused.refuse(1)
    client.send('hello')
    ;(await second.next()).respond('thanks')
    expect(await client.until('thanks')).not.toMatch(/100 Continue/)
  })
})
