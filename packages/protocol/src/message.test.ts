import { describe, expect, it } from 'vitest'
import { BrxyError } from './error.ts'
import { MAX_MESSAGE_BYTES } from './frame.ts'
import {
  encodeMessage,
  encodeStatus,
  parseFarewell,
  parseHello,
  parseStatus,
  parseWelcome,
  type Status,
} from './message.ts'
import { MESSAGE_VECTORS, type MessageVector } from './vectors.testkit.ts'

function parse({ frame, payload }: MessageVector): unknown {
  const bytes = Buffer.from(payload)
  switch (frame) {
    case 'HELLO':
      return parseHello(bytes)
    case 'WELCOME':
      return parseWelcome(bytes)
    case 'STATUS':
      return parseStatus(bytes)
    default:
      return parseFarewell(frame, bytes)
  }
}

const good = MESSAGE_VECTORS.filter((vector) => vector.error === undefined)
const bad = MESSAGE_VECTORS.filter((vector) => vector.error !== undefined)

describe('the JSON messages', () => {
  it.each(good.map((vector) => [vector.name, vector] as const))('takes %s', (_name, vector) => {
    const value = parse(vector)
    expect(value).toEqual(vector.value)
    // And back: what is encoded means the same.
    expect(parse({ ...vector, payload: encodeMessage(value as Status).toString() })).toEqual(value)
  })

  it.each(bad.map((vector) => [vector.name, vector] as const))('refuses %s', (_name, vector) => {
    expect(() => parse(vector)).toThrow(expect.objectContaining({ code: vector.error }))
  })

  it('names the key and what it must be', () => {
    expect(() => parseStatus(Buffer.from('{"phase":"ready","slots":-1,"busy":0}'))).toThrow(
      'STATUS "slots" must be an integer, 0 to 65535',
    )
  })

  it('takes a label called __proto__ as a label', () => {
    const vector = good.find((v) => v.name === 'HELLO with every key') as MessageVector
    const payload = vector.payload.replace('"zone"', '"__proto__"')
    const { labels } = parseHello(Buffer.from(payload))
    expect(Object.keys(labels)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(labels)).toBe(Object.prototype)
  })

  it('refuses to encode what no peer would take', () => {
    const labels = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`k${i}`, 'v'.repeat(300)]))
    const hello = { ...parseHello(Buffer.from(good[0].payload)), labels }
    expect(() => encodeMessage(hello)).toThrow(BrxyError)
    expect(() => encodeMessage(hello)).toThrow(/of 20000 bytes; 16384 are allowed/)
  })

  it('cuts a STATUS to what the peer takes: the reason keeps its start, the output its end', () => {
    const status: Status = {
      phase: 'failed',
      slots: 1,
      busy: 0,
      reason: `first${'r'.repeat(2000)}`,
      // JSON writes ESC as six bytes.
      output: `${'\u001b'.repeat(8192)}last`,
    }
    const payload = encodeStatus(status)
    expect(payload.length).toBeLessThanOrEqual(MAX_MESSAGE_BYTES)
    const parsed = parseStatus(payload)
    expect(parsed.reason).toMatch(/^firstr{1019}$/)
    expect(parsed.output).toContain(`${'\u001b'.repeat(1000)}last`)
  })

  it('leaves a STATUS that fits as it is', () => {
    const status: Status = { phase: 'failed', slots: 1, busy: 0, exitCode: null, output: 'o'.repeat(8192) }
    expect(parseStatus(encodeStatus(status))).toEqual(status)
  })
})
