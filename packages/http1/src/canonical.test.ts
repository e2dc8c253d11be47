import { describe, expect, it } from 'vitest'
import {
  Head,
  Http1Error,
  parseCanonicalFields,
  parseCanonicalRequest,
  parseCanonicalResponse,
  RequestHead,
  ResponseHead,
} from './index.ts'
import { allFieldsOf, fieldsOf } from './recorder.testkit.ts'

const REQUEST = 'GET /a?b HTTP/1.1\r\nHost: A.example:80\r\nX: y\r\n\r\n'

/** Parses in the middle of a larger buffer; a `¦` in the text marks where the fault is. */
function faultOf(text: string, parse: (buffer: Buffer, start: number, end: number) => unknown): unknown {
  const at = text.indexOf('¦')
  const bytes = Buffer.from(`...${text.replace('¦', '')}...`, 'latin1')
  try {
    parse(bytes, 3, bytes.length - 3)
  } catch (error) {
    if (!(error instanceof Http1Error)) throw error
    return { code: error.code, status: error.status, ok: error.offset === at ? 'offset' : error.offset }
  }
  return 'accepted'
}

const request = (buffer: Buffer, start: number, end: number): RequestHead =>
  parseCanonicalRequest(buffer, start, end, new RequestHead())
const response = (buffer: Buffer, start: number, end: number): ResponseHead =>
  parseCanonicalResponse(buffer, start, end, new ResponseHead())
const trailers = (buffer: Buffer, start: number, end: number): Head =>
  parseCanonicalFields(buffer, start, end, new Head())

describe('parseCanonicalRequest', () => {
  it('fills the given head', () => {
    const bytes = Buffer.from(`...${REQUEST}...`)
    const head = new RequestHead()
    expect(parseCanonicalRequest(bytes, 3, bytes.length - 3, head)).toBe(head)
    expect([head.method, head.target(), head.hostKey, head.upgrade]).toEqual(['GET', '/a?b', 'a.example', ''])
    expect(fieldsOf(head)).toEqual([
      ['Host', 'A.example:80'],
      ['X', 'y'],
    ])
  })

  it('takes an empty Host for a client that sent none', () => {
    const bytes = Buffer.from('GET / HTTP/1.1\r\nHost: \r\n\r\n')
    expect(request(bytes, 0, bytes.length).hostKey).toBe('')
  })

  it('takes what is made anew about TE and Upgrade', () => {
    const bytes = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nUpgrade: websocket\r\n\r\n')
    const head = request(bytes, 0, bytes.length)
    expect([head.teTrailers, head.upgrade]).toEqual([true, 'websocket'])
  })

  it.each([
    ['HTTP/1.0', '¦GET / HTTP/1.0\r\nHost: a\r\n\r\n', 'not-canonical'],
    ['a higher minor version', '¦GET / HTTP/1.2\r\nHost: a\r\n\r\n', 'not-canonical'],
    ['an empty line first', '¦\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', 'not-canonical'],
    ['the absolute-form', '¦GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n', 'not-canonical'],
    ['bytes after it', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n¦G', 'not-canonical'],
    ['an early end', 'GET / HTTP/1.1\r\nHost: a\r\n¦', 'incomplete'],
    ['no bytes', '¦', 'incomplete'],
    ['no Host', 'GET / HTTP/1.1\r\n¦\r\n', 'missing-host'],
    ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\n¦Host: a\r\n\r\n', 'duplicate-host'],
    ['a bad Host', 'GET / HTTP/1.1\r\nHost: ¦a/b\r\n\r\n', 'bad-host'],
    ['obs-fold', 'GET / HTTP/1.1\r\nHost: a\r\n¦ b\r\n\r\n', 'obs-fold'],
    ['content_length', 'GET / HTTP/1.1\r\n¦content_length: 3\r\n\r\n', 'underscore-name'],
    ...['Content-Length: 3', 'Transfer-Encoding: chunked', 'Connection: x', 'Keep-Alive: x', 'Proxy: x'].map(
      (line) => [line, `GET / HTTP/1.1\r\nHost: a\r\n¦${line}\r\n\r\n`, 'not-canonical'],
    ),
    ['another TE', 'GET / HTTP/1.1\r\nHost: a\r\n¦TE: gzip\r\n\r\n', 'not-canonical'],
    ['two TE', 'GET / HTTP/1.1\r\nHost: a\r\n¦TE: trailers\r\nTE: trailers\r\n\r\n', 'not-canonical'],
    [
      'an Upgrade that is not forwarded',
      'GET / HTTP/1.1\r\nHost: a\r\n¦Upgrade: h2c\r\n\r\n',
      'not-canonical',
    ],
    ['an Upgrade of a POST', 'POST / HTTP/1.1\r\nHost: a\r\n¦Upgrade: foo\r\n\r\n', 'not-canonical'],
  ])('refuses %s', (_name, text, code) => {
    expect(faultOf(text, request)).toEqual({ code: `http1/${code}`, status: 400, ok: 'offset' })
  })

  it('refuses more than 64 KiB and more than 512 fields', () => {
    const large = `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(65_536)}\r\n\r\n`
    expect(faultOf(large, request)).toMatchObject({ code: 'http1/head-too-large' })
    const many = `GET / HTTP/1.1\r\nHost: a\r\n${'A: b\r\n'.repeat(512)}\r\n`
    expect(faultOf(many, request)).toMatchObject({ code: 'http1/too-many-fields' })
    expect(faultOf(many.replace('A: b\r\n', ''), request)).toBe('accepted')
  })
})

describe('parseCanonicalResponse', () => {
  it.each([
    [200, false, false],
    [103, true, false],
    [101, false, true],
  ])('tells from the status %i whether it is interim or an upgrade', (status, interim, upgrade) => {
    const bytes = Buffer.from(`HTTP/1.1 ${status} X\r\nA: b\r\n\r\n`)
    const head = response(bytes, 0, bytes.length)
    expect([head.status, head.reason(), head.interim, head.upgrade]).toEqual([status, 'X', interim, upgrade])
  })

  it.each([
    ['HTTP/1.0', '¦HTTP/1.0 200 OK\r\n\r\n', 'not-canonical'],
    ['bytes after it', 'HTTP/1.1 200 OK\r\n\r\n¦x', 'not-canonical'],
    ['an early end', 'HTTP/1.1 200 OK\r\n¦', 'incomplete'],
    ['a status of 600', 'HTTP/1.1 ¦600 X\r\n\r\n', 'bad-status'],
    ['one Content-Length', 'HTTP/1.1 200 OK\r\n¦Content-Length: 3\r\n\r\n', 'not-canonical'],
    ['Upgrade', 'HTTP/1.1 101 S\r\n¦Upgrade: websocket\r\n\r\n', 'not-canonical'],
    ['a bare LF', 'HTTP/1.1 200 OK\r\nA: b¦\n\r\n', 'bare-lf'],
  ])('refuses %s', (_name, text, code) => {
    expect(faultOf(text, response)).toEqual({ code: `http1/${code}`, status: 502, ok: 'offset' })
  })
})

describe('parseCanonicalFields', () => {
  it('takes field lines without an empty line and marks those that may not pass', () => {
    const bytes = Buffer.from('A: b\r\nCookie: c\r\nD:\r\n')
    const fields = trailers(bytes, 0, bytes.length)
    expect(allFieldsOf(fields)).toHaveLength(3)
    expect(fieldsOf(fields)).toEqual([
      ['A', 'b'],
      ['D', ''],
    ])
    expect(trailers(bytes, 0, 0).fieldCount).toBe(0)
  })

  it.each([
    ['an empty line', 'A: b\r\n\r\n¦', 'not-canonical', 400],
    ['an open line', 'A: b¦', 'not-canonical', 400],
    ['a framing field', 'A: b\r\n¦Content-Length: 3\r\n', 'forbidden-trailer', 400],
    ['too many', `${'A: b\r\n'.repeat(32)}¦A: b\r\n`, 'too-many-trailer-fields', 431],
    ['too large', `A: ${'b'.repeat(8189)}¦b\r\n`, 'trailers-too-large', 431],
  ])('refuses %s', (_name, text, code, status) => {
    expect(faultOf(text, trailers)).toEqual({ code: `http1/${code}`, status, ok: 'offset' })
  })

  it('blames an application if it is told that one is at the other end', () => {
    const fields = new Head()
    fields.faultStatus = 502
    const parse = (buffer: Buffer, start: number, end: number): Head =>
      parseCanonicalFields(buffer, start, end, fields)
    expect(faultOf('¦Host: b\r\n', parse)).toMatchObject({ status: 502 })
  })
})
