import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { instanceOf } from './controller.testkit.ts'
import { Strays } from './strays.ts'

const TIMEOUT_MS = 100

/** A look at the platform, so long after the one before. */
const look = fc.record({
  afterMs: fc.constantFrom(0, 1, 49, 50, 99, 100, 250),
  listed: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 }),
})

describe('strays, in any history of looks', () => {
  it('are overdue when each look for as long as the time has listed them, and no others are', () => {
    fc.assert(
      fc.property(fc.array(look, { maxLength: 20, size: 'max' }), (looks) => {
        const strays = new Strays()
        const past: { readonly atMs: number; readonly listed: readonly string[] }[] = []
        let nowMs = 0
        for (const { afterMs, listed } of looks) {
          nowMs += afterMs
          past.push({ atMs: nowMs, listed })
          const expected = listed.filter((launch) => {
            const missing = past.findLastIndex((each) => !each.listed.includes(launch))
            return nowMs - past[missing + 1].atMs >= TIMEOUT_MS
          })
          const starting = listed.map((each) => instanceOf(each, 'starting'))
          expect(strays.overdue(starting, TIMEOUT_MS, nowMs).map(({ launch }) => launch)).toEqual(expected)
        }
      }),
    )
  })
})
