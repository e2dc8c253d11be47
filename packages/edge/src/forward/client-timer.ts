import { type TimerWheel, WheelTimer } from '@brxy/protocol/transport'
import type { EdgeOptions } from '../options.ts'

/**
 * A timer that comes later than this gives no verdict: the process itself was stopped, or busy, and what the client has
 * sent and taken meanwhile is not known yet.
 */
const LATE_MS = 1_000

/** What decides how long is waited; a reload may change it. */
export interface TimerLimits {
  readonly options: EdgeOptions
  readonly wheel: TimerWheel
}

/**
 * The one timer of a client connection: that of what is waited for, the next request, the rest of a head, or what its
 * exchange waits for. What is waited for moves with every request and every chunk, and the entry in the wheel only when
 * it has to be earlier: if it comes too early it is set anew.
 */
export class ClientTimer {
  readonly #limits: TimerLimits
  readonly #timer: WheelTimer
  readonly #onTimeout: (nowMs: number) => void
  #dueMs = Number.POSITIVE_INFINITY
  #awaitsHead = false

  constructor(limits: TimerLimits, onTimeout: (nowMs: number) => void) {
    this.#limits = limits
    this.#onTimeout = onTimeout
    this.#timer = new WheelTimer((nowMs) => this.#onDue(nowMs))
  }

  /** Whether it is that of a head that has begun. */
  get awaitsHead(): boolean {
    return this.#awaitsHead
  }

  awaitRequest(): void {
    const { wheel, options } = this.#limits
    this.wakeAt(wheel.now() + options.timeouts.keepAliveMs)
  }

  awaitHead(): void {
    // Set once, at the first byte: a head that trickles in does not extend it.
    if (this.#awaitsHead) return
    const { wheel, options } = this.#limits
    this.wakeAt(wheel.now() + options.timeouts.headMs)
    this.#awaitsHead = true
  }

  /** Calls back at that time and no other; Infinity: not at all. */
  wakeAt(dueMs: number): void {
    this.#awaitsHead = false
    this.#dueMs = dueMs
    if (dueMs < this.#timer.atMs) this.#limits.wheel.set(this.#timer, dueMs)
  }

  /** Nothing is waited for any more. */
  clear(): void {
    this.#awaitsHead = false
    this.#dueMs = Number.POSITIVE_INFINITY
    this.#limits.wheel.clear(this.#timer)
  }

  #onDue(nowMs: number): void {
    if (nowMs < this.#dueMs) {
      this.#limits.wheel.set(this.#timer, this.#dueMs)
      return
    }
    if (nowMs - this.#dueMs > LATE_MS) {
      this.#dueMs = nowMs + LATE_MS
      this.#limits.wheel.set(this.#timer, this.#dueMs)
      return
    }
    this.#dueMs = Number.POSITIVE_INFINITY
    this.#onTimeout(nowMs)
  }
}
