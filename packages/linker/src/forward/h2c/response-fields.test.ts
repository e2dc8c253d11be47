import { Head, Http1Error } from '@brxy/http1'
import { describe, expect, test } from 'vitest'
import { encodeTrailers, ResponseHeads } from './response-fields.ts'

// node:http2 stops most of this by itself; what it lets through must not become another message as HTTP/1.1.
const BAD: readonly (readonly [string, readonly string[]])[] = [
  ['a line end in a value', ['a', 'b\r\nc: d']],
  ['a line end in a name', ['a\r\nb', 'c']],
  ['a colon in a name', ['a:b', 'c']],
  ['another pseudo-header field', [':path', '/']],
  ['an empty name', ['', 'a']],
  ['space around a value', ['a', ' b']],
  ['a character that is no byte', ['a', '\u0142']],
  ['a transfer coding', ['Transfer-Encoding', 'chunked']],
  ['a nomination', ['connection', 'a']],
  ['an upgrade', ['upgrade', 'websocket']],
]

describe('a response head', () => {
  test.each(BAD)('with %s is refused', (_, fields) => {
    const heads = new ResponseHeads({ method: 'GET' })
    expect(() => heads.parse([':status', '200', ...fields])).toThrow(Http1Error)
  })

  test('without a status, or with one that is none, is refused', () => {
    for (const fields of [[], [':status', 'OK'], [':status', '200 OK\r\nA: b']])
      expect(() => new ResponseHeads({ method: 'GET' }).parse(fields)).toThrow(Http1Error)
  })

  test('keeps its fields in their order, with what bytes they have', () => {
    const head = new ResponseHeads({ method: 'GET' }).parse([
      ':status',
      '404',
      'b',
      '\xe9',
      'a',
      '1',
      'b',
      '2',
    ])
    const fields = Array.from({ length: head.fieldCount }, (_, at) => [head.name(at), head.value(at)])
    expect([head.status, fields]).toEqual([
      404,
      [
        ['b', '\xe9'],
        ['a', '1'],
        ['b', '2'],
      ],
    ])
  })
})

describe('trailers', () => {
  test.each(BAD)('with %s are refused', (_, fields) => {
    expect(() => encodeTrailers(fields, new Head())).toThrow(Http1Error)
  })

  test('lose what may not be in them, and are none if nothing is left', () => {
    expect(encodeTrailers(['set-cookie', 'a', 'grpc-status', '0'], new Head())?.toString()).toBe(
      'grpc-status: 0\r\n',
    )
    expect(encodeTrailers(['set-cookie', 'a'], new Head())).toBeNull()
  })
})
