import { type Http1Error, type MessageSink, RequestDecoder, type RequestHead } from '@brxy/http1'
import { describe, expect, it } from 'vitest'
import { translateRequest, translateTrailers } from './translate-request.ts'

type Pairs = readonly (readonly [name: string, value: string])[]

const START: Pairs = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'shop.test'],
  [':path', '/a?b'],
]

/** START with one pseudo-header changed; left out if null. */
function start(changed: Readonly<Record<string, string | null>>): Pairs {
  return START.map(([name, value]) => [name, name in changed ? changed[name] : value] as const).filter(
    (pair): pair is readonly [string, string] => pair[1] !== null,
  )
}

/** What http1 makes of it: the head, or a code; `malformed` if it does not get that far. */
function read(fields: Pairs, isEnded = true): RequestHead | string {
  const bytes = translateRequest(fields.flat(), isEnded)
  if (bytes === null) return 'malformed'
  const seen: (RequestHead | string)[] = []
  const sink: MessageSink<RequestHead> = {
    onHead: (head) => void seen.push(head),
    onData: () => {},
    onTrailers: () => {},
    onEnd: () => {},
    onError: (error: Http1Error) => void seen.push(error.code),
  }
  const taken = new RequestDecoder().push(bytes, 0, bytes.length, sink)
  // One head and nothing behind it: nobody can put a second request into a field.
  expect(taken).toBe(bytes.length)
  expect(seen).toHaveLength(1)
  return seen[0]
}

const text = (fields: Pairs, isEnded = true) => translateRequest(fields.flat(), isEnded)?.toString('latin1')

describe('a request of HTTP/2 as HTTP/1.1', () => {
  it('has the authority as its Host, and its fields in their order', () => {
    expect(text([...START, ['x-b', '1'], ['x-a', ''], ['x-b', '2\xff']])).toBe(
      'GET /a?b HTTP/1.1\r\nhost: shop.test\r\nx-b: 1\r\nx-a: \r\nx-b: 2\xff\r\n\r\n',
    )
  })

  it('may name its host in Host, instead or as well', () => {
    const alone = start({ ':authority': null })
    expect(text([...alone, ['host', 'shop.test']])).toMatch(/\r\nhost: shop.test\r\n/)
    for (const host of ['shop.test', 'SHOP.test.', 'shop.test:443'])
      expect(text([...START, ['host', host]])).toMatch(/\r\nhost: shop.test\r\n\r\n/)
    for (const host of ['other', 'shop.test:80', '', 'a b', 'shop.test, shop.test'])
      expect(read([...START, ['host', host]])).toBe('malformed')
    expect(read([...START, ['host', 'shop.test'], ['host', 'shop.test']])).toBe('malformed')
    expect(read(alone)).toBe('malformed')
  })

  it('has one Cookie, whatever its crumbs', () => {
    const crumbs: Pairs = [
      ['cookie', 'a=1'],
      ['x', '1'],
      ['cookie', 'b=2; c=3'],
    ]
    expect(text([...START, ...crumbs])).toMatch(/\r\nx: 1\r\ncookie: a=1; b=2; c=3\r\n\r\n$/)
  })

  it('says how its body is framed', () => {
    const head = (fields: Pairs, isEnded: boolean) => {
      const { bodyKind, bodyLength } = read([...START, ...fields], isEnded) as RequestHead
      return [bodyKind, bodyLength]
    }
    expect(head([], true)).toEqual([0, 0])
    expect(head([['content-length', '0']], true)).toEqual([0, 0])
    expect(head([['content-length', '0']], false)).toEqual([0, 0])
    expect(head([['content-length', '7']], false)).toEqual([1, 7])
    expect(head([], false)).toEqual([2, -1])
  })

  it.each<[string, Pairs]>([
    ['a body that cannot come', [...START, ['content-length', '7']]],
    ['no method', start({ ':method': null })],
    ['a method of two words', start({ ':method': 'GET /evil HTTP/1.1\r\n' })],
    ['a method with a space', start({ ':method': 'GET /' })],
    ['an empty method', start({ ':method': '' })],
    ['no scheme', start({ ':scheme': null })],
    ['another scheme', start({ ':scheme': 'ftp' })],
    ['a scheme in capitals', start({ ':scheme': 'HTTPS' })],
    ['no path', start({ ':path': null })],
    ['an empty path', start({ ':path': '' })],
    ['a URL for a path', start({ ':path': 'http://other/' })],
    ['a path without a slash', start({ ':path': 'a' })],
    ['a path with a space', start({ ':path': '/a HTTP/1.1' })],
    ['a path with a tab', start({ ':path': '/a\tb' })],
    ['a path with a line end', start({ ':path': '/a HTTP/1.1\r\nX: 1' })],
    ['an authority with a line end', start({ ':authority': 'shop\r\nX: 1' })],
    ['a scheme with a line end', start({ ':scheme': 'https\r\n' })],
    ['a pseudo-header twice', [...START, [':path', '/b']]],
    ['a pseudo-header behind a field', [...START.slice(0, 3), ['x', '1'], START[3]]],
    ['a pseudo-header behind a cookie', [...START.slice(0, 3), ['cookie', ''], START[3]]],
    ['an unknown pseudo-header', [...START, [':what', 'x']]],
    ['one of responses', [...START, [':status', '200']]],
    ['an extended CONNECT', [...start({ ':method': 'CONNECT' }), [':protocol', 'websocket']]],
    ['a value with CR', [...START, ['x', 'a\rb']]],
    ['a value with LF', [...START, ['x', 'a\nX: b']]],
    ['a value with NUL', [...START, ['x', 'a\0b']]],
    ['a value with a character that is no byte', [...START, ['x', '\u0100']]],
    ['a value in white space', [...START, ['x', ' a']]],
    ['a cookie with a line end', [...START, ['cookie', 'a\r\nX: b']]],
    ['a name with a colon', [...START, ['x: y', 'a']]],
    ['a name with a space', [...START, ['x y', 'a']]],
    ['a name with a line end', [...START, ['x\r\ny', 'a']]],
    ['a name in capitals', [...START, ['X', 'a']]],
    ['an empty name', [...START, ['', 'a']]],
    ['Connection', [...START, ['connection', 'close']]],
    ['Keep-Alive', [...START, ['keep-alive', '1']]],
    ['Proxy-Connection', [...START, ['proxy-connection', 'close']]],
    ['Transfer-Encoding', [...START, ['transfer-encoding', 'chunked']]],
    ['Upgrade', [...START, ['upgrade', 'websocket']]],
    ['TE with something else', [...START, ['te', 'gzip, trailers']]],
  ])('is malformed with %s', (_, fields) => {
    expect(read(fields, true)).toBe('malformed')
  })

  it.each<[string, string, Pairs]>([
    ['http1/bad-target', 'a target with #', start({ ':path': '/a#b' })],
    ['http1/bad-target', 'a target with a high byte', start({ ':path': '/\xe9' })],
    ['http1/bad-target', '* for GET', start({ ':path': '*' })],
    ['http1/bad-host', 'an empty authority', start({ ':authority': '' })],
    ['http1/bad-host', 'a path in the authority', start({ ':authority': 'shop/x' })],
    ['http1/bad-host', 'userinfo', start({ ':authority': 'me@shop' })],
    ['http1/method-not-implemented', 'TRACE', start({ ':method': 'TRACE' })],
    [
      'http1/method-not-implemented',
      'CONNECT',
      START.filter((_, at) => at === 2).concat([[':method', 'CONNECT']]),
    ],
    ['http1/expectation-failed', 'another expectation', [...START, ['expect', 'a miracle']]],
    ['http1/bad-content-length', 'a length that is none', [...START, ['content-length', '+1']]],
    [
      'http1/too-many-fields',
      'many fields',
      [...START, ...Array.from({ length: 128 }, () => ['x', ''] as const)],
    ],
    ['http1/head-too-large', 'large fields', [...START, ['x', 'a'.repeat(33_000)]]],
    ['http1/request-line-too-long', 'a long target', start({ ':path': `/${'a'.repeat(17_000)}` })],
  ])('is refused by the rules of HTTP/1.1: %s for %s', (code, _, fields) => {
    expect(read(fields, false)).toBe(code)
  })

  it('has two lengths refused', () => {
    const twice: Pairs = [
      ['content-length', '1'],
      ['content-length', '1'],
    ]
    expect(read([...START, ...twice], false)).toBe('http1/duplicate-content-length')
  })

  it('passes OPTIONS * and TE: trailers', () => {
    const head = read([...start({ ':method': 'OPTIONS', ':path': '*' }), ['te', 'trailers']]) as RequestHead
    expect([head.method, head.target(), head.teTrailers]).toEqual(['OPTIONS', '*', true])
  })
})

describe('trailers of HTTP/2 as HTTP/1.1', () => {
  it('are lines and an empty line', () => {
    expect(translateTrailers(['x-a', '1', 'x-b', ''])?.toString()).toBe('x-a: 1\r\nx-b: \r\n\r\n')
  })

  it.each([[['x', 'a\r\nb: c']], [['X', 'a']], [['x y', 'a']], [[':path', '/']], [['connection', 'x']]])(
    'are malformed: %j',
    (fields) => {
      expect(translateTrailers(fields)).toBe(null)
    },
  )
})
