import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { referenceDecode, referenceEncode, type VectorFrame } from '../reference-codec.testkit.ts'
import { Pair } from './pair.testkit.ts'

const CODES = ['protocol/bad-frame', 'protocol/bad-message', 'protocol/bad-state', 'protocol/flood']

/** Frames of either side, legal in themselves, in no sensible order. */
const frame = fc.oneof(
  fc.record({
    type: fc.constantFrom('WINDOW', 'RESET', 'REFUSE'),
    stream: fc.integer({ min: 1, max: 4 }),
    n: fc.nat(65_535),
  }),
  fc.record({ type: fc.constantFrom('GRANT', 'RECLAIM', 'RETURN', 'DEMAND'), n: fc.nat(70_000) }),
  fc.record({ type: fc.constantFrom('LEAVE', 'REPLACE', 'RECALL', 'DRAIN') }),
  fc.record({ type: fc.constantFrom('HELLO', 'WELCOME', 'STATUS', 'REJECT', 'GOAWAY'), text: fc.json() }),
  fc.record({ type: fc.constant('VERDICT'), n: fc.nat(2) }),
  fc.record({ type: fc.constant('PING'), hex: fc.constant('0000000000000000') }),
  fc.record({
    type: fc.constantFrom('OPEN', 'HEAD'),
    stream: fc.integer({ min: 1, max: 4 }),
    end: fc.boolean(),
    kind: fc.nat(3),
    body: fc.nat(3),
    bits: fc.nat(3),
    length: fc.nat(3),
    head: fc.constantFrom('', 'x'),
  }),
  fc.record({
    type: fc.constant('DATA'),
    stream: fc.integer({ min: 1, max: 4 }),
    end: fc.boolean(),
    hex: fc.constantFrom('61', '6161', '61*70000'),
  }),
  fc.record({ type: fc.constant('TRAILERS'), stream: fc.integer({ min: 1, max: 4 }), end: fc.boolean() }),
) as fc.Arbitrary<VectorFrame>

const bytes = fc.oneof(
  fc.array(frame, { maxLength: 12 }).map((frames) => Buffer.concat(frames.map(referenceEncode))),
  fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array)),
)

describe('whatever a peer sends', () => {
  it.each(['edge', 'linker'] as const)('is handled or ends the session of the %s cleanly', (side) => {
    fc.assert(
      fc.property(fc.integer({ min: -1, max: 2 }), bytes, (streams, input) => {
        // Before the handshake, or after it with some streams open.
        const pair = streams < 0 ? new Pair() : Pair.open(streams)
        for (let i = 0; i < streams; i++) pair.request()
        const session = pair[side]
        const log = side === 'edge' ? pair.edgeLog : pair.linkerLog
        const total = pair.budget[side].freeBytes
        session.batch.take()
        session.receive(input, 0, input.length, pair.nowMs)
        const answer = Buffer.concat(session.batch.take())
        expect(referenceDecode(side, answer).bad).toBe(false)
        // Nothing is amplified: an answer is a few bytes a frame, or a farewell.
        expect(answer.length).toBeLessThan(input.length * 2 + 1_000)
        if (log.end === null) {
          expect(session.isClosed).toBe(false)
          return
        }
        expect([session.isClosed, session.streams.size]).toEqual([true, 0])
        expect(pair.budget[side].freeBytes).toBe(total)
        if (!log.end.clean) expect(CODES).toContain(log.end.code)
      }),
      { numRuns: 400 },
    )
  })
})
