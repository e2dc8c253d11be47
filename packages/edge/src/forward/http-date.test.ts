import { describe, expect, it, vi } from 'vitest'
import { HttpDate } from './http-date.ts'

describe('HttpDate', () => {
  it('changes with the second, and is made once in it', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 0, 2, 3, 4, 5, 300) })
    let nowMs = 1_000
    const date = new HttpDate(() => nowMs)
    const first = date.text
    expect(first).toBe('Fri, 02 Jan 2026 03:04:05 GMT')
    vi.setSystemTime(Date.UTC(2026, 0, 2, 3, 4, 6))
    nowMs += 699
    expect(date.text).toBe(first)
    nowMs += 1
    expect(date.text).toBe('Fri, 02 Jan 2026 03:04:06 GMT')
    vi.useRealTimers()
  })
})
