import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UploadPace } from './upload-pace.ts'

const BOUNDS = { bodyIdleMs: 30_000, bodyRateBytes: 256 }

/** A body that is wanted from 0 on. */
function wanted(bounds = BOUNDS): UploadPace {
  const pace = new UploadPace(bounds)
  pace.start(0)
  return pace
}

describe('UploadPace', () => {
  it('gives a silent client up after bodyIdle', () => {
    expect(wanted().dueMs).toBe(30_000)
  })

  it('gives it up as late after its last byte, if it was fast before', () => {
    const pace = wanted()
    pace.received(1_000_000, 10_000)
    expect(pace.dueMs).toBe(40_000)
  })

  it('gives a trickle up as well, for a byte earns as much as the rate says it takes', () => {
    const pace = wanted()
    let atMs = 0
    for (; atMs < pace.dueMs; atMs += 1000) pace.received(1, atMs)
    // 31 bytes of 256 a second.
    expect(pace.dueMs).toBeGreaterThan(30_000)
    expect(pace.dueMs).toBeLessThan(31_000)
  })

  it('lets a client go on for ever that is as fast as the rate', () => {
    const pace = wanted()
    for (let atMs = 1000; atMs <= 3_600_000; atMs += 1000) {
      expect(pace.dueMs).toBeGreaterThan(atMs)
      pace.received(256, atMs)
    }
  })

  it('does not count the time in which the client is kept from sending', () => {
    const pace = wanted()
    pace.stop(10_000)
    expect(pace.dueMs).toBe(Number.POSITIVE_INFINITY)
    pace.start(500_000)
    expect(pace.dueMs).toBe(520_000)
  })

  it('counts nothing before it is started, and starting and stopping twice is as once', () => {
    const pace = new UploadPace(BOUNDS)
    pace.stop(5)
    expect(pace.dueMs).toBe(Number.POSITIVE_INFINITY)
    pace.start(100)
    pace.start(20_000)
    expect(pace.dueMs).toBe(30_100)
    pace.stop(10_100)
    pace.stop(25_000)
    pace.start(30_000)
    expect(pace.dueMs).toBe(50_000)
  })

  it('credits bytes that were on their way when the client was stopped', () => {
    const pace = wanted()
    pace.stop(20_000)
    pace.received(2_560, 20_001)
    pace.start(30_000)
    expect(pace.dueMs).toBe(50_000)
  })

  it('without a rate, any byte earns all of bodyIdle', () => {
    const pace = wanted({ bodyIdleMs: 30_000, bodyRateBytes: 0 })
    pace.received(1, 29_999)
    expect(pace.dueMs).toBe(59_999)
    pace.stop(59_000)
    pace.received(1, 59_001)
    pace.start(60_000)
    expect(pace.dueMs).toBe(90_000)
  })

  it('without bodyIdle, no silence is too long', () => {
    const pace = wanted({ bodyIdleMs: 0, bodyRateBytes: 256 })
    expect(pace.dueMs).toBe(Number.POSITIVE_INFINITY)
    pace.received(1, 5)
    pace.stop(10)
    pace.received(1, 15)
    pace.start(20)
    expect(pace.dueMs).toBe(Number.POSITIVE_INFINITY)
  })

  it('never is more patient than bodyIdle, nor less than the bytes have earned', () => {
    const step = fc.record({
      waitMs: fc.nat(20_000),
      what: fc.constantFrom('bytes', 'start', 'stop'),
      bytes: fc.nat(10_000),
    })
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        // Slow and obvious: a credit that is counted down millisecond by millisecond would give the same.
        let creditMs = BOUNDS.bodyIdleMs
        let isWanted = true
        let nowMs = 0
        const pace = wanted()
        for (const { waitMs, what, bytes } of steps) {
          nowMs += waitMs
          if (isWanted) creditMs -= waitMs
          if (what === 'bytes') {
            pace.received(bytes, nowMs)
            creditMs = Math.min(BOUNDS.bodyIdleMs, creditMs + (bytes / BOUNDS.bodyRateBytes) * 1000)
          } else if (what === 'start') {
            pace.start(nowMs)
            isWanted = true
          } else {
            pace.stop(nowMs)
            isWanted = false
          }
          if (isWanted) expect(pace.dueMs - nowMs).toBeCloseTo(creditMs, 3)
          else expect(pace.dueMs).toBe(Number.POSITIVE_INFINITY)
        }
      }),
    )
  })
})
