import { describe, expect, it } from 'vitest'
import { MAX_PREFIX_LENGTH, parsePrefix, strippedTarget } from './path-prefix.ts'

describe('parsePrefix', () => {
  it.each([
    ['/api', '/api'],
    ['/api/', '/api'],
    ['/api///', '/api'],
    ['/', ''],
    ['///', ''],
    ['/a/b', '/a/b'],
    ['//a', '//a'],
    ['/a//b/', '/a//b'],
    ['/A/../%41/.', '/A/../%41/.'],
    ['/!"$>@~;=*', '/!"$>@~;=*'],
  ])('reads %j as %j', (text, expected) => {
    expect(parsePrefix(text)).toBe(expected)
  })

  it.each([
    '',
    'api',
    '*',
    'http://shop/api',
    ' /api',
    '/api?q',
    '/api#top',
    '/a b',
    '/api\n',
    '/\t',
    '/\0',
    '/\x7f',
    '/é',
    '/\u2215',
  ])('refuses %j', (text) => {
    expect(parsePrefix(text)).toBeNull()
  })

  it('takes no more than its bound, slashes at the end included', () => {
    const longest = `/${'x'.repeat(MAX_PREFIX_LENGTH - 1)}`
    expect(parsePrefix(longest)).toBe(longest)
    expect(parsePrefix(`${longest}x`)).toBeNull()
    expect(parsePrefix(`${longest}/`)).toBeNull()
  })

  it('allows every byte that a target may have before its query, and no other', () => {
    const allowed = Array.from({ length: 256 }, (_, code) => code).filter(
      (code) => parsePrefix(`/${String.fromCharCode(code)}x`) !== null,
    )
    const expected = Array.from({ length: 0x7f - 0x21 }, (_, i) => i + 0x21).filter(
      (code) => !'#?'.includes(String.fromCharCode(code)),
    )
    expect(allowed).toEqual(expected)
  })
})

describe('strippedTarget', () => {
  it.each([
    ['/api/x', '/api', '/x'],
    ['/api', '/api', '/'],
    ['/api/', '/api', '/'],
    ['/api?q', '/api', '/?q'],
    ['/api?', '/api', '/?'],
    ['/api/?q', '/api', '/?q'],
    ['/api/api/x?y=/api', '/api', '/api/x?y=/api'],
    ['/a/b/c', '/a/b', '/c'],
    ['/api//x', '/api', '//x'],
    ['/api/%2e%2e/x', '/api', '/%2e%2e/x'],
    ['/x?q', '', '/x?q'],
    ['/', '', '/'],
    ['*', '', '*'],
  ])('makes %s under "%s" into %s', (target, prefix, expected) => {
    expect(strippedTarget(target, prefix)).toBe(expected)
  })

  it.each([
    ['/apix', '/api'],
    ['/ap', '/api'],
    ['*', '/api'],
    ['/v1/api', '/api'],
  ])('takes it for a bug that %s should be under %s', (target, prefix) => {
    expect(() => strippedTarget(target, prefix)).toThrow(expect.objectContaining({ code: 'bug/assertion' }))
  })
})
