import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TimerWheel, WheelTimer } from './timer-wheel.ts'

const TICK = 20
const now = () => Date.now()

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A timer that writes down when it was called. */
function recorded(): { timer: WheelTimer; calls: number[] } {
  const calls: number[] = []
  return { timer: new WheelTimer((nowMs) => calls.push(nowMs)), calls }
}

describe('TimerWheel', () => {
  it('calls a timer once, at its time or up to a tick later', () => {
    const wheel = new TimerWheel(TICK, now)
    const { timer, calls } = recorded()
    wheel.set(timer, now() + 55)
    vi.advanceTimersByTime(54)
    expect(calls).toEqual([])
    vi.advanceTimersByTime(1_000)
    expect(calls).toEqual([1_000_060])
    expect([wheel.size, vi.getTimerCount()]).toEqual([0, 0])
  })

  it('calls a timer of the past with the next tick', () => {
    const wheel = new TimerWheel(TICK, now)
    const { timer, calls } = recorded()
    wheel.set(timer, now() - 5_000)
    vi.advanceTimersByTime(TICK + 1)
    expect(calls).toHaveLength(1)
  })

  it('moves and clears timers', () => {
    const wheel = new TimerWheel(TICK, now)
    const moved = recorded()
    const cleared = recorded()
    const never = recorded()
    wheel.set(moved.timer, now() + 100)
    wheel.set(moved.timer, now() + 300)
    wheel.set(moved.timer, now() + 300)
    wheel.set(cleared.timer, now() + 100)
    wheel.clear(cleared.timer)
    wheel.clear(cleared.timer)
    wheel.set(never.timer, now() + 100)
    wheel.set(never.timer, Number.POSITIVE_INFINITY)
    expect(wheel.size).toBe(1)
    vi.advanceTimersByTime(1_000)
    expect([moved.calls, cleared.calls, never.calls]).toEqual([[1_000_300], [], []])
  })

  it('keeps times that are more than a turn away, and more than setTimeout takes', () => {
    const setTimeouts = vi.spyOn(globalThis, 'setTimeout')
    const wheel = new TimerWheel(TICK, now)
    const far = recorded()
    const later = recorded()
    wheel.set(far.timer, now() + 60_000)
    wheel.set(later.timer, now() + 2 ** 31)
    vi.advanceTimersByTime(59_999)
    expect(far.calls).toEqual([])
    vi.advanceTimersByTime(TICK)
    expect(far.calls).toHaveLength(1)
    expect(later.calls).toEqual([])
    wheel.close()
    // Node fires a longer one at once.
    expect(Math.max(...setTimeouts.mock.calls.map(([, ms]) => ms ?? 0))).toBeLessThanOrEqual(TICK * 512)
    setTimeouts.mockRestore()
  })

  it('calls all that is due after it was held up for longer than a turn', () => {
    let nowMs = 0
    const wheel = new TimerWheel(TICK, () => nowMs)
    const timers = Array.from({ length: 50 }, () => recorded())
    timers.forEach(({ timer }, i) => void wheel.set(timer, 100 + i * 1_000))
    nowMs = 30_000
    vi.advanceTimersByTime(200)
    expect(timers.map(({ calls }) => calls.length)).toEqual([...Array(30).fill(1), ...Array(20).fill(0)])
    wheel.close()
  })

  it('lets a callback move, clear and set timers that are due with it, and loses none', () => {
    const wheel = new TimerWheel(TICK, now)
    const [moved, cleared, last, fresh] = [recorded(), recorded(), recorded(), recorded()]
    const at = now() + 100
    const first = new WheelTimer(() => {
      wheel.set(moved.timer, now() + 500)
      wheel.clear(cleared.timer)
      wheel.set(fresh.timer, now() + 5)
    })
    // Whatever the order in the slot: the one that acts is called before some and after others.
    for (const timer of [last.timer, moved.timer, cleared.timer, first]) wheel.set(timer, at)
    const bystander = recorded()
    wheel.set(bystander.timer, at + TICK * 512)
    vi.advanceTimersByTime(110)
    expect([moved.calls.length, cleared.calls.length, last.calls.length]).toEqual([0, 0, 1])
    vi.advanceTimersByTime(TICK * 600)
    expect([moved.calls.length, cleared.calls.length, last.calls.length]).toEqual([1, 0, 1])
    expect([fresh.calls.length, bystander.calls.length, wheel.size]).toEqual([1, 1, 0])
  })

  it('calls a timer with the next tick that a callback set to a time that has passed', () => {
    const wheel = new TimerWheel(TICK, now)
    const again = recorded()
    const first = new WheelTimer(() => wheel.set(again.timer, now() - 1))
    wheel.set(again.timer, now() + 100)
    wheel.set(first, now() + 100)
    vi.advanceTimersByTime(101)
    expect([again.calls.length, wheel.size]).toEqual([0, 1])
    vi.advanceTimersByTime(TICK)
    expect([again.calls.length, wheel.size]).toEqual([1, 0])
  })

  it('lets a callback set its own timer again', () => {
    const wheel = new TimerWheel(TICK, now)
    const calls: number[] = []
    const timer: WheelTimer = new WheelTimer((nowMs) => {
      calls.push(nowMs)
      if (calls.length < 5) wheel.set(timer, nowMs + 100)
    })
    wheel.set(timer, now() + 100)
    vi.advanceTimersByTime(10_000)
    expect(calls).toEqual([1, 2, 3, 4, 5].map((i) => 1_000_000 + i * 100))
  })

  it('turns on when a callback throws', () => {
    const wheel = new TimerWheel(TICK, now)
    const others = [recorded(), recorded(), recorded()]
    const bad = new WheelTimer(() => {
      throw new Error('callback')
    })
    wheel.set(others[0].timer, now() + 100)
    wheel.set(bad, now() + 100)
    wheel.set(others[1].timer, now() + 100)
    wheel.set(others[2].timer, now() + 1_000)
    expect(() => vi.advanceTimersByTime(150)).toThrow('callback')
    vi.advanceTimersByTime(2_000)
    expect(others.map(({ calls }) => calls.length)).toEqual([1, 1, 1])
  })

  it('stops for good when it is closed, also from a callback', () => {
    const wheel = new TimerWheel(TICK, now)
    const { timer, calls } = recorded()
    wheel.set(new WheelTimer(() => wheel.close()), now() + 50)
    wheel.set(timer, now() + 100)
    vi.advanceTimersByTime(1_000)
    wheel.set(timer, now() + 100)
    vi.advanceTimersByTime(1_000)
    expect(calls).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('agrees with a naive list of timers, whatever is set, moved and cleared', () => {
    const command = fc.record({
      do: fc.constantFrom('set', 'set', 'set', 'clear', 'wait', 'wait'),
      which: fc.nat(9),
      ms: fc.oneof(fc.nat(200), fc.nat(30_000)),
    })
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const wheel = new TimerWheel(TICK, now)
        const dueAt = new Map<number, number>()
        const setAt = new Map<number, number>()
        const timers = Array.from({ length: 10 }, (_, i) => {
          return new WheelTimer((nowMs) => {
            const due = dueAt.get(i)
            // Called only while set, not early, and no later than a tick after it could be.
            expect(due).toBeDefined()
            expect(nowMs).toBeGreaterThanOrEqual(due ?? 0)
            expect(nowMs).toBeLessThanOrEqual(Math.max(due ?? 0, setAt.get(i) ?? 0) + TICK + 1)
            dueAt.delete(i)
          })
        })
        for (const c of commands) {
          if (c.do === 'set') {
            wheel.set(timers[c.which], now() + c.ms - 50)
            dueAt.set(c.which, now() + c.ms - 50)
            setAt.set(c.which, now())
          } else if (c.do === 'clear') {
            wheel.clear(timers[c.which])
            dueAt.delete(c.which)
          } else {
            vi.advanceTimersByTime(c.ms)
            for (const [which, due] of dueAt) {
              expect(Math.max(due, setAt.get(which) ?? 0)).toBeGreaterThan(now() - TICK - 1)
            }
          }
          expect(wheel.size).toBe(dueAt.size)
        }
        vi.advanceTimersByTime(40_000)
        expect([dueAt.size, wheel.size, vi.getTimerCount()]).toEqual([0, 0, 0])
      }),
      { numRuns: 100 },
    )
  })
})
