import { constants } from 'node:http2'
import { describe, expect, it, vi } from 'vitest'
import { testConfiguration } from '../../edge.testkit.ts'
import { eventually, poll } from '../../eventually.testkit.ts'
import { freePorts } from '../../port.testkit.ts'
import { staged } from '../../stage.testkit.ts'
import {
  END_STREAM,
  encodeFields,
  encodeFrame,
  FRAME,
  GET,
  Http2Client,
  PREFACE,
  RawHttp2,
} from './http2.testkit.ts'

const { NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_NO_ERROR, NGHTTP2_PROTOCOL_ERROR, NGHTTP2_REFUSED_STREAM } =
  constants

vi.setConfig({ testTimeout: 30_000 })

const stage = staged()

const connect = () => stage.add(new Http2Client(stage.edge.port))
const raw = () => stage.add(new RawHttp2(stage.edge.port))

/** The edge is as well as ever. */
async function expectServing(): Promise<void> {
  const linker = await stage.edge.linker()
  const call = connect().ask()
  ;(await linker.next()).respond('well')
  await call.until('well')
  linker.close()
}

describe('the first bytes of a connection', () => {
  it('decide in any pieces between HTTP/2 and HTTP/1', async () => {
    const linker = await stage.edge.linker({ slots: 4 })
    const bytes = Buffer.concat([
      PREFACE,
      encodeFrame(FRAME.SETTINGS, 0, 0, Buffer.alloc(0)),
      encodeFrame(FRAME.HEADERS, 5, 1, encodeFields(GET)),
    ])
    for (const size of [1, 2, 3, 4, 5, 20, 1_000]) {
      const client = raw()
      for (let at = 0; at < bytes.length; at += size) {
        client.send(bytes.subarray(at, at + size))
        await new Promise((resolve) => setImmediate(resolve))
      }
      const request = await linker.next()
      expect(request.head).toMatch(/^GET \/ HTTP\/1.1\r\nhost: shop\r\n/)
      request.respond('ok')
      expect(await client.answerTo(1)).toBe('200')
    }
    for (const method of ['P', 'PR', 'PRI', 'PRIX', 'PROPFIND', 'POST']) {
      const client = stage.edge.client().send(method.slice(0, 2))
      await new Promise((resolve) => setImmediate(resolve))
      client.send(`${method.slice(2)} /${method} HTTP/1.1\r\nHost: shop\r\n\r\n`)
      if (method === 'PRI') {
        // Whoever says that speaks HTTP/2, and badly.
        await client.ended()
        expect(client.text).not.toMatch(/^HTTP/)
        continue
      }
      const request = await linker.next()
      expect(request.head).toMatch(new RegExp(`^${method} /${method} HTTP/1.1\r\n`))
      request.respond('ok')
      expect(await client.until('ok')).toMatch(/^HTTP\/1.1 200/)
    }
  })

  it('decide for the first request only', async () => {
    const linker = await stage.edge.linker()
    const client = stage.edge.client().get()
    ;(await linker.next()).respond('ok')
    await client.until('ok')
    client.send(PREFACE)
    expect(await client.ended()).toMatch(/^HTTP\/1.1 400 /)
  })

  it('may come behind a PROXY header, in one read with it or later', async () => {
    const listen = [{ bind: '127.0.0.1:0', proxyProtocol: true }]
    await stage.restart({ listen, trustedProxies: ['127.0.0.1'] })
    const linker = await stage.edge.linker({ slots: 2 })
    const header = Buffer.from('PROXY TCP4 192.0.2.7 127.0.0.1 1234 80\r\n')
    const first = Buffer.concat([header, PREFACE, encodeFrame(FRAME.SETTINGS, 0, 0, Buffer.alloc(0))])
    for (const begin of [
      () => raw().send(first),
      async () => {
        const client = raw().send(header)
        await eventually('the connection', () => stage.edge.edge.status().connections === 2)
        return client.greet()
      },
    ]) {
      const client = (await begin()).request(1)
      const request = await linker.next()
      expect(request.head).toMatch(/\r\nX-Forwarded-For: 192\.0\.2\.7\b/)
      request.respond('ok')
      expect(await client.answerTo(1)).toBe('200')
    }
  })

  it('are HTTP/1 where the listener has HTTP/2 switched off', async () => {
    await stage.restart({ listen: [{ bind: '127.0.0.1:0', http2: false }] })
    const client = raw().greet()
    await client.ended()
    expect(client.text).toMatch(/^HTTP\/1.1 400 /)
  })

  it('have their time: silence is cut, and so is a preface without SETTINGS', async () => {
    await stage.restart({ timeouts: { headMs: 100, keepAliveMs: 100 } })
    for (const begin of ['', 'PR', PREFACE, Buffer.concat([PREFACE, Buffer.from([0, 0, 6])])]) {
      const client = raw().send(begin)
      await client.ended()
    }
  })

  it('are refused when they go on otherwise', async () => {
    await raw().send('PRI * HTTP/3.0\r\n\r\n').send(Buffer.alloc(100)).ended()
    await expectServing()
  })
})

describe('an HTTP/2 connection', () => {
  it('serves 128 requests at a time, and no more', async () => {
    const linker = await stage.edge.linker({ slots: 200 })
    const client = connect()
    await eventually('SETTINGS', () => client.session.remoteSettings.maxConcurrentStreams === 128)
    const calls = Array.from({ length: 200 }, (_, i) => client.ask({ ':path': `/${i}` }))
    await eventually('128 requests', () => linker.requests.length === 128)
    // Answered backwards; each makes room for one that its client kept.
    const answered = new Set<unknown>()
    while (answered.size < 200) {
      const request = await eventually('a request', () =>
        linker.requests.findLast((each) => !answered.has(each)),
      )
      answered.add(request)
      expect(linker.requests.length - answered.size).toBeLessThan(128)
      request.respond(`answer to ${request.head.split(' ')[1]}`)
    }
    for (const [i, call] of calls.entries()) {
      await call.over()
      expect(call.text).toBe(`answer to /${i}`)
    }
  })

  it('has as many streams as the options say', async () => {
    await stage.restart({ limits: { http2Streams: 2 } })
    const client = raw().greet()
    await client.next(FRAME.SETTINGS)
    // That of the connection is no smaller than those of all streams.
    const window = await client.next(FRAME.WINDOW_UPDATE, 0)
    expect(65_535 + window.payload.readUInt32BE(0)).toBe(2 * 64 * 1024)
    client.frame(FRAME.SETTINGS, 1, 0)
    for (const stream of [1, 3]) client.request(stream)
    await stage.edge.untilHeld(2)
    client.request(5)
    // Beyond the acknowledged limit: refused, or the connection is at its end.
    await eventually(
      'a refusal',
      () =>
        client.of(FRAME.RST_STREAM, 5)[0]?.payload.readUInt32BE(0) === NGHTTP2_REFUSED_STREAM ||
        client.of(FRAME.GOAWAY).length > 0,
    )
    expect(stage.edge.held()).toBeLessThanOrEqual(2)
    client.close()
    await stage.edge.untilHeld(0)
    await expectServing()
  })

  it('ends with GOAWAY when it was idle for a while, and not while a request waits', async () => {
    await stage.restart({ timeouts: { keepAliveMs: 100 } })
    const client = connect()
    const call = client.ask()
    await stage.edge.untilHeld(1)
    // Longer than the timeout, as the clock of another connection shows.
    await connect().closed()
    expect(client.session.closed).toBe(false)
    const linker = await stage.edge.linker()
    ;(await linker.next()).respond('ok')
    await call.until('ok')
    await client.closed()
    expect(client.goaway).toEqual({ code: NGHTTP2_NO_ERROR, lastStreamId: 1 })
    await poll(() => stage.edge.edge.status().connections).toBe(0)
  })

  it('is over when its client has closed its side', async () => {
    const client = raw().greet().request(1)
    await stage.edge.untilHeld(1)
    client.finish()
    await client.ended()
    await stage.edge.untilHeld(0)
    await poll(() => stage.edge.edge.status().connections).toBe(0)
  })

  it('ends after its requests when its client says GOAWAY', async () => {
    const linker = await stage.edge.linker()
    const client = raw().greet().request(1)
    const request = await linker.next()
    client.frame(FRAME.GOAWAY, 0, 0, Buffer.alloc(8))
    request.respond('ok')
    expect(await client.answerTo(1)).toBe('200')
    await client.ended()
    client.finish()
    await poll(() => stage.edge.edge.status().connections).toBe(0)
  })
})

describe('an edge that stops', () => {
  it('finishes the requests of a connection, refuses others, and is gone when they are done', async () => {
    await stage.restart({ timeouts: { drainMs: 10_000 } })
    const linker = await stage.edge.linker()
    const client = connect()
    const idle = connect()
    const call = client.ask()
    const request = await linker.next()
    await eventually('both connections', () => stage.edge.edge.status().connections === 2)
    const stopped = stage.edge.edge.stop()
    await idle.closed()
    await eventually('GOAWAY', () => client.goaway !== null)
    expect(client.goaway).toEqual({ code: NGHTTP2_NO_ERROR, lastStreamId: 1 })
    request.respond('last')
    await call.over()
    expect([call.text, call.isEnded]).toEqual(['last', true])
    await stopped
  })

  it('does not wait for a client that leaves its side open', async () => {
    await stage.restart({ timeouts: { drainMs: 600_000 } })
    const client = raw().greet()
    await client.next(FRAME.SETTINGS)
    const stopped = stage.edge.edge.stop()
    await client.ended()
    expect(client.of(FRAME.GOAWAY)).not.toHaveLength(0)
    await stopped
    expect(client.socket.writable).toBe(true)
  })

  it('answers what is held, and cuts what does not end', async () => {
    await stage.restart({ timeouts: { drainMs: 50 } })
    const linker = await stage.edge.linker()
    const client = connect()
    const running = client.ask()
    const request = await linker.next()
    request.sendHead('HTTP/1.1 200 OK\r\n\r\n')
    await running.head()
    const held = client.ask()
    await stage.edge.untilHeld(1)
    await stage.edge.edge.stop()
    await held.over()
    expect(JSON.parse(held.text)).toMatchObject({ status: 503, code: 'edge/draining' })
    expect((await running.over()).isEnded).toBe(false)
  })
})

describe('a reload that takes the listener away', () => {
  it('ends the connection after its requests, and the client is told which', async () => {
    const [tunnel, admin, first, second] = await freePorts(4)
    const optionsOf = (port: number) => ({
      tunnel: { bind: `127.0.0.1:${tunnel}` },
      admin: { bind: `127.0.0.1:${admin}` },
      listen: [{ bind: `127.0.0.1:${port}` }],
    })
    await stage.restart(optionsOf(first))
    const linker = await stage.edge.linker()
    const client = connect()
    const call = client.ask()
    const request = await linker.next()
    await stage.edge.edge.reload({ options: testConfiguration(optionsOf(second), null).options })
    await eventually('GOAWAY', () => client.goaway !== null)
    expect(client.goaway).toEqual({ code: NGHTTP2_NO_ERROR, lastStreamId: 1 })
    request.respond('last')
    await call.over()
    expect(call.text).toBe('last')
    await client.closed()
  })
})

describe('a hostile client', () => {
  it('that opens and resets streams without end is cut, and no request of it is left', async () => {
    const linker = await stage.edge.linker({ slots: 1_000 })
    const client = raw().greet()
    for (let i = 0; i < 2_000; i++) client.request(2 * i + 1).cancel(2 * i + 1)
    await client.ended()
    // Those whose HEADERS and RST_STREAM came in two reads.
    expect(linker.requests.length).toBeLessThan(30)
    for (const request of linker.requests) await poll(() => request.resetCode).not.toBe(null)
    linker.close()
    await poll(() => stage.edge.edge.status().connections).toBe(0)
    await expectServing()
  })

  it('that resets each request when an application has it is cut as well', async () => {
    const linker = await stage.edge.linker({ slots: 1_000 })
    const client = raw().greet()
    let count = 0
    while (count < 500 && client.end === null) {
      const stream = 2 * count + 1
      client.request(stream)
      await eventually('the request, or the end', () => linker.requests.length > count || client.end !== null)
      client.cancel(stream)
      count++
    }
    // As many at once as it may have, and ten a second.
    expect(count).toBeGreaterThanOrEqual(128)
    await client.ended()
    expect(client.of(FRAME.GOAWAY)[0].payload.readUInt32BE(4)).toBe(NGHTTP2_ENHANCE_YOUR_CALM)
    for (const request of linker.requests) await poll(() => request.resetCode).not.toBe(null)
    await expectServing()
  })

  it.each<[string, (client: RawHttp2) => void]>([
    ['PING', (client) => client.frame(FRAME.PING, 0, 0, Buffer.alloc(8))],
    ['SETTINGS', (client) => client.frame(FRAME.SETTINGS, 0, 0)],
  ])('that floods with %s and reads nothing is cut', async (_, flood) => {
    const client = raw().greet()
    client.socket.pause()
    let isGone = false
    client.socket.on('close', () => {
      isGone = true
    })
    for (let i = 0; i < 400 && !isGone; i++) {
      for (let j = 0; j < 1_000; j++) flood(client)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await poll(() => stage.edge.edge.status().connections).toBe(0)
    await expectServing()
  })

  it('whose header block never ends is cut', async () => {
    await stage.restart({ timeouts: { keepAliveMs: 300 } })
    const client = raw().greet()
    client.frame(FRAME.HEADERS, END_STREAM, 1, encodeFields(GET))
    const piece = encodeFrame(FRAME.CONTINUATION, 0, 1, encodeFields([['x', 'a'.repeat(8_000)]]))
    for (let i = 0; i < 2_000 && client.end === null; i++) {
      client.send(piece)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await client.ended()
    await poll(() => stage.edge.edge.status().connections).toBe(0)
    expect(stage.edge.held()).toBe(0)
  })

  it.each<[string, readonly (readonly [string, string])[], RegExp]>([
    ['no path', GET.slice(0, 3), /^(400|reset 1)$/],
    ['a path twice', [...GET, [':path', '/b']], /^(400|reset 1)$/],
    ['a pseudo-header behind a field', [...GET.slice(0, 3), ['x', 'y'], GET[3]], /^(400|reset 1)$/],
    ['an unknown pseudo-header', [...GET, [':x', 'y']], /^(400|reset 1)$/],
    ['another host', [...GET, ['host', 'other']], /^400$/],
    ['a path with #', [...GET.slice(0, 3), [':path', '/a#b']], /^(400|reset 1)$/],
    ['a path with a high byte', [...GET.slice(0, 3), [':path', '/\xe9']], /^(400|reset 1)$/],
    ['a path with a space', [...GET.slice(0, 3), [':path', '/a b']], /^(400|reset 1)$/],
    ['a path with a line', [...GET.slice(0, 3), [':path', '/ HTTP/1.1\r\nx: y']], /^(400|reset 1)$/],
    ['a URL', [...GET.slice(0, 3), [':path', 'http://other/']], /^(400|reset 1)$/],
    ['Connection', [...GET, ['connection', 'close']], /^(400|reset 1)$/],
    ['Transfer-Encoding', [...GET, ['transfer-encoding', 'chunked']], /^(400|reset 1)$/],
    ['TE: gzip', [...GET, ['te', 'gzip']], /^(400|reset 1)$/],
    ['a length without a body', [...GET, ['content-length', '5']], /^(400|reset 1)$/],
    ['two lengths', [...GET, ['content-length', '0'], ['content-length', '0']], /^(400|reset 1)$/],
    [
      'another scheme',
      [...GET.filter(([name]) => name !== ':scheme'), [':scheme', 'ftp']],
      /^(400|reset 1)$/,
    ],
    ['a list as its authority', [GET[0], GET[1], [':authority', 'shop, other'], GET[3]], /^(400|reset 1)$/],
    ['an authority with userinfo', [GET[0], GET[1], [':authority', 'me@shop'], GET[3]], /^(400|reset 1)$/],
  ])('that sends %s gets no request through', async (_, fields, expected) => {
    const linker = await stage.edge.linker()
    const client = raw().greet().headers(1, fields)
    expect(await client.answerTo(1)).toMatch(expected)
    // The connection goes on.
    client.request(3)
    const request = await linker.next()
    expect(linker.requests).toHaveLength(1)
    request.respond('ok')
    expect(await client.answerTo(3)).toBe('200')
  })

  it('cannot put a line into a field', async () => {
    const linker = await stage.edge.linker()
    raw()
      .greet()
      .request(1, [
        ['x-a', 'a\r\nx-evil: 1'],
        ['x-b\r\nx-evil', '1'],
        ['x-c', 'a\0b'],
        ['x-d', 'fine'],
      ])
    // Node leaves out what is no field at all, or resets the stream; a request that comes has none of it.
    const request = await eventually('a request', () => linker.requests[0])
    expect(request.head).toMatch(/\r\nx-d: fine\r\n/)
    expect(request.head).not.toMatch(/evil|x-c/)
  })

  it('whose body has another length than it said is given up', async () => {
    const linker = await stage.edge.linker({ slots: 2 })
    for (const body of ['four', 'longer than five']) {
      const client = raw()
        .greet()
        .request(1, [['content-length', '5']], 0)
      const request = await linker.next()
      client.frame(FRAME.DATA, END_STREAM, 1, Buffer.from(body))
      await poll(() => request.resetCode).not.toBe(null)
      expect(request.ended).toBe(false)
      expect(await client.answerTo(1)).toBe(`reset ${NGHTTP2_PROTOCOL_ERROR}`)
      client.close()
    }
  })

  it('whose trailers are malformed is answered so, and nothing of it looks complete', async () => {
    const linker = await stage.edge.linker({ slots: 2 })
    const client = raw().greet()
    client.request(1, [], 0).frame(FRAME.DATA, 0, 1, Buffer.from('body'))
    const request = await linker.next()
    client.headers(1, [
      ['content-length', '4'],
      ['host', 'other'],
    ])
    expect(await client.answerTo(1)).toMatch(/^(400|reset 1)$/)
    await poll(() => request.resetCode).not.toBe(null)
    expect(request.ended).toBe(false)
  })

  it('that takes no answers is not answered without end', async () => {
    const linker = await stage.edge.linker({ slots: 128 })
    const client = raw().greet()
    // The window of the connection is 64 KiB.
    for (let stream = 1; stream < 100; stream += 2) client.request(stream)
    await eventually('the requests', () => linker.requests.length === 50)
    for (const request of linker.requests) {
      request.sendHead('HTTP/1.1 200 OK\r\n\r\n')
      request.write(Buffer.alloc(8 * 1024 * 1024))
    }
    await eventually('a window of bytes', () => client.receivedBytes > 60_000)
    const waiting = linker.requests.reduce((sum, request) => sum + request.waitingBytes, 0)
    expect(waiting).toBeGreaterThan(50 * 7 * 1024 * 1024)
    client.close()
    for (const request of linker.requests) await poll(() => request.resetCode).not.toBe(null)
  })
})
