import { describe, expect, test } from 'vitest'
import { localHeader } from '../app/proxy-local.ts'
import { proxyHeader } from './proxy-header.ts'

const V4 = { source: '192.0.2.1', sourcePort: 56_324, destination: '198.51.100.7', destinationPort: 443 }
const V6 = { source: '2001:db8::1', sourcePort: 0, destination: '2001:db8::2', destinationPort: 65_535 }
const MAPPED = { ...V4, source: '::ffff:192.0.2.1', destination: '::ffff:198.51.100.7' }
const MIXED = { ...V4, destination: '2001:db8::2' }
const NONE = { ...V4, source: 'unknown' }

const SIGNATURE = '0d0a0d0a000d0a515549540a'
const hex = (text: string) => text.replaceAll(' ', '')

describe('a PROXY header', () => {
  test.for([
    [V4, 'PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n'],
    [MAPPED, 'PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n'],
    [V6, 'PROXY TCP6 2001:db8::1 2001:db8::2 0 65535\r\n'],
    [MIXED, 'PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 56324 443\r\n'],
    [NONE, 'PROXY UNKNOWN\r\n'],
    [null, 'PROXY UNKNOWN\r\n'],
  ] as const)('of version 1 for %j is %j', ([addresses, line]) => {
    expect(proxyHeader('v1', addresses).toString()).toBe(line)
  })

  test.for([
    [V4, '21 11 000c c0000201 c6336407 dc04 01bb'],
    [MAPPED, '21 11 000c c0000201 c6336407 dc04 01bb'],
    [V6, '21 21 0024 20010db8000000000000000000000001 20010db8000000000000000000000002 0000 ffff'],
    [MIXED, '21 21 0024 00000000000000000000ffffc0000201 20010db8000000000000000000000002 dc04 01bb'],
    [NONE, '21 00 0000'],
    [null, '21 00 0000'],
  ] as const)('of version 2 for %j is %s', ([addresses, bytes]) => {
    expect(proxyHeader('v2', addresses).toString('hex')).toBe(SIGNATURE + hex(bytes))
  })

  test('of a probe is that of nobody, and says so where there is a word for it', () => {
    expect(localHeader('v1').toString()).toBe('PROXY UNKNOWN\r\n')
    expect(localHeader('v2').toString('hex')).toBe(`${SIGNATURE}20000000`)
  })
})
