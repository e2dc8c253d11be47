import { isIPv6 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalizeHost, parseHost } from './index.ts'

describe('parseHost', () => {
  it('keeps the port beside the key', () => {
    expect(parseHost('A.Example.:080')).toEqual({ key: 'a.example', port: 80 })
    expect(parseHost('[::1]')).toEqual({ key: '[::1]', port: -1 })
    expect(parseHost('a:0')).toEqual({ key: 'a', port: 0 })
  })

  it('agrees with node:net about IPv6', () => {
    const group = fc.constantFrom(
      '',
      '0',
      '1',
      'ffff',
      'FFFF',
      '12345',
      '1.2.3.4',
      '1.2.3',
      '01.2.3.4',
      '256.1.1.1',
      'g',
    )
    fc.assert(
      fc.property(fc.array(group, { maxLength: 10 }), (groups) => {
        const text = groups.join(':')
        expect(normalizeHost(`[${text}]`) !== null, text).toBe(isIPv6(text))
      }),
      { numRuns: 3000 },
    )
  })

  it('gives a key that is its own key', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'aZ0.-_:[]'), maxLength: 12 }), (text) => {
        const key = normalizeHost(text)
        // A name of dots loses one of them; what is left is no key of its own only if nothing is left.
        if (key !== null && !key.endsWith('.')) expect(normalizeHost(key)).toBe(key)
      }),
    )
  })
})
