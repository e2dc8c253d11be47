import { describe, expect, it } from 'vitest'
import {
  DEFAULT_RESPONSE_LIMITS,
  type Http1Error,
  type MessageSink,
  ResponseDecoder,
  type ResponseHead,
} from './index.ts'
import { recordResponse } from './recorder.testkit.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n'

function sinkInto(log: string[]): MessageSink<ResponseHead> {
  return {
    onHead: (head) => log.push(`head ${head.status}`),
    onData: (buffer, start, end) => log.push(`data ${buffer.toString('latin1', start, end)}`),
    onTrailers: (fields) => log.push(`trailers ${fields.fieldCount}`),
    onEnd: () => log.push('end'),
    onError: (error: Http1Error) => log.push(`error ${error.code} ${error.status} ${error.offset}`),
  }
}

function push(decoder: ResponseDecoder, text: string, log: string[]): number {
  return decoder.push(Buffer.from(text), 0, text.length, sinkInto(log))
}

describe('ResponseDecoder', () => {
  it('refuses bytes before begin', () => {
    const log: string[] = []
    const decoder = new ResponseDecoder()
    push(decoder, OK, log)
    expect(log).toEqual(['error http1/unsolicited 502 0'])
    expect(decoder.failed).toBe(true)
  })

  it('leaves bytes after a response, and refuses them if they are pushed', () => {
    const log: string[] = []
    const decoder = new ResponseDecoder()
    decoder.begin({ method: 'GET' })
    expect(push(decoder, OK, log)).toBe(OK.length)
    expect(push(decoder, 'hi!', log)).toBe(2)
    expect(decoder.idle).toBe(true)
    push(decoder, '!', log)
    expect(log).toEqual(['head 200', 'data hi', 'end', 'error http1/unsolicited 502 0'])
  })

  it('decodes one response after another, each by its own request', () => {
    const log: string[] = []
    const decoder = new ResponseDecoder()
    decoder.begin({ method: 'HEAD' })
    push(decoder, OK, log)
    decoder.begin({ method: 'GET' })
    push(decoder, OK, log)
    push(decoder, 'hi', log)
    expect(log).toEqual(['head 200', 'end', 'head 200', 'data hi', 'end'])
  })

  it('refuses to begin inside a response', () => {
    const decoder = new ResponseDecoder()
    decoder.begin({ method: 'GET' })
    expect(() => decoder.begin({ method: 'GET' })).toThrow('begin() is legal only')
  })

  it('is silent until the first byte, also of an interim head', () => {
    const log: string[] = []
    const decoder = new ResponseDecoder()
    expect(decoder.silent).toBe(false)
    decoder.begin({ method: 'GET' })
    expect(decoder.silent).toBe(true)
    push(decoder, 'HTTP/1.1 100 C\r\n\r\n', log)
    expect(decoder.silent).toBe(false)
    expect(decoder.idle).toBe(false)
  })

  it('counts error offsets over the interim heads', () => {
    const log: string[] = []
    const decoder = new ResponseDecoder()
    decoder.begin({ method: 'GET' })
    push(decoder, 'HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\n\r\nHTTP/2', log)
    expect(log.at(-1)).toBe('error http1/bad-status-line 502 41')
  })

  it.each([
    ['maxFields', (n: number) => `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(n - 1)}Content-Length: 0\r\n\r\n`],
    ['maxHeadBytes', (n: number) => `HTTP/1.1 204 N\r\nA: ${'b'.repeat(n - 23)}\r\n\r\n`],
    ['maxInterimHeads', (n: number) => `${'HTTP/1.1 103 E\r\n\r\n'.repeat(n)}HTTP/1.1 204 N\r\n\r\n`],
  ] as const)('enforces the default %s exactly', (name, message) => {
    const limit = DEFAULT_RESPONSE_LIMITS[name]
    const fits = Buffer.from(message(limit))
    expect(recordResponse(fits, [fits.length]).events.at(-1)).toBe('end')
    const over = Buffer.from(message(limit + 1))
    expect(recordResponse(over, [over.length]).events.at(-1)).toMatchObject({ error: { status: 502 } })
  })

  it('has the status 502 for every fault, whatever a client would get for it', () => {
    for (const text of [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
      'HTTP/1.1 200 OK\r\nA b',
    ]) {
      const bytes = Buffer.from(text)
      expect(recordResponse(bytes, [bytes.length]).events.at(-1)).toMatchObject({ error: { status: 502 } })
    }
  })
})
