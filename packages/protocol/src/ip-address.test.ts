import { isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatIp, isMapped, parseIp } from './ip-address.ts'

const hex = (text: string) => {
  const bytes = parseIp(text)
  return bytes === null ? null : Buffer.from(bytes).toString('hex')
}

describe('an IP address', () => {
  it.each([
    ['0.0.0.0', '00000000'],
    ['255.255.255.255', 'ffffffff'],
    ['10.0.0.1', '0a000001'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['2001:DB8::1', '20010db8000000000000000000000001'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['1::', '00010000000000000000000000000000'],
    ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
    ['::ffff:10.0.0.1', '00000000000000000000ffff0a000001'],
    ['64:ff9b::10.0.0.1', '0064ff9b00000000000000000a000001'],
  ])('%s is %s', (text, bytes) => {
    expect(hex(text)).toBe(bytes)
  })

  it.each([
    ['', '1.2.3', '1.2.3.4.5', '256.0.0.1', '01.2.3.4', '1.2.3.4 ', '+1.2.3.4', '0x1.2.3.4', '1.2.3.4/8'],
    [':', ':::', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1::2::3', '1:2:3:4:5:6:7:8::', '::1:2:3:4:5:6:7:8'],
    [
      '12345::',
      'g::',
      '[::1]',
      'fe80::1%eth0',
      '::1.2.3',
      '1.2.3.4::',
      '::1.2.3.4:5',
      ':1:2:3:4:5:6:7',
      '1:',
    ],
  ])('is none of %j', (...texts) => {
    for (const text of texts) expect([text, hex(text)]).toEqual([text, null])
  })

  it.each([
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:0:0:2:3:0:0:4', '1::2:3:0:0:4'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['2001:0DB8:0:0:8:800:200C:417A', '2001:db8::8:800:200c:417a'],
    ['::ffff:0a00:0001', '::ffff:10.0.0.1'],
  ])('%s is written %s', (text, written) => {
    expect(formatIp(parseIp(text) as Uint8Array)).toBe(written)
  })

  it('is read as Node reads it, and comes back from its text', () => {
    const text = fc.oneof(fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[0-9a-f:.]{0,24}$/))
    fc.assert(
      fc.property(text, (text) => {
        const bytes = parseIp(text)
        expect(bytes?.length ?? 0).toBe([0, 0, 0, 0, 4, 0, 16][isIP(text)])
        if (bytes === null) return
        expect(parseIp(formatIp(bytes))).toEqual(bytes)
        // The URL standard writes addresses by the same rules, but for mapped ones.
        if (bytes.length === 16 && !isMapped(bytes))
          expect(new URL(`http://[${text}]`).hostname).toBe(`[${formatIp(bytes)}]`)
      }),
      { numRuns: 2_000 },
    )
  })
})
