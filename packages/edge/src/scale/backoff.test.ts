import { describe, expect, it } from 'vitest'
import { Backoff } from './backoff.ts'

describe('Backoff', () => {
  it('has no pause before the first failure', () => {
    const backoff = new Backoff(1_000, 60_000)
    expect([backoff.isClosed(0), backoff.remainingMs(0), backoff.failures]).toEqual([false, 0, 0])
  })

  it('doubles from 1 s to 60 s and stays there', () => {
    const backoff = new Backoff(1_000, 60_000)
    const pauses: number[] = []
    let nowMs = 0
    for (let i = 0; i < 9; i++) {
      backoff.failed(nowMs)
      pauses.push(backoff.remainingMs(nowMs))
      nowMs = backoff.untilMs
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60].map((s) => s * 1000))
  })

  it('counts the failures of a burst as one', () => {
    const backoff = new Backoff(1_000, 60_000)
    for (const nowMs of [0, 1, 999]) backoff.failed(nowMs)
    expect([backoff.failures, backoff.untilMs]).toEqual([1, 1_000])
  })

  it('is open again at the end of the pause to the millisecond', () => {
    const backoff = new Backoff(1_000, 60_000)
    backoff.failed(0)
    expect([backoff.isClosed(999), backoff.isClosed(1_000), backoff.remainingMs(5_000)]).toEqual([
      true,
      false,
      0,
    ])
  })

  it('begins anew after a success', () => {
    const backoff = new Backoff(1_000, 60_000)
    backoff.failed(0)
    backoff.succeeded()
    expect(backoff.isClosed(1)).toBe(false)
    backoff.failed(1)
    expect(backoff.remainingMs(1)).toBe(1_000)
  })

  it('has other bounds from the next failure on, not for the pause that lasts', () => {
    const backoff = new Backoff(1_000, 60_000)
    backoff.failed(0)
    backoff.configure(100, 150)
    expect(backoff.untilMs).toBe(1_000)
    backoff.failed(1_000)
    expect(backoff.remainingMs(1_000)).toBe(150)
  })

  it('never overflows', () => {
    const backoff = new Backoff(1_000, 60_000)
    let nowMs = 0
    for (let i = 0; i < 5_000; i++) {
      backoff.failed(nowMs)
      nowMs = backoff.untilMs
    }
    expect(backoff.remainingMs(nowMs - 1)).toBe(1)
  })
})
