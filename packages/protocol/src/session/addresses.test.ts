import { describe, expect, it } from 'vitest'
import { encodeAddresses, FEATURE_ADDRESSES, MAX_ADDRESSES_BYTES } from '../addresses.ts'
import { BODY_NONE, type BodyKind, KIND_TCP, MAX_HEAD_BYTES, OPEN_PASSIVE } from '../frame.ts'
import { Pair } from './pair.testkit.ts'

const ENDS = { source: '192.0.2.1', sourcePort: 56_324, destination: '2001:db8::7', destinationPort: 443 }
const ADDRESSES = encodeAddresses(ENDS)

describe('the addresses of a client', () => {
  it('come with each OPEN for a linker that asked for them, before the head', () => {
    const pair = Pair.open(3, { features: ['future', FEATURE_ADDRESSES], fragmentBytes: 1 })
    expect(pair.edge.takesAddresses).toBe(true)
    const shape = {
      body: BODY_NONE as BodyKind,
      bits: OPEN_PASSIVE,
      head: 'GET / HTTP/1.1\r\n\r\n',
      addresses: ADDRESSES,
    }
    const { open, head } = pair.request(shape)
    expect(head).toBe(shape.head)
    expect(open?.addresses).toEqual({ ...ENDS, source: '::ffff:192.0.2.1' })
    const tcp = pair.request({ kind: KIND_TCP, addresses: encodeAddresses(null) })
    expect([tcp.head, tcp.open?.addresses]).toEqual(['', null])
    const without = pair.request({ ...shape, addresses: null })
    expect([without.head, without.open?.addresses]).toEqual([shape.head, null])
  })

  it('are not for a linker that did not ask, nor for one that was not answered so', () => {
    const pair = Pair.open(1)
    expect(pair.edge.takesAddresses).toBe(false)
    expect(() => pair.start({ kind: KIND_TCP, addresses: ADDRESSES })).toThrow('asked for them')
  })

  it('have room in the frame beside the longest head', () => {
    const pair = Pair.open(1, { features: [FEATURE_ADDRESSES] })
    const head = 'x'.repeat(MAX_HEAD_BYTES - MAX_ADDRESSES_BYTES)
    const { open } = pair.request({ body: BODY_NONE, head, addresses: ADDRESSES })
    expect((open?.to ?? 0) - (open?.from ?? 0)).toBe(head.length)
    expect(pair.linkerLog.end).toBeNull()
  })
})
