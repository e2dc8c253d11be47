/** How fast a request body has to come; options of its app. */
export interface PaceBounds {
  /** A client that sends nothing for so long is given up; 0: never. */
  readonly bodyIdleMs: number
  /** Bytes a second that a client must send in the long run; 0: any. */
  readonly bodyRateBytes: number
}

/**
 * Whether a request body comes fast enough. A client has `bodyIdleMs` of patience at its credit. Time in which more of the
 * body is wanted uses it up, each byte gives a part of it back (`bodyRateBytes` of them a second), and it is never more
 * than it was at first. So silence is given up after `bodyIdleMs`, a trickle soon after that, and a fast upload earns no
 * right to stall for longer. Without a rate, any byte gives back all of it.
 *
 * A state machine: the time comes in as an argument, and no timer is moved when bytes come.
 */
export class UploadPace {
  readonly #bounds: PaceBounds
  /** When the credit is used up, if nothing comes; Infinity while nothing is wanted. */
  #dueMs = Number.POSITIVE_INFINITY
  /** What is left of the credit while nothing is wanted. */
  #creditMs: number

  /** Nothing is wanted yet. */
  constructor(bounds: PaceBounds) {
    this.#bounds = bounds
    this.#creditMs = bounds.bodyIdleMs === 0 ? Number.POSITIVE_INFINITY : bounds.bodyIdleMs
  }

  /** When the client is to be given up, unless more comes before. */
  get dueMs(): number {
    return this.#dueMs
  }

  /** More of the body is wanted from now on. */
  start(nowMs: number): void {
    if (this.#dueMs === Number.POSITIVE_INFINITY) this.#dueMs = nowMs + this.#creditMs
  }

  /** The client is kept from sending, or has nothing more to send: its time stands still. */
  stop(nowMs: number): void {
    if (this.#dueMs === Number.POSITIVE_INFINITY) return
    this.#creditMs = this.#dueMs - nowMs
    this.#dueMs = Number.POSITIVE_INFINITY
  }

  /** Bytes of the body came. Those that come while nothing is wanted were on their way, and count as well. */
  received(bytes: number, nowMs: number): void {
    const { bodyIdleMs, bodyRateBytes } = this.#bounds
    const earnedMs = bodyRateBytes === 0 ? bodyIdleMs : (bytes * 1000) / bodyRateBytes
    if (this.#dueMs === Number.POSITIVE_INFINITY) {
      if (bodyIdleMs > 0) this.#creditMs = Math.min(bodyIdleMs, this.#creditMs + earnedMs)
    } else {
      this.#dueMs = Math.min(nowMs + bodyIdleMs, this.#dueMs + earnedMs)
    }
  }
}
