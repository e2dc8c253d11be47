import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  byteByByte,
  loadVectors,
  piecesOf,
  type Recording,
  recordRequest,
  recordResponse,
  type VectorCase,
} from './recorder.testkit.ts'

function decodeRequest(vector: VectorCase, pieces: number[]): Recording {
  return recordRequest(Buffer.from(vector.input, 'latin1'), pieces, vector.limits, vector.eof)
}

function decodeResponse(vector: VectorCase, pieces: number[]): Recording {
  const bytes = Buffer.from(vector.input, 'latin1')
  return recordResponse(bytes, pieces, vector.request, vector.limits, vector.eof)
}

for (const [file, decode] of [
  ['requests', decodeRequest],
  ['responses', decodeResponse],
] as const) {
  for (const { row, rfc, cases } of loadVectors(file)) {
    describe(`${file}: ${row} (${rfc})`, () => {
      it.each(cases.map((vector) => [vector.name, vector] as const))('%s', (_name, vector) => {
        const { length } = vector.input
        const whole = decode(vector, [length])
        expect(whole.events).toEqual(vector.events)
        if (vector.fields !== undefined) expect(whole.fields).toEqual(vector.fields)
        if (vector.forwarded !== undefined) expect(whole.forwarded).toBe(vector.forwarded)
      })

      it('gives the same events for any split of the bytes', () => {
        for (const vector of cases) {
          const { length } = vector.input
          const whole = decode(vector, [length])
          expect(sansConsumed(decode(vector, byteByByte(length))), vector.name).toEqual(sansConsumed(whole))
          fc.assert(
            fc.property(fc.array(fc.nat(Math.max(length, 1)), { maxLength: 4 }), (cuts) => {
              expect(sansConsumed(decode(vector, piecesOf(length, cuts))), vector.name).toEqual(
                sansConsumed(whole),
              )
            }),
            { numRuns: 20 },
          )
        }
      })
    })
  }
}

/** After an error nobody counts. */
function sansConsumed(recording: Recording): unknown {
  const failed = recording.events.some((event) => typeof event === 'object' && 'error' in event)
  return failed ? { ...recording, consumed: undefined } : recording
}
