import { expect, it } from 'vitest'
import { RetryPace } from './retry-pace.ts'

/** Attempts that end as they begin: when each begins. */
function beginnings(pace: RetryPace, attempts: number, fromMs = 0): number[] {
  let nowMs = fromMs
  return Array.from({ length: attempts }, () => {
    nowMs += pace.waitMs(nowMs)
    pace.begun(nowMs)
    return nowMs
  })
}

it('begins at once, and then ever later up to 30 s', () => {
  const times = beginnings(new RetryPace(), 8)
  const pauses = times.slice(1).map((time, i) => time - times[i])
  expect([times[0], ...pauses]).toEqual([0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
})

it('begins soon again after an attempt that came to something', () => {
  const pace = new RetryPace()
  const last = beginnings(pace, 6).at(-1) as number
  pace.succeeded()
  expect(pace.waitMs(last)).toBe(1_000)
  expect(beginnings(pace, 3, last)).toEqual([last + 1_000, last + 2_000, last + 4_000])
})

it('begins at once after an attempt that lasted', () => {
  const pace = new RetryPace()
  beginnings(pace, 1)
  pace.succeeded()
  expect(pace.waitMs(999)).toBe(1)
  expect(pace.waitMs(1_000)).toBe(0)
  expect(pace.waitMs(300_000)).toBe(0)
})

it('lets nothing succeed that has not begun', () => {
  const pace = new RetryPace()
  pace.succeeded()
  expect(pace.waitMs(0)).toBe(0)
})
