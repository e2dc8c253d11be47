import { isBrxyError } from '@brxy/protocol'
import { describe, expect, test } from 'vitest'
import { edgeUrl, needsNoMask } from './edge-address.ts'

describe('an edge address', () => {
  test.for([
    ['127.0.0.1:9080', 'ws://127.0.0.1:9080/'],
    ['edge.internal:9080', 'ws://edge.internal:9080/'],
    ['[::1]:9080', 'ws://[::1]:9080/'],
    ['ws://edge:9080', 'ws://edge:9080/'],
    ['ws://edge:9080/brxy/v1/link', 'ws://edge:9080/brxy/v1/link'],
    ['wss://edge.example.com', 'wss://edge.example.com/'],
    ['WSS://Edge.Example.com/tunnel', 'wss://edge.example.com/tunnel'],
    ['edge:80', 'ws://edge/'],
  ])('%s is %s', ([text, url]) => {
    expect(edgeUrl(text as string).href).toBe(url)
  })

  test.for([
    ['', 'expected HOST:PORT'],
    ['edge', 'the port is missing'],
    ['edge/path', 'the port is missing'],
    ['ws://', 'expected HOST:PORT'],
    ['edge:99999', 'expected HOST:PORT'],
    ['http://edge:9080', 'the scheme is ws or wss, not http'],
    ['ws://user:secret@edge:9080', 'nothing but a scheme'],
    ['ws://edge:9080/#here', 'nothing but a scheme'],
    ['a b:9080', 'expected HOST:PORT'],
  ])('"%s" is none: %s', ([text, why]) => {
    let thrown: unknown
    try {
      edgeUrl(text as string)
    } catch (error) {
      thrown = error
    }
    expect(isBrxyError(thrown) && thrown.code).toBe('link/bad-edge')
    expect((thrown as Error).message).toContain(`"${text}" is no edge address`)
    expect((thrown as Error).message).toContain(why)
  })
})

test.for([
  ['wss://edge.example.com', true],
  ['127.0.0.1:9080', true],
  ['127.1:9080', true],
  ['[::1]:9080', true],
  ['localhost:9080', true],
  ['10.0.0.1:9080', false],
  ['127.example.com:9080', false],
  ['edge:9080', false],
] as const)('to %s, masking is left out: %s', ([text, expected]) => {
  expect(needsNoMask(edgeUrl(text))).toBe(expected)
})
