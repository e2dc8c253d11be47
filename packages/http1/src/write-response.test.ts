import { describe, expect, it } from 'vitest'
import { canonicalResponse, written } from './decode.testkit.ts'
import {
  type ClientResponseFraming,
  FIELD,
  fieldSet,
  roomFor,
  writeCanonicalResponse,
  writeClientResponse,
} from './index.ts'
import { recordResponse } from './recorder.testkit.ts'

const OK = 'HTTP/1.1 200 OK\r\nA: b\r\n\r\n'
const DATE = 'Mon, 01 Jan 2024 00:00:00 GMT'
const PLAIN: ClientResponseFraming = {
  clientMinorVersion: 1,
  contentLength: -1,
  chunked: false,
  connection: 'default',
  date: null,
}

function write(text: string, framing: Partial<ClientResponseFraming>, drop = fieldSet()): string {
  const head = canonicalResponse(text)
  return written((out, at) => writeClientResponse(head, { ...PLAIN, ...framing }, drop, null, out, at))
}

describe('writeClientResponse', () => {
  it.each<[string, Partial<ClientResponseFraming>, string]>([
    ['nothing to add', {}, ''],
    ['a known length', { contentLength: 42 }, 'Content-Length: 42\r\n'],
    ['a length of 0', { contentLength: 0 }, 'Content-Length: 0\r\n'],
    ['an unknown length', { chunked: true }, 'Transfer-Encoding: chunked\r\n'],
    [
      'an unknown length for a 1.0 client',
      { chunked: true, clientMinorVersion: 0, connection: 'close' },
      'Connection: close\r\n',
    ],
    [
      'a kept 1.0 connection',
      { contentLength: 1, clientMinorVersion: 0, connection: 'keep-alive' },
      'Content-Length: 1\r\nConnection: keep-alive\r\n',
    ],
    ['a date', { date: DATE }, `Date: ${DATE}\r\n`],
  ])('frames %s', (_name, framing, lines) => {
    expect(write(OK, framing)).toBe(`HTTP/1.1 200 OK\r\nA: b\r\n${lines}\r\n`)
  })

  it('keeps the Date of the application, unless that is dropped', () => {
    const text = `HTTP/1.1 200 OK\r\nDate: x\r\n\r\n`
    expect(write(text, { date: DATE })).toBe(text)
    expect(write(text, { date: DATE }, fieldSet(FIELD.DATE))).toBe(`HTTP/1.1 200 OK\r\nDate: ${DATE}\r\n\r\n`)
  })

  it.each([103, 204])('never frames a %i', (status) => {
    const text = `HTTP/1.1 ${status} X\r\n\r\n`
    expect(write(text, { contentLength: 5 })).toBe(text)
    expect(write(text, { chunked: true })).toBe(text)
  })

  it('announces an upgrade', () => {
    expect(
      write('HTTP/1.1 101 S\r\n\r\n'.replace('101', '200'), { connection: 'upgrade', upgrade: 'foo' }),
    ).toContain('Connection: Upgrade\r\nUpgrade: foo\r\n')
  })

  it('answers a 1.0 application in 1.1 and always writes the space before the reason', () => {
    expect(write('HTTP/1.0 404\r\nContent-Length: 0\r\n\r\n', {})).toBe('HTTP/1.1 404 \r\n\r\n')
  })

  it.each<[string, Partial<ClientResponseFraming>]>([
    ['an upgrade to nothing', { connection: 'upgrade' }],
    ['a date with a line break', { date: 'x\r\nSet-Cookie: y' }],
    ['a date whose characters would be cut to a line break', { date: 'x\u010d\u010ay' }],
    ['a negative length', { contentLength: -5 }],
    ['a length that is no number', { contentLength: Number.NaN }],
  ])('refuses %s', (_name, framing) => {
    expect(() => write(OK, framing)).toThrow(
      expect.objectContaining({ code: 'http1/bad-argument', status: 500 }),
    )
  })

  it('writes nothing and says so where the head might not fit', () => {
    const head = canonicalResponse(OK)
    const small = Buffer.alloc(roomFor(head, null) - 1)
    expect(writeClientResponse(head, PLAIN, null, null, small, 0)).toBe(-1)
    expect(writeCanonicalResponse(head, null, null, small, 0)).toBe(-1)
    expect(small.every((byte) => byte === 0)).toBe(true)
  })

  it.each([
    [{ contentLength: 3 }, 'abc'],
    [{ chunked: true }, '3\r\nabc\r\n0\r\n\r\n'],
    [{ connection: 'close' }, 'abc'],
  ] as const)('is read back the same: %j', (framing, content) => {
    const bytes = Buffer.from(
      write('HTTP/1.1 404 Ni\xe8t da\r\nA: b\r\nSet-Cookie: c\r\n\r\n', framing) + content,
      'latin1',
    )
    const { events, fields } = recordResponse(bytes, [bytes.length], { method: 'GET' }, undefined, true)
    expect(events[0]).toMatchObject({ head: { status: 404, reason: 'Ni\xe8t da' } })
    expect(events.slice(1)).toEqual([{ data: 'abc' }, 'end'])
    expect(fields.slice(0, 2)).toEqual([
      ['A', 'b'],
      ['Set-Cookie', 'c'],
    ])
  })
})
