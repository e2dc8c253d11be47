import { describe, expect, it } from 'vitest'
import {
  DEFAULT_REQUEST_LIMITS,
  type Http1Error,
  type MessageSink,
  RequestDecoder,
  type RequestHead,
} from './index.ts'
import { byteByByte, recordRequest } from './recorder.testkit.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n'

function sinkInto(log: string[]): MessageSink<RequestHead> {
  return {
    onHead: (head) => log.push(`head ${head.method} ${head.target()} ${head.hostKey}`),
    onData: (buffer, start, end) => log.push(`data ${buffer.toString('latin1', start, end)}`),
    onTrailers: (fields) => log.push(`trailers ${fields.fieldCount}`),
    onEnd: () => log.push('end'),
    onError: (error: Http1Error) => log.push(`error ${error.code} ${error.offset}`),
  }
}

describe('RequestDecoder', () => {
  it('does not look at the next request before it is told to begin it', () => {
    const log: string[] = []
    const decoder = new RequestDecoder()
    const bytes = Buffer.from(`${GET}not HTTP at all`)
    expect(decoder.push(bytes, 0, bytes.length, sinkInto(log))).toBe(GET.length)
    expect(decoder.push(bytes, GET.length, bytes.length, sinkInto(log))).toBe(GET.length)
    expect(log).toEqual(['head GET / a.example', 'end'])
    decoder.begin()
    expect(decoder.push(bytes, GET.length, bytes.length, sinkInto(log))).toBe(bytes.length)
    expect(log.at(-1)).toBe('error http1/bad-target 4')
  })

  it('stops after a head that a body follows, so that the owner can decide', () => {
    const log: string[] = []
    const decoder = new RequestDecoder()
    const head = 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n'
    const bytes = Buffer.from(`${head}hi`)
    expect(decoder.push(bytes, 0, bytes.length, sinkInto(log))).toBe(head.length)
    expect(log).toEqual(['head POST /x a'])
    expect(decoder.push(bytes, head.length, bytes.length, sinkInto(log))).toBe(bytes.length)
    expect(log.slice(1)).toEqual(['data hi', 'end'])
  })

  it('takes nothing after an error and reports no second one', () => {
    const log: string[] = []
    const decoder = new RequestDecoder()
    const bytes = Buffer.from('GET / HTTP/3.0\r\n')
    decoder.push(bytes, 0, bytes.length, sinkInto(log))
    expect(decoder.failed).toBe(true)
    expect(decoder.push(bytes, 0, bytes.length, sinkInto(log))).toBe(0)
    decoder.eof(sinkInto(log))
    expect(log).toEqual(['error http1/version-not-supported 6'])
    expect(() => decoder.begin()).toThrow('legal only after onEnd')
  })

  it('is idle between requests only', () => {
    const log: string[] = []
    const decoder = new RequestDecoder()
    const push = (text: string): number => decoder.push(Buffer.from(text), 0, text.length, sinkInto(log))
    expect(decoder.idle).toBe(true)
    push('G')
    expect(decoder.idle).toBe(false)
    push('ET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n')
    expect(decoder.idle).toBe(false)
    push('x')
    expect(decoder.idle).toBe(true)
    decoder.begin()
    expect(decoder.idle).toBe(true)
    push('\r')
    expect(decoder.idle).toBe(false)
    push('\n')
    expect(decoder.idle).toBe(true)
  })

  it('counts error offsets from the first byte of each request', () => {
    const log: string[] = []
    const decoder = new RequestDecoder()
    for (let i = 0; i < 2; i++) {
      const bytes = Buffer.from(`....${GET}`)
      decoder.push(bytes, 4, bytes.length, sinkInto(log))
      decoder.begin()
    }
    const bytes = Buffer.from('...GET / HTTP/1.1\r\nHo st')
    decoder.push(bytes, 3, bytes.length, sinkInto(log))
    expect(log.at(-1)).toBe('error http1/bad-field-name 18')
  })

  it('is still told to begin in vain when the empty line before a request came alone', () => {
    const log: string[] = []
    const decoder = new RequestDecoder()
    const one = Buffer.from('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\r\n')
    let at = decoder.push(one, 0, one.length, sinkInto(log))
    decoder.begin()
    at = decoder.push(one, at, one.length, sinkInto(log))
    expect([at, decoder.idle]).toEqual([one.length, true])
    decoder.begin()
    // And the line is not forgotten: a second one is refused.
    decoder.push(Buffer.from('\r\n'), 0, 2, sinkInto(log))
    expect(decoder.failed).toBe(true)
  })

  it('may begin the next request from inside onEnd', () => {
    const log: string[] = []
    const decoder = new RequestDecoder()
    const sink = { ...sinkInto(log), onEnd: () => decoder.begin() }
    const bytes = Buffer.from(GET + GET)
    const first = decoder.push(bytes, 0, bytes.length, sink)
    expect(first).toBe(GET.length)
    expect(decoder.push(bytes, first, bytes.length, sink)).toBe(bytes.length)
    expect(log).toEqual(['head GET / a.example', 'head GET / a.example'])
  })

  it('makes one string for a host that is asked for again and again', () => {
    const heads: RequestHead[] = []
    const keys: string[] = []
    const decoder = new RequestDecoder()
    const sink = {
      ...sinkInto([]),
      onHead: (head: RequestHead) => {
        heads.push(head)
        keys.push(`${head.hostKey} ${head.hostBytes()}`)
      },
    }
    for (const host of [
      'A.Example:80',
      'A.Example:80',
      'b.example',
      'A.Example:80',
      'A.Example:8',
      'A.Example:80',
    ]) {
      const bytes = Buffer.from(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      decoder.push(bytes, 0, bytes.length, sink)
      decoder.begin()
    }
    expect(keys).toEqual([
      'a.example A.Example:80',
      'a.example A.Example:80',
      'b.example b.example',
      'a.example A.Example:80',
      'a.example A.Example:8',
      'a.example A.Example:80',
    ])
    expect(new Set(heads).size).toBe(1)
  })

  it('lets exceptions of the sink through', () => {
    const decoder = new RequestDecoder()
    const bytes = Buffer.from(GET)
    const sink = {
      ...sinkInto([]),
      onHead: () => {
        throw new Error('a bug of the owner')
      },
    }
    expect(() => decoder.push(bytes, 0, bytes.length, sink)).toThrow('a bug of the owner')
  })

  it.each([
    ['maxRequestLineBytes', 414, (n: number) => `GET /${'a'.repeat(n - 14)} HTTP/1.1\r\nHost: a\r\n\r\n`],
    ['maxMethodBytes', 400, (n: number) => `${'M'.repeat(n)} / HTTP/1.1\r\nHost: a\r\n\r\n`],
    ['maxFields', 431, (n: number) => `GET / HTTP/1.1\r\nHost: a\r\n${'A: b\r\n'.repeat(n - 1)}\r\n`],
    ['maxHeadBytes', 431, (n: number) => `GET / HTTP/1.1\r\nHost: a\r\nA: ${'b'.repeat(n - 32)}\r\n\r\n`],
  ] as const)('enforces the default %s exactly', (name, status, message) => {
    const limit = DEFAULT_REQUEST_LIMITS[name]
    for (const pieces of [(length: number) => [length], byteByByte]) {
      const fits = Buffer.from(message(limit))
      expect(recordRequest(fits, pieces(fits.length)).events.at(-1)).toBe('end')
      const over = Buffer.from(message(limit + 1))
      expect(recordRequest(over, pieces(over.length)).events).toMatchObject([{ error: { status } }])
    }
  })

  it.each([
    ['maxTrailerFields', 431, (n: number) => `0\r\n${'A: b\r\n'.repeat(n)}\r\n`],
    ['maxTrailerBytes', 431, (n: number) => `0\r\nA: ${'b'.repeat(n - 7)}\r\n\r\n`],
    ['maxChunkLineBytes', 400, (n: number) => `1;${'a'.repeat(n - 2)}\r\nx\r\n0\r\n\r\n`],
  ] as const)('enforces the default %s exactly', (name, status, body) => {
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
    const limit = DEFAULT_REQUEST_LIMITS[name]
    const fits = Buffer.from(head + body(limit))
    expect(recordRequest(fits, [fits.length]).events.at(-1)).toBe('end')
    const over = Buffer.from(head + body(limit + 1))
    expect(recordRequest(over, [over.length]).events.at(-1)).toMatchObject({ error: { status } })
  })

  it('counts chunk extensions anew for each request', () => {
    const log: string[] = []
    const decoder = new RequestDecoder({ maxChunkExtensionBytes: 10 })
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
    const bytes = Buffer.from(`${head}0;aaaaaaaaa\r\n\r\n`)
    for (let i = 0; i < 2; i++) {
      const p = decoder.push(bytes, 0, bytes.length, sinkInto(log))
      decoder.push(bytes, p, bytes.length, sinkInto(log))
      decoder.begin()
    }
    expect(log).toEqual(['head POST / a', 'end', 'head POST / a', 'end'])
  })

  it('refuses limits that limit nothing', () => {
    expect(() => new RequestDecoder({ maxFields: Number.NaN })).toThrow('maxFields must be an integer')
    expect(() => new RequestDecoder({ maxHeadBytes: 0 })).toThrow('maxHeadBytes')
    expect(() => new RequestDecoder({ underscores: 'keep' as 'pass' })).toThrow('underscores')
  })
})
