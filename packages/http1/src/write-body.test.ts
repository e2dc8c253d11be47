import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { written } from './decode.testkit.ts'
import {
  CRLF,
  encodeFields,
  Head,
  LAST_CHUNK,
  parseCanonicalFields,
  writeChunkHead,
  writeTrailers,
} from './index.ts'
import { recordRequest } from './recorder.testkit.ts'

const CHUNKED = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'

function fieldsFrom(text: string): Head {
  const bytes = Buffer.from(text, 'latin1')
  return parseCanonicalFields(bytes, 0, bytes.length, new Head())
}

describe('writeChunkHead', () => {
  it('writes any size as hexadecimal digits and CRLF', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.integer({ min: 1, max: 300 }),
          fc.maxSafeInteger().map((n) => Math.abs(n) || 1),
        ),
        (n) => {
          expect(written((out, at) => writeChunkHead(n, out, at))).toBe(`${n.toString(16)}\r\n`)
        },
      ),
    )
  })

  it('refuses a size of 0, which would end the body, and what is no size', () => {
    for (const size of [0, -1, 1.5, Number.NaN, 2 ** 53]) {
      expect(() => writeChunkHead(size, Buffer.alloc(64), 0)).toThrow('cannot write')
    }
  })

  it('writes nothing where it might not fit', () => {
    expect(writeChunkHead(5, Buffer.alloc(15), 0)).toBe(-1)
    expect(writeChunkHead(5, Buffer.alloc(16), 0)).toBe(3)
  })

  it('makes a body, with CRLF and LAST_CHUNK, that is read back the same', () => {
    const body = ['hello', 'x'.repeat(300)]
      .map((data) => written((out, at) => writeChunkHead(data.length, out, at)) + data + CRLF.toString())
      .join('')
    const bytes = Buffer.from(CHUNKED + body + LAST_CHUNK.toString())
    expect(recordRequest(bytes, [bytes.length]).events.slice(1)).toEqual([
      { data: `hello${'x'.repeat(300)}` },
      'end',
    ])
  })
})

describe('trailers', () => {
  const fields = fieldsFrom('A: b\r\nCookie: no\r\nC:  d \r\nTE: no\r\n')

  it('are encoded without those that may not pass', () => {
    expect(written((out, at) => encodeFields(fields, out, at))).toBe('A: b\r\nC:  d \r\n')
  })

  it('are written after the last chunk and read back the same', () => {
    const bytes = Buffer.from(CHUNKED + written((out, at) => writeTrailers(fields, out, at)))
    const trailers = [
      ['A', 'b'],
      ['C', 'd'],
    ]
    expect(recordRequest(bytes, [bytes.length]).events.slice(1)).toEqual([{ trailers }, 'end'])
  })

  it('are the mere last chunk if there are none', () => {
    expect(written((out, at) => writeTrailers(fieldsFrom(''), out, at))).toBe(LAST_CHUNK.toString())
  })

  it('are not written where they might not fit', () => {
    expect(encodeFields(fields, Buffer.alloc(10), 0)).toBe(-1)
    expect(writeTrailers(fields, Buffer.alloc(10), 0)).toBe(-1)
  })
})
