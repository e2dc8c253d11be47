import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalRequest, NO_BODY, written } from './decode.testkit.ts'
import {
  type AppRequestFraming,
  BODY_KNOWN,
  BODY_UNKNOWN,
  FIELD,
  fieldLine,
  fieldSet,
  RequestDecoder,
  type RequestHead,
  roomFor,
  writeAppRequest,
  writeCanonicalRequest,
} from './index.ts'
import { recordRequest } from './recorder.testkit.ts'

const GET = 'GET /x HTTP/1.1\r\nHost: a\r\nA: b\r\nForwarded: c\r\n\r\n'

/** The lines that the writer added after `Host: a`. */
function appLines(text: string, framing: AppRequestFraming): string[] {
  const head = canonicalRequest(text)
  const lines = written((out, at) => writeAppRequest(head, framing, null, null, out, at)).split('\r\n')
  return lines.slice(2, -2)
}

describe('writeAppRequest', () => {
  it('writes the fields as sent and nothing else for a bodyless GET on a kept connection', () => {
    const head = canonicalRequest(GET)
    expect(written((out, at) => writeAppRequest(head, NO_BODY, null, null, out, at))).toBe(GET)
  })

  it('leaves out what is in drop and adds extra', () => {
    const head = canonicalRequest(GET)
    const extra = Buffer.from(fieldLine('X-Forwarded-For', '::1') + fieldLine('Via', '1.1 brxy'))
    const drop = fieldSet(FIELD.FORWARDED, FIELD.HOST)
    expect(written((out, at) => writeAppRequest(head, NO_BODY, drop, extra, out, at))).toBe(
      'GET /x HTTP/1.1\r\nA: b\r\nX-Forwarded-For: ::1\r\nVia: 1.1 brxy\r\n\r\n',
    )
  })

  const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
  const post = 'POST / HTTP/1.1\r\nHost: a\r\n\r\n'
  it.each<[string, string, AppRequestFraming, string[]]>([
    [
      'a known body',
      post,
      { bodyKind: BODY_KNOWN, bodyLength: 120, keepAlive: true },
      ['Content-Length: 120'],
    ],
    [
      'an unknown body',
      get,
      { bodyKind: BODY_UNKNOWN, bodyLength: -1, keepAlive: true },
      ['Transfer-Encoding: chunked'],
    ],
    ['no body of POST', post, NO_BODY, ['Content-Length: 0']],
    ['no body of PUT', post.replace('POST', 'PUT'), NO_BODY, ['Content-Length: 0']],
    ['no body of PATCH', post.replace('POST', 'PATCH'), NO_BODY, ['Content-Length: 0']],
    ['no body of DELETE', post.replace('POST', 'DELETE'), NO_BODY, []],
    ['a connection that is not kept', get, { ...NO_BODY, keepAlive: false }, ['Connection: close']],
    ['trailers', get, { ...NO_BODY, teTrailers: true }, ['TE: trailers', 'Connection: TE']],
    [
      'trailers on a connection that is not kept',
      get,
      { ...NO_BODY, keepAlive: false, teTrailers: true },
      ['TE: trailers', 'Connection: close, TE'],
    ],
    [
      'an upgrade',
      get,
      { ...NO_BODY, keepAlive: false, upgrade: 'websocket' },
      ['Connection: Upgrade', 'Upgrade: websocket'],
    ],
    [
      'an upgrade with trailers',
      get,
      { ...NO_BODY, upgrade: 'foo/1', teTrailers: true },
      ['TE: trailers', 'Connection: Upgrade, TE', 'Upgrade: foo/1'],
    ],
    [
      'a body of 2^53 - 1',
      post,
      { bodyKind: BODY_KNOWN, bodyLength: 2 ** 53 - 1, keepAlive: true },
      ['Content-Length: 9007199254740991'],
    ],
  ])('frames %s', (_name, text, framing, lines) => {
    expect(appLines(text, framing)).toEqual(lines)
  })

  it('refuses what would break the head', () => {
    const head = canonicalRequest(GET)
    const out = Buffer.alloc(4096)
    const bad = { code: 'http1/bad-argument', status: 500 }
    const write = (framing: AppRequestFraming, extra: Buffer | null): unknown => {
      try {
        return writeAppRequest(head, framing, null, extra, out, 0)
      } catch (error) {
        return error
      }
    }
    for (const upgrade of ['a b', 'a\r\nX: y', 'a/', '/a', 'a/b/c', 'u\u010a', 'x'.repeat(200)]) {
      expect(write({ ...NO_BODY, upgrade }, null), upgrade).toMatchObject(bad)
    }
    for (const bodyLength of [Number.NaN, -2, 1.5, 2 ** 53]) {
      expect(write({ bodyKind: BODY_KNOWN, bodyLength, keepAlive: true }, null)).toMatchObject(bad)
    }
    for (const extra of ['X: y', 'X: y\n', '\r\n']) {
      expect(write(NO_BODY, Buffer.from(extra)), extra).toMatchObject(bad)
    }
  })

  it('writes nothing and says so where the head might not fit', () => {
    const head = canonicalRequest(GET)
    const extra = Buffer.from('X: y\r\n')
    const room = roomFor(head, extra)
    const small = Buffer.alloc(room - 1)
    expect(writeAppRequest(head, NO_BODY, null, extra, small, 0)).toBe(-1)
    expect(writeCanonicalRequest(head, null, extra, small, 0)).toBe(-1)
    expect(small.every((byte) => byte === 0)).toBe(true)
    expect(writeAppRequest(head, NO_BODY, null, extra, Buffer.alloc(room + 5), 5)).toBeGreaterThan(5)
  })
})

describe('what is written is accepted and read back the same', () => {
  const token = fc.stringMatching(/^[!#$%&'*+.^`|~0-9A-Za-z-]{1,12}$/)
  const value = fc
    .string({ unit: fc.constantFrom(...'\t !"#,:;=abcXYZ09\x80\xe9\xff'), maxLength: 80 })
    .map((text) => text.replace(/^[ \t]+|[ \t]+$/g, ''))
  const field = fc.tuple(
    token.filter(
      (name) =>
        !/^(host|connection|content-length|transfer-encoding|te|upgrade|expect|keep-alive|proxy.*|http2-settings)$/i.test(
          name,
        ),
    ),
    value,
  )
  const message = fc.record({
    method: token.filter((method) => method !== 'CONNECT' && method !== 'TRACE'),
    target: fc.stringMatching(/^\/[!$%&'()*+,./0-9:;=?@A-Z[\]^_`a-z{|}~"<>\\-]{0,100}$/),
    host: fc.constantFrom('a.example', 'A.example:80', '[::1]:8080', 'x'),
    fields: fc.array(field, { maxLength: 20 }),
    body: fc.constantFrom<AppRequestFraming>(
      NO_BODY,
      { bodyKind: BODY_KNOWN, bodyLength: 3, keepAlive: false },
      { bodyKind: BODY_UNKNOWN, bodyLength: -1, keepAlive: true, teTrailers: true },
    ),
  })

  it('for random requests, through canonical form and back', () => {
    fc.assert(
      fc.property(message, ({ method, target, host, fields, body }) => {
        const all: [string, string][] = [['Host', host], ...fields]
        const lines = all.map(([name, text]) => `${name}:  ${text} \r\n`).join('')
        const head = canonicalRequest(`${method} ${target} HTTP/1.1\r\n${lines}\r\n`)
        const text = written((out, at) => writeAppRequest(head, body, null, null, out, at))
        const content =
          body.bodyKind === BODY_KNOWN ? 'abc' : body.bodyKind === BODY_UNKNOWN ? '3\r\nabc\r\n0\r\n\r\n' : ''
        const bytes = Buffer.from(text + content, 'latin1')
        const { events, fields: readBack } = recordRequest(bytes, [bytes.length])
        expect(events[0]).toMatchObject({ head: { method, target, keepAlive: body.keepAlive } })
        expect(events.slice(1)).toEqual(content === '' ? ['end'] : [{ data: 'abc' }, 'end'])
        expect(readBack.slice(0, all.length)).toEqual(all)
      }),
      { numRuns: 500 },
    )
  })

  it('in one copy if no field is dropped, whatever the length of the lines', () => {
    for (const length of [0, 1, 2, 3, 4, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 5000]) {
      const text = `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(length)}\r\n\r\n`
      const head = canonicalRequest(text)
      expect(written((out, at) => writeAppRequest(head, NO_BODY, null, null, out, at))).toBe(text)
    }
  })

  it('straight from a decoded head as well, as an in-process linker does it', () => {
    let text = ''
    const sink = {
      onHead: (head: RequestHead) => {
        text = written((out, at) => writeAppRequest(head, NO_BODY, null, null, out, at))
      },
      onData: () => {},
      onTrailers: () => {},
      onEnd: () => {},
      onError: (error: Error) => {
        throw error
      },
    }
    const bytes = Buffer.from('GET http://a?q HTTP/1.0\r\nHost: a\r\nConnection: x\r\nX: 1\r\nY: 2\r\n\r\n')
    new RequestDecoder().push(bytes, 0, bytes.length, sink)
    expect(text).toBe('GET /?q HTTP/1.1\r\nHost: a\r\nY: 2\r\n\r\n')
  })
})
