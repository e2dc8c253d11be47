import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressBytes, decodeAddresses, encodeAddresses, MAX_ADDRESSES_BYTES } from './addresses.ts'
import { formatIp, parseIp } from './ip-address.ts'

const V4 = { source: '192.0.2.1', sourcePort: 56_324, destination: '198.51.100.7', destinationPort: 443 }
const V6 = { source: '2001:db8::1', sourcePort: 1, destination: '2001:db8::2', destinationPort: 65_535 }

describe('the addresses of a client', () => {
  it.each([
    [V4, '04 c0000201 c6336407 dc04 01bb'],
    [V6, '06 20010db8000000000000000000000001 20010db8000000000000000000000002 0001 ffff'],
    [null, '00'],
  ])('%j are %s', (addresses, hex) => {
    const bytes = encodeAddresses(addresses)
    expect(bytes.toString('hex')).toBe(hex.replaceAll(' ', ''))
    expect(decodeAddresses(bytes, 0, bytes.length)).toEqual({ addresses, end: bytes.length })
  })

  it('of one family that came in the form of the other are of that family', () => {
    const mapped = { ...V4, source: '::ffff:192.0.2.1', destination: '::ffff:198.51.100.7' }
    expect(encodeAddresses(mapped)).toEqual(encodeAddresses(V4))
    const mixed = encodeAddresses({ ...V4, destination: '2001:db8::2' })
    expect(decodeAddresses(mixed, 0, mixed.length).addresses?.source).toBe('::ffff:192.0.2.1')
  })

  it('that are none are not known', () => {
    expect(encodeAddresses({ ...V4, source: 'unknown' })).toEqual(encodeAddresses(null))
    expect(addressBytes({ ...V4, destination: 'fe80::1%eth0' })).toBeNull()
  })

  it.each([
    ['nothing', ''],
    ['no family', '05c0000201'],
    ['half an address', '04c000'],
    ['no port', '04c0000201c633640701bb'],
  ])('are refused when there is %s', (_what, hex) => {
    const bytes = Buffer.from(hex, 'hex')
    expect(() => decodeAddresses(bytes, 0, bytes.length)).toThrow(
      expect.objectContaining({ code: 'protocol/bad-frame' }),
    )
  })

  it('come back, and what is behind them is left alone', () => {
    const ip = fc.oneof(fc.ipV4(), fc.ipV6()).map((text) => formatIp(parseIp(text) as Uint8Array))
    const port = fc.integer({ min: 0, max: 65_535 })
    const ends = fc.record({ source: ip, sourcePort: port, destination: ip, destinationPort: port })
    fc.assert(
      fc.property(ends, fc.uint8Array({ maxLength: 50 }), (ends, rest) => {
        const block = encodeAddresses(ends)
        expect(block.length).toBeLessThanOrEqual(MAX_ADDRESSES_BYTES)
        const { addresses, end } = decodeAddresses(
          Buffer.concat([block, rest]),
          0,
          block.length + rest.length,
        )
        expect(end).toBe(block.length)
        expect(encodeAddresses(addresses)).toEqual(block)
      }),
    )
  })
})
