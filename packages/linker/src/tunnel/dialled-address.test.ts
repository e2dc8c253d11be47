import { describe, expect, it } from 'vitest'
import { addressKey, isWorthDialling, needsLookup } from './dialled-address.ts'
import { edgeUrl } from './edge-address.ts'

describe('the key of an address', () => {
  it.each([
    ['edge:9080', 'ws://edge:9080/brxy/v1/link'],
    ['ws://EDGE:80', 'ws://edge/'],
    ['wss://edge', 'wss://edge:443/brxy/v1/link'],
  ])('is the same for %s and %s', (one, other) => {
    expect(addressKey(edgeUrl(one))).toBe(addressKey(edgeUrl(other)))
  })

  it.each([
    ['edge:9080', 'edge:9081'],
    ['ws://edge:443', 'wss://edge:443'],
    ['ws://edge:9080', 'ws://edge:9080/a'],
    ['ws://edge:9080', 'ws://edge:9080?a'],
  ])('is another one for %s and %s', (one, other) => {
    expect(addressKey(edgeUrl(one))).not.toBe(addressKey(edgeUrl(other)))
  })
})

describe('a lookup', () => {
  it.each(['edge:1', 'edges.example:1', 'localhost.example:1'])('is needed for %s', (text) => {
    expect(needsLookup(edgeUrl(text))).toBe(true)
  })

  it.each(['localhost:1', 'edge.localhost:1', '10.0.0.1:1', '[::1]:1', '[fd00::1]:1'])(
    'is not needed for %s',
    (text) => {
      expect(needsLookup(edgeUrl(text))).toBe(false)
    },
  )
})

describe('what an edge says that an edge is at', () => {
  it.each([
    ['10.0.0.2:1', '10.0.0.1:1', true],
    ['127.0.0.2:1', '127.0.0.1:1', true],
    ['[::1]:1', 'localhost:1', true],
    ['127.0.0.1:1', '10.0.0.1:1', false],
    ['localhost:1', 'edge:1', false],
    ['wss://edge', 'ws://10.0.0.1:1', true],
  ])('%s, said by %s, is worth dialling: %s', (text, from, expected) => {
    expect(isWorthDialling(edgeUrl(text), edgeUrl(from))).toBe(expected)
  })

  it('is not, if it would show the token to everybody on the way', () => {
    expect(isWorthDialling(edgeUrl('edge:1'), edgeUrl('wss://edge'))).toMatch('TLS')
  })
})
