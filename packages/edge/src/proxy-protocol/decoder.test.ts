import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProxyHeaderDecoder } from './decoder.ts'
import type { ProxyHeader } from './header.ts'
import { V2_MAX_REST_BYTES } from './version-2.ts'

const SIGNATURE = '0d0a0d0a000d0a515549540a'
const V4 = 'c0000201 c6336407 dc04 01bb'
const V6 = '20010db8000000000000000000000001 20010db8000000000000000000000002 dc04 01bb'

const named = (
  source: string,
  destination: string,
  sourcePort = 56_324,
  destinationPort = 443,
): ProxyHeader => ({
  kind: 'client',
  addresses: { source, sourcePort, destination, destinationPort },
})
const UNNAMED: ProxyHeader = { kind: 'unnamed' }
const LOCAL: ProxyHeader = { kind: 'local' }

/** A header of version 2. @param rest in hex */
function version2(command: number, family: number, rest = ''): Buffer {
  const bytes = Buffer.from(rest.replaceAll(' ', ''), 'hex')
  const fixed = Buffer.from([
    ...Buffer.from(SIGNATURE, 'hex'),
    command,
    family,
    bytes.length >> 8,
    bytes.length & 255,
  ])
  return Buffer.concat([fixed, bytes])
}

const GOOD: readonly (readonly [string, Buffer, ProxyHeader])[] = [
  ...(
    [
      ['PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n', named('192.0.2.1', '198.51.100.7')],
      [
        'PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n',
        named('255.255.255.255', '255.255.255.255', 65_535, 65_535),
      ],
      ['PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n', named('0.0.0.0', '0.0.0.0', 0, 0)],
      ['PROXY TCP6 2001:db8::1 ::1 56324 443\r\n', named('2001:db8::1', '::1')],
      ['PROXY TCP6 ::ffff:192.0.2.1 ::1 56324 443\r\n', named('::ffff:192.0.2.1', '::1')],
      [
        `PROXY TCP6 ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`,
        named(`${'ffff:'.repeat(7)}ffff`, `${'ffff:'.repeat(7)}ffff`, 65_535, 65_535),
      ],
      ['PROXY UNKNOWN\r\n', UNNAMED],
      // The longest that the specification knows: 107 bytes.
      [`PROXY UNKNOWN ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`, UNNAMED],
      ['PROXY UNKNOWN whatever\0\xff\r\n', UNNAMED],
    ] as const
  ).map(([line, header]) => [JSON.stringify(line), Buffer.from(line, 'latin1'), header] as const),
  ['a client over IPv4', version2(0x21, 0x11, V4), named('192.0.2.1', '198.51.100.7')],
  ['a client over IPv6', version2(0x21, 0x21, V6), named('2001:db8::1', '2001:db8::2')],
  ['a client that speaks QUIC to the proxy', version2(0x21, 0x12, V4), named('192.0.2.1', '198.51.100.7')],
  [
    'a client, with what else the proxy knows',
    version2(0x21, 0x11, `${V4} 01 0002 6832 04 0000 20 000c 01 00000000 21 0004 312e3333`),
    named('192.0.2.1', '198.51.100.7'),
  ],
  ['a client behind a Unix socket', version2(0x21, 0x31, '2f'.repeat(216)), UNNAMED],
  ['nobody in particular', version2(0x21, 0x00), UNNAMED],
  ['nobody in particular, in many words', version2(0x21, 0x00, 'ff'.repeat(V2_MAX_REST_BYTES)), UNNAMED],
  ['the proxy itself', version2(0x20, 0x00), LOCAL],
  ['the proxy itself, with addresses that mean nothing', version2(0x20, 0x99, V4), LOCAL],
]

const BAD: readonly (readonly [string, Buffer])[] = [
  ...[
    'GET / HTTP/1.1\r\n',
    'proxy TCP4 192.0.2.1 198.51.100.7 1 2\r\n',
    'PROXY  TCP4 192.0.2.1 198.51.100.7 1 2\r\n',
    'PROXY TCP4  192.0.2.1 198.51.100.7 1 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.7 1 2 \r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.7 1 2\n',
    'PROXY TCP4 192.0.2.1 198.51.100.7 1\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.7 1 2 3\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.7 01 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.7 +1 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.7 1 65536\r\n',
    'PROXY TCP4 192.0.2.256 198.51.100.7 1 2\r\n',
    'PROXY TCP4 192.0.02.1 198.51.100.7 1 2\r\n',
    'PROXY TCP4 2001:db8::1 198.51.100.7 1 2\r\n',
    'PROXY TCP6 192.0.2.1 ::1 1 2\r\n',
    'PROXY TCP6 ::1 192.0.2.1 1 2\r\n',
    'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n',
    'PROXY TCP6 [::1] ::1 1 2\r\n',
    'PROXY UDP4 192.0.2.1 198.51.100.7 1 2\r\n',
    'PROXY UNKNOWNX\r\n',
    'PROXY UNKNOWN\n',
    'PROXY UNKNOWN a\rb\r\n',
    'PROXY \r\n',
    `PROXY UNKNOWN ${'x'.repeat(93)}\r\n`,
    '\r\nPROXY UNKNOWN\r\n',
    '\x16\x03\x01\x02\x00\x01',
  ].map((line) => [JSON.stringify(line), Buffer.from(line, 'latin1')] as const),
  ['version 1 in the form of version 2', version2(0x11, 0x11, V4)],
  ['a command that there is not', version2(0x22, 0x11, V4)],
  ['a family that there is not', version2(0x21, 0x41, V4)],
  ['a transport that there is not', version2(0x21, 0x13, V4)],
  ['no addresses', version2(0x21, 0x11)],
  ['too few addresses', version2(0x21, 0x21, V4)],
  ['a Unix socket without its paths', version2(0x21, 0x31, V4)],
  ['a vector that is cut short', version2(0x21, 0x11, `${V4} 01 0003 6832`)],
  ['a vector without a length', version2(0x21, 0x11, `${V4} 01 00`)],
  ['more than may be', version2(0x20, 0x00, 'ff'.repeat(V2_MAX_REST_BYTES + 1))],
  ['a signature with a mistake', Buffer.from('0d0a0d0a000d0a515549540b', 'hex')],
]

/** Gives a decoder bytes in pieces of such lengths, of which the last goes on. @returns how many it took */
function decode(
  bytes: Buffer,
  lengths: readonly number[] = [],
): { header: ProxyHeader | null; taken: number } {
  const decoder = new ProxyHeaderDecoder()
  let at = 0
  for (const length of [...lengths, bytes.length]) {
    const to = Math.min(bytes.length, at + length)
    const next = decoder.push(bytes, at, to)
    if (decoder.header !== null) return { header: decoder.header, taken: next }
    expect(next).toBe(to)
    at = to
  }
  return { header: null, taken: at }
}

const malformed = expect.objectContaining({ code: 'edge/bad-proxy-header' })

describe('a PROXY header', () => {
  it.each(GOOD)('%s', (_name, bytes, header) => {
    const stream = Buffer.concat([bytes, Buffer.from('GET / HTTP/1.1\r\n')])
    expect(decode(stream)).toEqual({ header, taken: bytes.length })
    // Cut at every byte.
    for (let at = 1; at < bytes.length; at++) {
      expect(decode(stream, [at])).toEqual({ header, taken: bytes.length })
      expect(decode(bytes.subarray(0, at))).toEqual({ header: null, taken: at })
    }
    expect(decode(stream, new Array(stream.length).fill(1))).toEqual({ header, taken: bytes.length })
  })

  it.each(BAD)('is none: %s', (_name, bytes) => {
    expect(() => decode(bytes)).toThrow(malformed)
    expect(() => decode(bytes, new Array(bytes.length).fill(1))).toThrow(malformed)
  })

  it.each([
    ['GET / HTTP/1.1\r\n', 1],
    ['PROXIES', 5],
    ['\r\n\r\n\0\r\nQUIP', 11],
  ])('is none as soon as %j cannot become one', (text, at) => {
    const bytes = Buffer.from(text, 'latin1')
    expect(decode(bytes.subarray(0, at - 1))).toEqual({ header: null, taken: at - 1 })
    expect(() => decode(bytes.subarray(0, at))).toThrow(malformed)
  })

  it('is never longer than a line of 107 bytes, nor waits for a rest that is too long', () => {
    const line = Buffer.from(`PROXY UNKNOWN ${'x'.repeat(200)}`)
    expect(decode(line.subarray(0, 106))).toEqual({ header: null, taken: 106 })
    expect(() => decode(line.subarray(0, 107))).toThrow(malformed)
    const long = version2(0x21, 0x00, 'ff'.repeat(V2_MAX_REST_BYTES + 1))
    expect(() => decode(long.subarray(0, 16))).toThrow(malformed)
  })

  it('whatever comes, in whatever pieces, is the same header or the same mistake, and nothing behind it is taken', () => {
    const one = fc.constantFrom(...GOOD, ...BAD.map(([name, bytes]) => [name, bytes, null] as const))
    const change = fc.record({ at: fc.nat(60), byte: fc.nat(255) })
    const input = fc.tuple(one, fc.array(change, { maxLength: 2 }), fc.uint8Array({ maxLength: 40 }))
    const outcome = (bytes: Buffer, lengths: readonly number[]) => {
      try {
        return decode(bytes, lengths)
      } catch (error) {
        expect(error).toEqual(malformed)
        return 'malformed'
      }
    }
    fc.assert(
      fc.property(input, fc.array(fc.integer({ min: 1, max: 40 })), ([[, bytes], changes, rest], lengths) => {
        const changed = Buffer.from(bytes)
        for (const { at, byte } of changes) if (at < changed.length) changed[at] = byte
        const stream = Buffer.concat([changed, rest])
        const whole = outcome(stream, [])
        expect(outcome(stream, lengths)).toEqual(whole)
        if (whole === 'malformed' || whole.header === null) return
        expect(outcome(stream.subarray(0, whole.taken), lengths)).toEqual(whole)
        expect(outcome(stream.subarray(0, whole.taken - 1), lengths)).toMatchObject({ header: null })
      }),
      { numRuns: 3_000 },
    )
  })
})
