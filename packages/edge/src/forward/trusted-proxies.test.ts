import { describe, expect, it } from 'vitest'
import { TrustedProxies } from './trusted-proxies.ts'

describe('TrustedProxies', () => {
  it.each([
    [[], '127.0.0.1', false],
    [['127.0.0.1'], '127.0.0.1', true],
    [['127.0.0.1'], '127.0.0.2', false],
    [['10.0.0.0/8'], '10.255.0.1', true],
    [['10.0.0.0/8'], '11.0.0.1', false],
    [['10.0.0.0/8', 'fd00::/8'], 'fd12::1', true],
    [['fd00::/8'], 'fe80::1', false],
    [['::1'], '::1', true],
    [['0.0.0.0/0'], '203.0.113.9', true],
    [['0.0.0.0/0'], '::1', false],
    [['10.0.0.0/8'], '', false],
    [['10.0.0.0/8'], 'unknown', false],
  ])('%j has %s: %s', (texts, address, expected) => {
    expect(new TrustedProxies(texts).has(address)).toBe(expected)
  })

  it.each([
    '',
    'localhost',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0/8',
    'fd00::/129',
    '10.0.0.0/8/8',
    '[::1]',
    '10.0.0.0/-1',
  ])('refuses %j', (text) => {
    expect(() => new TrustedProxies([text])).toThrow(
      expect.objectContaining({
        code: 'edge/bad-network',
        message: expect.stringContaining(JSON.stringify(text)),
      }),
    )
  })
})
