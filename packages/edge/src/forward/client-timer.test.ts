import { TimerWheel } from '@brxy/protocol/transport'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { edgeOptions } from '../settings.ts'
import { ClientTimer } from './client-timer.ts'

let wheel: TimerWheel
let timer: ClientTimer
let calls: number[]
let stoppedMs: number

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  stoppedMs = 0
  wheel = new TimerWheel(20, () => performance.now() + stoppedMs)
  calls = []
  timer = new ClientTimer({ wheel, options: edgeOptions({}) }, (nowMs) => calls.push(nowMs))
})

afterEach(() => {
  wheel.close()
  vi.useRealTimers()
})

describe('ClientTimer', () => {
  it('calls once, at the time that was said last, later or earlier than before', () => {
    timer.wakeAt(1_000)
    timer.wakeAt(5_000)
    vi.advanceTimersByTime(4_900)
    expect(calls).toEqual([])
    vi.advanceTimersByTime(60_000)
    expect(calls).toHaveLength(1)
    expect(calls[0] - 5_000).toBeLessThan(100)
    timer.wakeAt(wheel.now() + 5_000)
    timer.wakeAt(wheel.now() + 1_000)
    vi.advanceTimersByTime(1_100)
    expect(calls).toHaveLength(2)
    vi.advanceTimersByTime(60_000)
    expect(calls).toHaveLength(2)
  })

  it('moves nothing in the wheel when it is to be later, and leaves it when nothing is waited for', () => {
    const set = vi.spyOn(wheel, 'set')
    for (let atMs = 1_000; atMs < 50_000; atMs += 10) timer.wakeAt(atMs)
    timer.wakeAt(Number.POSITIVE_INFINITY)
    expect(set).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(100_000)
    expect(calls).toEqual([])
    expect(wheel.size).toBe(0)
  })

  it('waits for a head from its first byte on, however it trickles in', () => {
    timer.awaitRequest()
    vi.advanceTimersByTime(50_000)
    timer.awaitHead()
    expect(timer.awaitsHead).toBe(true)
    for (let ms = 0; ms < 9_000; ms += 1_000) {
      vi.advanceTimersByTime(1_000)
      timer.awaitHead()
    }
    expect(calls).toEqual([])
    vi.advanceTimersByTime(1_100)
    expect(calls).toHaveLength(1)
  })

  it('gives no verdict when it comes late itself: it asks again when what came meanwhile has been read', () => {
    timer.wakeAt(10_000)
    vi.advanceTimersByTime(9_900)
    // The process is stopped; when it goes on, timers run before sockets are read.
    stoppedMs = 60_000
    vi.advanceTimersByTime(1_000)
    expect(calls).toEqual([])
    vi.advanceTimersByTime(200)
    expect(calls).toHaveLength(1)
  })
})
