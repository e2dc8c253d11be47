import { type TimerWheel, WheelTimer } from '@brxy/protocol/transport'
import type { EdgeOptions } from '../options.ts'

/** Beyond `heldBodyBytes` the body of a held request is read on so slowly, up to so many times as much. */
const HELD_BYTES_PER_MS = 16
const HELD_FACTOR = 4

/** What decides how long is waited; a reload may change it. */
export interface TimerLimits {
  readonly options: EdgeOptions
  readonly wheel: TimerWheel
}

/**
 * The one timer of a client connection: that of what is waited for, the next request, the rest of a head, a moment to
 * read on from a held request, or the response head.
 */
export class ClientTimer {
  readonly #limits: TimerLimits
  readonly #timer: WheelTimer
  #awaitsHead = false

  constructor(limits: TimerLimits, onTimeout: () => void) {
    this.#limits = limits
    this.#timer = new WheelTimer(onTimeout)
  }

  /** Whether it is that of a head that has begun. */
  get awaitsHead(): boolean {
    return this.#awaitsHead
  }

  awaitRequest(): void {
    this.#set(this.#limits.options.timeouts.keepAliveMs)
  }

  awaitHead(): void {
    // Set once, at the first byte: a head that trickles in does not extend it.
    if (this.#awaitsHead) return
    this.#set(this.#limits.options.timeouts.headMs)
    this.#awaitsHead = true
  }

  /**
   * The request waits for a grant, with so much of its body buffered. Beyond a bound it is read slowly, for Node says
   * nothing of a client that has gone while its socket is not read; and then not at all.
   * @returns whether reading has to pause; it goes on when the timer says so
   */
  awaitGrant(bufferedBytes: number, lastReadBytes: number): boolean {
    const { heldBodyBytes } = this.#limits.options.limits
    this.clear()
    if (bufferedBytes < heldBodyBytes) return false
    if (bufferedBytes < heldBodyBytes * HELD_FACTOR) this.#set(lastReadBytes / HELD_BYTES_PER_MS)
    return true
  }

  /** The request, or more of its body, was given away: from now on the application is waited for. */
  awaitResponse(responseMs: number): void {
    this.#set(responseMs)
  }

  clear(): void {
    this.#awaitsHead = false
    this.#limits.wheel.clear(this.#timer)
  }

  #set(ms: number): void {
    this.#awaitsHead = false
    this.#limits.wheel.set(this.#timer, this.#limits.wheel.now() + ms)
  }
}
