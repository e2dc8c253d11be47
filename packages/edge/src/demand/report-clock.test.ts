import { beforeEach, describe, expect, it } from 'vitest'
import { ReportClock } from './report-clock.ts'

let clock: ReportClock
beforeEach(() => {
  clock = new ReportClock()
})

function report(nowMs: number, isReceived = true): 'lost' | 'back' | null {
  expect(clock.nextDeadline()).toBeLessThanOrEqual(nowMs)
  clock.sent(nowMs)
  return clock.answered(isReceived, nowMs)
}

describe('a report', () => {
  it('is due at once at first', () => {
    expect(clock.nextDeadline()).toBeLessThanOrEqual(0)
  })

  it('is due each second if nothing changes', () => {
    report(1_000)
    expect(clock.nextDeadline()).toBe(2_000)
  })

  it('is due with each change, ten times a second at most', () => {
    report(1_000)
    clock.changed()
    expect(clock.nextDeadline()).toBe(1_100)
    report(1_100)
    expect(clock.nextDeadline()).toBe(2_100)
  })

  it('waits for the answer to the one before', () => {
    clock.sent(0)
    clock.changed()
    expect(clock.nextDeadline()).toBe(Number.POSITIVE_INFINITY)
    clock.answered(true, 500)
    expect(clock.nextDeadline()).toBe(100)
  })
})

describe('reports that do not arrive', () => {
  it('are said once, and so is the first that does', () => {
    expect(report(0, false)).toBe('lost')
    expect(report(1_000, false)).toBeNull()
    expect(clock.failingMs(1_500)).toBe(1_500)
    expect(report(2_000)).toBe('back')
    expect(report(3_000)).toBeNull()
    expect(clock.failingMs(3_000)).toBeNull()
  })

  it('are tried again each second, whatever changes', () => {
    report(0, false)
    clock.changed()
    expect(clock.nextDeadline()).toBe(1_000)
  })
})
