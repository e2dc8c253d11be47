import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Throttle } from './throttle.ts'

/** One that came. */
interface Event {
  readonly atMs: number
  readonly passed: number
}

/** Runs any history. @param check is given all that came so far, after each one */
function always(check: (events: readonly Event[], everyMs: number) => void): void {
  const gaps = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 60, size: 'max' })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), gaps, (everyMs, afterMs) => {
      const throttle = new Throttle(everyMs)
      const events: Event[] = []
      let atMs = 0
      for (const ms of afterMs) {
        atMs += ms
        events.push({ atMs, passed: throttle.pass(atMs) })
        check(events, everyMs)
      }
    }),
  )
}

const through = (events: readonly Event[]) => events.filter(({ passed }) => passed >= 0)

describe('in any history of events', () => {
  it('two that are let through are as far apart as it was told', () => {
    always((events, everyMs) => {
      const [one, other] = through(events).slice(-2)
      if (one !== undefined && other !== undefined)
        expect(other.atMs - one.atMs).toBeGreaterThanOrEqual(everyMs)
    })
  })

  it('one is left out only if another was let through just before', () => {
    always((events, everyMs) => {
      const last = events.at(-1) as Event
      if (last.passed >= 0) return
      const before = through(events).at(-1) as Event
      expect(last.atMs - before.atMs).toBeLessThan(everyMs)
    })
  })

  it('none is lost count of: each was let through, was told of, or will be by the next', () => {
    always((events) => {
      const passed = through(events)
      const told = passed.reduce((sum, each) => sum + each.passed, 0)
      const since = events.length - 1 - events.lastIndexOf(passed.at(-1) as Event)
      expect(passed.length + told + since).toBe(events.length)
    })
  })
})
