import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { skip, skipValue, VALUE } from './bytes.ts'
import { fieldLine, isFieldValue, isForwardTarget, isToken } from './index.ts'

describe('validators of text', () => {
  it('isToken takes what RFC 9110 5.6.2 takes', () => {
    const all = Array.from({ length: 300 }, (_, code) => String.fromCharCode(code))
    expect(all.filter(isToken).join('')).toBe(
      "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~",
    )
    expect(isToken('')).toBe(false)
  })

  it('isFieldValue refuses line breaks, also those that Latin-1 would make of other characters', () => {
    for (const text of ['a\r\nb', 'a\nb', 'a\0b', 'a\u010ab', 'a\u0100', ' a', 'a ', '\ta', 'a\x7f']) {
      expect(isFieldValue(text), JSON.stringify(text)).toBe(false)
    }
    for (const text of ['', 'a', 'a b', 'a\tb', '\xe9'])
      expect(isFieldValue(text), JSON.stringify(text)).toBe(true)
  })

  it('isForwardTarget takes the origin-form, and * for OPTIONS', () => {
    for (const [text, method] of [
      ['/', 'GET'],
      ['/a?b', 'GET'],
      ['*', 'OPTIONS'],
    ] as const) {
      expect(isForwardTarget(text, method), text).toBe(true)
    }
    for (const text of ['', '*', 'a', 'http://a/', '/a#b', '/a b', '/\xe9', '/\u0100', '/\r\n']) {
      expect(isForwardTarget(text, 'GET'), text).toBe(false)
    }
  })

  it('fieldLine makes one line or throws, and does not tell the value', () => {
    expect(fieldLine('X-Y', 'a b')).toBe('X-Y: a b\r\n')
    expect(() => fieldLine('X Y', 'a')).toThrow('no token')
    expect(() => fieldLine('X', 'secret\r\n')).toThrow(/^(?!.*secret)/s)
  })
})

describe('skipValue', () => {
  it('stops where the table stops', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(0x09, 0x0d, 0x20, 0x41, 0x41, 0x41, 0x41, 0x7e, 0x7f, 0x80, 0xff), {
          maxLength: 24,
        }),
        fc.nat(24),
        (bytes, from) => {
          const buffer = Buffer.from(bytes)
          const start = Math.min(from, bytes.length)
          expect(skipValue(buffer, start, bytes.length)).toBe(skip(buffer, start, bytes.length, VALUE))
        },
      ),
      { numRuns: 2000 },
    )
  })
})
