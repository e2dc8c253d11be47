import { constants, type SecureClientSessionOptions } from 'node:http2'
import { BODY_KNOWN, BODY_NONE, RESET } from '@brxy/protocol'
import { describe, expect, it, vi } from 'vitest'
import { poll } from '../../eventually.testkit.ts'
import { staged } from '../../stage.testkit.ts'
import { Http2Client } from './http2.testkit.ts'

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = constants

vi.setConfig({ testTimeout: 20_000 })

const stage = staged()

const connect = (options: SecureClientSessionOptions = {}) =>
  stage.add(new Http2Client(stage.edge.port, options))

const OK = 'HTTP/1.1 200 OK\r\n'

describe('a request of HTTP/2', () => {
  it('reaches the application as one of HTTP/1.1, and its answer comes back', async () => {
    const linker = await stage.edge.linker()
    const call = connect().ask({ ':path': '/a?b=c', accept: 'text/plain', cookie: ['a=1', 'b=2'] })
    const request = await linker.next()
    expect(request.head).toMatch(/^GET \/a\?b=c HTTP\/1.1\r\nhost: shop\r\naccept: text\/plain\r\n/)
    expect(request.head).toMatch(/\r\ncookie: a=1; b=2\r\n/)
    expect(request.head).toMatch(/\r\nVia: 2\.0 brxy-/)
    expect(request.head).toMatch(/\r\nX-Forwarded-For: 127\.0\.0\.1\r\nX-Forwarded-Proto: http\r\n/)
    expect(request.head).toMatch(/\r\nX-Request-Id: [\da-f-]{36}\r\ntraceparent: 00-/)
    expect(request.bodyKind).toBe(BODY_NONE)
    request.respond(
      'hello',
      '200 OK',
      'X-A: 1\r\nSet-Cookie: c=1\r\nSet-Cookie: d=2\r\nVary: a\r\nVary: b\r\n',
    )
    await call.over()
    expect([call.status, call.text, call.isEnded]).toEqual([200, 'hello', true])
    expect(call.fields).toMatchObject({
      'x-a': '1',
      'set-cookie': ['c=1', 'd=2'],
      vary: 'a, b',
      'content-length': '5',
    })
    expect(call.fields.date).toMatch(/ GMT$/)
    expect(stage.edge.of('request')).toMatchObject([
      { method: 'GET', target: '/a?b=c', status: 200, error: null },
    ])
  })

  it('shares its connection with others, each under an id of its own', async () => {
    const linker = await stage.edge.linker({ slots: 2 })
    const client = connect()
    const calls = [client.ask({ ':path': '/no/app/1' }), client.ask({ ':path': '/2' })]
    const requests = [await linker.next(), await linker.next()]
    const ids = requests.map(({ head }) => /X-Request-Id: (.*)\r\n/.exec(head)?.[1])
    expect(new Set(ids).size).toBe(2)
    // The later one is answered first, and the earlier one's error has the earlier one's id.
    requests[1].respond('second')
    await calls[1].over()
    requests[0].reset(RESET.APP_CLOSED)
    await calls[0].over()
    expect(JSON.parse(calls[0].text)).toMatchObject({ status: 502, requestId: ids[0] })
  })

  it('has the bytes of its fields kept, both ways', async () => {
    const linker = await stage.edge.linker()
    const call = connect().ask({ 'x-latin': '\xe9\xff' })
    const request = await linker.next()
    expect(request.head).toContain('\r\nx-latin: \xe9\xff\r\n')
    request.respond('', '200 OK', 'X-Latin: \xe9\xfe\r\n__proto__: own\r\n')
    await call.over()
    expect(call.fields['x-latin']).toBe('\xe9\xfe')
    expect(Object.getOwnPropertyDescriptor(call.fields, '__proto__')?.value).toBe('own')
  })

  it('is answered 404 where there is no app, as JSON or as a page', async () => {
    await stage.restart({ hosts: ['other'] })
    const client = connect()
    const json = await client.ask().over()
    expect([json.status, json.fields['content-type']]).toEqual([404, 'application/problem+json'])
    expect(json.fields['proxy-status']).toBe('brxy; error=destination_not_found; details="edge/no-app"')
    expect(JSON.parse(json.text)).toMatchObject({ status: 404, code: 'edge/no-app' })
    const page = await client.ask({ accept: 'text/html' }).over()
    expect(page.fields['content-type']).toBe('text/html; charset=utf-8')
    expect(page.text).toMatch(/^<!doctype html>/)
    const head = await client.ask({ ':method': 'HEAD' }).over()
    expect([head.status, head.text, Number(head.fields['content-length']) > 0]).toEqual([404, '', true])
  })

  it('ends here when it may go no further', async () => {
    const call = await connect().ask({ ':method': 'OPTIONS', 'max-forwards': '0' }).over()
    expect([call.status, call.isEnded, call.text]).toEqual([200, true, ''])
  })

  it('is answered 400 when it names two hosts', async () => {
    const call = await connect().ask({ host: 'other' }).over()
    expect([call.status, call.fields['content-type']]).toEqual([400, 'application/problem+json'])
    expect(call.fields['proxy-status']).toBe('brxy; error=http_request_error; details="edge/http2-malformed"')
    expect(JSON.parse(call.text)).toMatchObject({ code: 'edge/http2-malformed' })
  })

  it('is answered 431 when it has more fields or bytes than HTTP/1 allows', async () => {
    const many = Object.fromEntries(Array.from({ length: 140 }, (_, i) => [`x-${i}`, '1']))
    const client = connect()
    expect((await client.ask(many).over()).status).toBe(431)
    expect((await client.ask({ 'x-long': 'a'.repeat(34_000) }).over()).status).toBe(431)
    expect((await client.ask({ ':path': `/${'a'.repeat(17_000)}` }).over()).status).toBe(414)
  })

  it('may be answered with fields of many KiB', async () => {
    const linker = await stage.edge.linker()
    const client = connect({ settings: { maxHeaderListSize: 200_000 } })
    const call = client.ask()
    const value = 'v'.repeat(65_450)
    ;(await linker.next()).respond('ok', '200 OK', `X-Long: ${value}\r\n`)
    await call.over()
    expect([call.fields['x-long'], call.text]).toEqual([value, 'ok'])
    expect(client.session.closed).toBe(false)
  })

  it('is held until an instance asks for it, and says how long', async () => {
    const call = connect().ask()
    await stage.edge.untilHeld(1)
    const linker = await stage.edge.linker()
    ;(await linker.next()).respond('', '200 OK', 'Server-Timing: app;dur=1\r\n')
    await call.over()
    expect(call.fields['server-timing']).toMatch(/^app;dur=1, brxy-hold;dur=\d+$/)
  })

  it('is dropped from the queue when its client cancels it, and only it', async () => {
    const client = connect()
    const [first, second] = [client.ask({ ':path': '/1' }), client.ask({ ':path': '/2' })]
    await stage.edge.untilHeld(2)
    first.cancel()
    await stage.edge.untilHeld(1)
    const linker = await stage.edge.linker()
    const request = await linker.next()
    expect(request.head).toMatch(/^GET \/2 /)
    request.respond('two')
    await second.until('two')
    expect(stage.edge.of('request')).toMatchObject([{ target: '/1', error: 'client gone' }, { target: '/2' }])
  })

  it('is given up, through to the application, when its client cancels it or goes away', async () => {
    const linker = await stage.edge.linker({ slots: 3 })
    const client = connect()
    for (const method of ['GET', 'HEAD']) {
      const call = client.ask({ ':method': method })
      const first = await linker.next()
      call.cancel()
      await poll(() => first.resetCode).toBe(RESET.CANCELLED)
    }
    client.ask()
    const second = await linker.next()
    second.sendHead(`${OK}\r\n`)
    client.close()
    await poll(() => second.resetCode).toBe(RESET.CANCELLED)
    await poll(() => stage.edge.of('request').map(({ error }) => error)).toEqual(Array(3).fill('client gone'))
  })

  it('is given up while its body is not being read, whatever code its client cancels it with', async () => {
    await stage.restart({ limits: { http2Streams: 2 } })
    const linker = await stage.edge.linker({ slots: 6, takesBodies: false })
    const client = connect()
    // More of them than streams at a time: each has to leave no trace.
    for (const code of [NGHTTP2_CANCEL, ...Array(5).fill(NGHTTP2_NO_ERROR)]) {
      const call = client.post().send(Buffer.alloc(200_000))
      const request = await linker.next()
      await poll(() => request.bodyBytes).toBe(64 * 1024)
      call.cancel(code)
      await poll(() => request.resetCode).toBe(RESET.CANCELLED)
    }
  })

  it('of HEAD, and a 204, 205 or 304, ends with the head', async () => {
    const linker = await stage.edge.linker()
    const client = connect()
    for (const [method, status, length, said] of [
      ['HEAD', '200 OK', 7, '7'],
      ['GET', '204 No Content', 0, undefined],
      ['GET', '205 Reset Content', 0, undefined],
      ['GET', '304 Not Modified', 9, '9'],
      ['GET', '200 OK', 0, undefined],
    ] as const) {
      const call = client.ask({ ':method': method })
      const request = await linker.next()
      request.sendHead(`HTTP/1.1 ${status}\r\n\r\n`, BODY_NONE, length)
      request.done()
      await call.over()
      expect([call.status, call.isHeadOnly, call.isEnded, call.fields['content-length']]).toEqual([
        Number.parseInt(status, 10),
        true,
        true,
        said,
      ])
    }
  })

  it('gets interim answers, but no 100 and no 101 that it did not ask for', async () => {
    const linker = await stage.edge.linker()
    const client = connect()
    const call = client.ask()
    const request = await linker.next()
    request.interim('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n')
    request.interim('HTTP/1.1 100 Continue\r\n\r\n')
    request.respond('ok')
    await call.over()
    expect(call.interim).toMatchObject([{ ':status': 103, link: '</a>' }])
    expect([call.isContinued, call.text]).toEqual([false, 'ok'])
    const other = client.ask()
    ;(await linker.next()).sendHead('HTTP/1.1 101 Switching Protocols\r\n\r\n')
    expect((await other.over()).status).toBe(502)
  })

  it('is aborted when its answer breaks off, so that it does not look complete', async () => {
    const linker = await stage.edge.linker({ slots: 2 })
    const client = connect()
    const call = client.ask()
    const request = await linker.next()
    request.sendHead(`${OK}\r\n`)
    request.write('half')
    await call.until('half')
    request.reset(RESET.APP_CLOSED)
    await call.over()
    expect([call.isEnded, call.resetCode]).toEqual([false, NGHTTP2_INTERNAL_ERROR])
    const next = client.ask()
    ;(await linker.next()).respond('the connection goes on')
    await next.until('goes on')
    expect(stage.edge.of('request')[0]).toMatchObject({ status: 200, error: 'aborted' })
  })

  it('times out as one of HTTP/1 does', async () => {
    await stage.restart({ defaults: { responseMs: 50, holdMs: 50 } })
    const client = connect()
    const held = await client.ask().over()
    expect(JSON.parse(held.text)).toMatchObject({ status: 504, code: 'edge/hold-timeout' })
    const linker = await stage.edge.linker()
    const call = await client.ask().over()
    expect(JSON.parse(call.text)).toMatchObject({ status: 504, code: 'edge/response-timeout' })
    expect((await linker.next()).resetCode).toBe(RESET.TIMEOUT)
  })
})

describe('the body of a request', () => {
  it('of known length arrives whole', async () => {
    const linker = await stage.edge.linker()
    const body = Buffer.alloc(3_000_000, 'abcdefg')
    const call = connect().post({ 'content-length': body.length }).end(body)
    const request = await linker.next()
    await poll(() => request.ended).toBe(true)
    expect([request.bodyKind, request.length]).toEqual([BODY_KNOWN, body.length])
    expect(request.body.equals(body)).toBe(true)
    request.respond('ok')
    await call.until('ok')
  })

  it('of unknown length arrives piece by piece, with trailers', async () => {
    const linker = await stage.edge.linker()
    const call = connect().post({ te: 'trailers' }, { waitForTrailers: true })
    call.stream.on('wantTrailers', () => call.stream.sendTrailers({ 'x-sum': '7', authorization: 'no' }))
    const request = await linker.next()
    expect(request.head).toMatch(/\r\nTE: trailers\r\n/)
    for (const piece of ['one', 'two']) {
      call.send(piece)
      await poll(() => request.body.toString().endsWith(piece)).toBe(true)
    }
    call.end()
    await poll(() => request.ended).toBe(true)
    expect([request.body.toString(), request.trailers]).toEqual(['onetwo', 'x-sum: 7\r\n'])
    request.respond('ok')
    await call.until('ok')
  })

  it('may end with nothing', async () => {
    const linker = await stage.edge.linker()
    const client = connect()
    client.post().end()
    const unknown = await linker.next()
    await poll(() => unknown.ended).toBe(true)
    unknown.respond('ok')
    const call = client.post({ 'content-length': 0 }).end()
    const none = await linker.next()
    expect(none.bodyKind).toBe(BODY_NONE)
    none.respond('ok')
    await call.until('ok')
  })

  it('is asked for with 100 only when the request is no longer held', async () => {
    const call = connect().post({ expect: '100-continue', 'content-length': 4 })
    await stage.edge.untilHeld(1)
    expect(call.isContinued).toBe(false)
    const linker = await stage.edge.linker()
    const request = await linker.next()
    expect(request.head).not.toMatch(/expect/i)
    await poll(() => call.isContinued).toBe(true)
    call.end('body')
    await poll(() => request.body.toString()).toBe('body')
    request.respond('ok')
    await call.until('ok')
  })

  it('is buffered up to a bound while it is held, and arrives whole', async () => {
    const body = Buffer.alloc(1_000_000, 'held')
    const client = connect()
    const call = client.post().end(body)
    await stage.edge.untilHeld(1)
    const heldBytes = () => stage.edge.edge.status().apps[0].held.bytes
    await poll(heldBytes).toBeGreaterThan(64 * 1024)
    // Twice the round trips that the windows need for all of it.
    for (let turn = 0; turn < 32; turn++) await new Promise((resolve) => client.session.ping(resolve))
    expect(heldBytes()).toBeLessThan(300 * 1024)
    const linker = await stage.edge.linker()
    const request = await linker.next()
    await poll(() => request.ended).toBe(true)
    expect(request.body.equals(body)).toBe(true)
    request.respond('ok')
    await call.until('ok')
    expect(heldBytes()).toBe(0)
  })

  it('that is held does not stop another one of the same connection', async () => {
    await stage.restart({ hosts: ['cold', 'shop'] })
    const client = connect()
    const held = Array.from({ length: 20 }, () =>
      client.post({ ':authority': 'cold' }).end(Buffer.alloc(500_000, 'cold')),
    )
    await stage.edge.untilHeld(20, 'cold')
    const linker = await stage.edge.linker()
    const body = Buffer.alloc(2_000_000, 'warm')
    const call = client.post().end(body)
    const request = await linker.next()
    await poll(() => request.ended).toBe(true)
    expect(request.body.equals(body)).toBe(true)
    request.respond('ok')
    await call.until('ok')
    expect(stage.edge.held('cold')).toBe(20)
    for (const each of held) each.cancel()
    await stage.edge.untilHeld(0, 'cold')
  })

  it('that is not wanted any more is stopped behind a whole answer, without an error', async () => {
    const linker = await stage.edge.linker({ slots: 3 })
    const client = connect()
    for (const answer of [BODY_KNOWN, BODY_NONE]) {
      const call = client.post().send('begin')
      const request = await linker.next()
      await poll(() => request.bodyBytes).toBe(5)
      request.respond(answer === BODY_NONE ? '' : 'enough')
      await call.over()
      expect([call.status, call.text]).toEqual([200, answer === BODY_NONE ? '' : 'enough'])
      expect([call.isEnded, call.resetCode]).toEqual([true, NGHTTP2_NO_ERROR])
      await poll(() => request.resetCode).toBe(RESET.NO_ERROR)
    }
    const call = client.post().send('begin')
    const request = await linker.next()
    request.sendHead(`${OK}\r\n`)
    request.write('enough')
    request.finish('x-t: 1\r\n')
    await call.over()
    expect([call.text, call.isEnded, call.resetCode]).toEqual(['enough', true, NGHTTP2_NO_ERROR])
    expect(call.trailers).toMatchObject({ 'x-t': '1' })
  })

  it('that is refused with its request is not waited for', async () => {
    await stage.restart({ hosts: ['other'] })
    const call = connect().post().send(Buffer.alloc(10_000))
    await call.over()
    expect([call.status, call.isEnded, call.resetCode]).toEqual([404, true, NGHTTP2_NO_ERROR])
  })
})

describe('the body of an answer', () => {
  it('arrives whole, with trailers, whether or not the client offered to take them', async () => {
    const linker = await stage.edge.linker()
    const client = connect()
    for (const fields of [{}, { te: 'trailers' }]) {
      const call = client.ask(fields)
      const request = await linker.next()
      request.sendHead(`${OK}\r\n`)
      request.write('data')
      await call.until('data')
      request.finish('X-Sum: 4\r\n')
      await call.over()
      expect([call.isEnded, call.trailers]).toMatchObject([true, { 'x-sum': '4' }])
    }
  })

  it('of many megabytes waits in the instance while the client does not read, and arrives whole', async () => {
    const linker = await stage.edge.linker()
    const body = Buffer.alloc(8 * 1024 * 1024)
    for (let i = 0; i < body.length; i += 4) body.writeUInt32BE(i, i)
    const call = connect().ask()
    call.stream.pause()
    const request = await linker.next()
    request.sendHead(`${OK}\r\n`, BODY_KNOWN, body.length)
    request.write(body)
    await call.head()
    // The window of the tunnel has closed behind that of the client.
    expect(request.waitingBytes).toBeGreaterThan(6 * 1024 * 1024)
    call.stream.resume()
    await poll(() => call.isClosed).toBe(true)
    expect(call.body.equals(body)).toBe(true)
  })

  it('arrives in small pieces as they are sent', async () => {
    const linker = await stage.edge.linker()
    const call = connect().ask()
    const request = await linker.next()
    request.sendHead(`${OK}Content-Type: text/event-stream\r\n\r\n`)
    for (let piece = 0; piece < 50; piece++) {
      request.write(`data: ${piece}\n\n`)
      await call.until(`data: ${piece}\n\n`)
    }
    request.finish()
    expect((await call.over()).isEnded).toBe(true)
  })
})

describe('a stream both ways', () => {
  it('flows while the answer has begun and the request has not ended', async () => {
    const linker = await stage.edge.linker()
    const call = connect().post({ 'content-type': 'application/grpc', te: 'trailers' })
    const request = await linker.next()
    request.sendHead(`${OK}Content-Type: application/grpc\r\n\r\n`)
    await call.head()
    for (const turn of ['1', '2', '3']) {
      call.send(`ping ${turn} `)
      await poll(() => request.body.toString().endsWith(`ping ${turn} `)).toBe(true)
      request.write(`pong ${turn} `)
      await call.until(`pong ${turn} `)
    }
    call.end('last')
    await poll(() => request.ended).toBe(true)
    expect(request.body.toString()).toBe('ping 1 ping 2 ping 3 last')
    request.finish('grpc-status: 0\r\n')
    await call.over()
    expect([call.text, call.isEnded]).toEqual(['pong 1 pong 2 pong 3 ', true])
    expect(call.trailers).toMatchObject({ 'grpc-status': '0' })
  })

  it('is given up by a client that cancels it in the middle', async () => {
    const linker = await stage.edge.linker()
    const call = connect().post({ 'content-type': 'application/grpc' }).send('ping')
    const request = await linker.next()
    request.sendHead(`${OK}\r\n`)
    await call.head()
    call.cancel()
    await poll(() => request.resetCode).toBe(RESET.CANCELLED)
  })
})

describe('a call of gRPC', () => {
  const fields = { ':path': '/shop.Cart/Add', 'content-type': 'application/grpc+proto', te: 'trailers' }

  it('is answered with nothing but fields where the application does so', async () => {
    const linker = await stage.edge.linker()
    const call = connect().post(fields).end('message')
    const request = await linker.next()
    await poll(() => request.ended).toBe(true)
    request.sendHead(`${OK}content-type: application/grpc\r\ngrpc-status: 5\r\n\r\n`, BODY_NONE)
    await call.over()
    expect([call.isHeadOnly, call.isEnded, call.fields['grpc-status']]).toEqual([true, true, '5'])
    expect(call.fields['content-length']).toBeUndefined()
  })

  it('is answered with a head, no message, and trailers', async () => {
    const linker = await stage.edge.linker()
    const call = connect().post(fields).end('message')
    const request = await linker.next()
    request.sendHead(`${OK}content-type: application/grpc\r\n\r\n`)
    request.finish('grpc-status: 7\r\ngrpc-message: no\r\n')
    await call.over()
    expect([call.isHeadOnly, call.isEnded, call.text]).toEqual([false, true, ''])
    expect(call.trailers).toMatchObject({ 'grpc-status': '7', 'grpc-message': 'no' })
  })

  it('hears of an error of the edge in the terms of gRPC', async () => {
    await stage.restart({ defaults: { holdMs: 30 } })
    const call = await connect().post(fields).end('message').over()
    expect([call.status, call.isHeadOnly, call.text]).toEqual([200, true, ''])
    expect(call.fields).toMatchObject({
      'content-type': 'application/grpc',
      'grpc-status': '14',
      'grpc-message': 'The application was not ready in time. (edge/hold-timeout)',
      'proxy-status': 'brxy; error=connection_timeout; details="edge/hold-timeout"',
    })
    expect(stage.edge.of('request')).toMatchObject([{ status: 200, error: 'edge/hold-timeout' }])
  })

  it('hears of it while it still sends, too', async () => {
    await stage.restart({ hosts: ['other'] })
    const call = await connect().post(fields).send('message').over()
    expect(call.fields).toMatchObject({ ':status': 200, 'grpc-status': '14' })
    expect(call.resetCode).toBe(NGHTTP2_NO_ERROR)
  })
})
