import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WriteStall } from './write-stall.ts'

const NEVER = Number.POSITIVE_INFINITY

/** Time, and what happened in it: bytes were written, and some or all of them taken. */
const event = fc.record({
  afterMs: fc.constantFrom(0, 1, 50, 250, 1_000),
  written: fc.constantFrom(0, 0, 0, 10),
  taken: fc.constantFrom(0, 0, 0, 3, 100),
})

/** A client, and somebody who looks; what is known of it without looks. */
interface World {
  readonly stall: WriteStall
  readonly boundMs: number
  readonly nowMs: number
  readonly waitingBytes: number
  /** Since when something has waited of which nothing was taken; Infinity: nothing waits. */
  readonly untakenSinceMs: number
  /** What the last look told. */
  readonly isStill: boolean
  readonly hasTaken: boolean
}

/** Runs any history, looking after each event at the latest. */
function always(check: (world: World) => void): void {
  const bounds = fc.constantFrom(0, 100, 1_000, 4_000)
  fc.assert(
    fc.property(bounds, fc.array(event, { maxLength: 60, size: 'max' }), (boundMs, events) => {
      const stall = new WriteStall()
      let [nowMs, waitingBytes, takenBytes, untakenSinceMs] = [0, 0, 0, NEVER]
      for (const { afterMs, written, taken } of events) {
        nowMs += afterMs
        const took = Math.min(taken, waitingBytes)
        takenBytes += took
        waitingBytes += written - took
        if (waitingBytes === 0) untakenSinceMs = NEVER
        else if (took > 0 || untakenSinceMs === NEVER) untakenSinceMs = nowMs
        const isStill = stall.look(waitingBytes === 0 ? 0 : 1 + takenBytes, nowMs)
        check({ stall, boundMs, nowMs, waitingBytes, untakenSinceMs, isStill, hasTaken: took > 0 })
      }
    }),
  )
}

describe('in any history of writes, and of what a client takes', () => {
  it('a client that took something, or for which nothing waits, is not stuck', () => {
    always(({ stall, boundMs, nowMs, waitingBytes, hasTaken, isStill }) => {
      if (waitingBytes > 0 && !hasTaken) return
      expect([isStill, stall.isStuck(boundMs, nowMs)]).toEqual([false, false])
    })
  })

  it('nobody is stuck before the bound is over', () => {
    always(({ stall, boundMs, nowMs, untakenSinceMs }) => {
      if (nowMs - untakenSinceMs < boundMs) expect(stall.isStuck(boundMs, nowMs)).toBe(false)
    })
  })

  it('who takes nothing for so long is stuck', () => {
    let found = 0
    always(({ stall, boundMs, nowMs, untakenSinceMs }) => {
      if (boundMs === 0 || nowMs - untakenSinceMs < boundMs) return
      found++
      expect(stall.isStuck(boundMs, nowMs)).toBe(true)
    })
    expect(found).toBeGreaterThan(0)
  })

  it('without a bound nobody is ever stuck, and looks are needed for nothing', () => {
    expect(WriteStall.lookMs(0)).toBe(NEVER)
    always(({ stall, nowMs }) => expect(stall.isStuck(0, nowMs)).toBe(false))
  })
})
