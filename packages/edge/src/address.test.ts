import { describe, expect, it } from 'vitest'
import { formatAddress, parseAddress } from './address.ts'

describe('parseAddress', () => {
  it.each([
    ['8080', undefined, 8080],
    [':8080', undefined, 8080],
    ['127.0.0.1:0', '127.0.0.1', 0],
    ['[::1]:65535', '::1', 65_535],
    ['localhost:80', 'localhost', 80],
  ])('understands %s', (text, host, port) => {
    expect(parseAddress(text)).toEqual({ host, port })
  })

  it.each(['', 'localhost', 'a:b', '65536', '1:2:3', '::1:80', '[::1]', '80 ', '-1', '8e3', '[x]:1'])(
    'refuses %j and says what it expects',
    (text) => {
      expect(() => parseAddress(text)).toThrow(
        expect.objectContaining({ code: 'edge/bad-address', message: expect.stringContaining('HOST:PORT') }),
      )
    },
  )
})

describe('formatAddress', () => {
  it('puts brackets around an IPv6 address', () => {
    expect([formatAddress('127.0.0.1', 80), formatAddress('::1', 80)]).toEqual(['127.0.0.1:80', '[::1]:80'])
  })
})
