import { describe, expect, it } from 'vitest'
import { HostPatterns } from './host-pattern.ts'

describe('HostPatterns', () => {
  it.each([
    [[], 'anything', true],
    [['shop'], 'shop', true],
    [['shop'], 'shop.example', false],
    [['Shop.Example.'], 'shop.example', true],
    [['*.example.com'], 'a.example.com', true],
    [['*.example.com'], 'a.b.example.com', true],
    [['*.example.com'], 'example.com', false],
    [['*.example.com'], 'evilexample.com', false],
    [['*.example.com'], 'example.com.evil', false],
    [['127.0.0.1'], '127.0.0.1', true],
    [['*.a', '*.b', 'c'], 'x.b', true],
    [['*.a', '*.b', 'c'], 'x.c', false],
  ])('%j match %s: %s', (patterns, host, expected) => {
    expect(new HostPatterns(patterns).matches(host)).toBe(expected)
  })

  it.each(['', '*', '*.', 'a b', 'shop:80', 'a/b', '*.*.com', 'http://shop'])(
    'refuses %j, which can match no host',
    (pattern) => {
      expect(() => new HostPatterns([pattern])).toThrow(expect.objectContaining({ code: 'edge/bad-host' }))
    },
  )
})
