import { describe, expect, it } from 'vitest'
import { WriteStall } from './write-stall.ts'

const BOUND_MS = 60_000

/** Looks every quarter of the bound, from 0 on. @returns when the client was found to be stuck, or null */
function stuckAt(markAt: (ms: number) => number, untilMs = 600_000): number | null {
  const stall = new WriteStall()
  const everyMs = WriteStall.lookMs(BOUND_MS)
  for (let ms = everyMs; ms <= untilMs; ms += everyMs) {
    stall.look(markAt(ms), ms)
    if (stall.isStuck(BOUND_MS, ms)) return ms
  }
  return null
}

describe('WriteStall', () => {
  it('finds a client that takes nothing, no sooner than the bound and no later than a quarter after it', () => {
    for (const stopsMs of [0, 1, 14_999, 100_000, 119_999]) {
      const found = stuckAt((ms) => 1 + Math.min(ms, stopsMs)) as number
      expect(found - stopsMs).toBeGreaterThanOrEqual(BOUND_MS)
      expect(found - stopsMs).toBeLessThanOrEqual(BOUND_MS * 1.25)
    }
  })

  it('lets a client be that takes a little within the bound', () => {
    expect(stuckAt((ms) => 1 + Math.floor(ms / 59_000))).toBe(null)
  })

  it('lets a client be that has nothing to take', () => {
    expect(stuckAt(() => 0)).toBe(null)
    // Each time something else, which happens to be as much.
    expect(stuckAt((ms) => (ms % 30_000 === 0 ? 0 : 5))).toBe(null)
  })

  it('tells whether something waits of which none was taken since the last look', () => {
    const stall = new WriteStall()
    expect([5, 5, 6, 6, 0, 0, 6].map((mark, at) => stall.look(mark, at))).toEqual([
      false,
      true,
      false,
      true,
      false,
      false,
      false,
    ])
  })

  it('without a bound is never needed', () => {
    expect(WriteStall.lookMs(0)).toBe(Number.POSITIVE_INFINITY)
    const stall = new WriteStall()
    for (const ms of [0, 1e9]) stall.look(5, ms)
    expect(stall.isStuck(0, 1e9)).toBe(false)
  })
})
