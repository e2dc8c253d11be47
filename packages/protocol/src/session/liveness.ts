/** What tick() asks of the session. */
export const ALIVE = 0
export const SEND_PING = 1
export const DEAD = 2
export type LivenessVerdict = typeof ALIVE | typeof SEND_PING | typeof DEAD

export interface LivenessOptions {
  /** Silence after which a PING is sent; each further one without a byte counts as a miss. */
  readonly pingMs: number
  /** A tick later than its deadline by more than this gives no verdict (the process itself was stopped). */
  readonly lateMs: number
  /** Silence after an OPEN before a PING is sent; 0 turns the check off. */
  readonly openSilenceMs: number
  /** Silence after that PING before the session is suspect. */
  readonly suspectMs: number
}

const MISSES = 2

/**
 * Whether the peer is alive (brxy.v1 rule 7; DESIGN "a half-open tunnel"). Any byte counts as life.
 *
 *     silent pingMs -> PING -> silent pingMs -> PING (1 miss) -> silent pingMs -> DEAD (2 misses)
 *     OPEN, silent openSilenceMs -> PING -> silent suspectMs -> suspect until a byte comes
 */
export class Liveness {
  readonly #options: LivenessOptions
  readonly #random: () => number
  #deadlineMs: number
  #intervalMs = 0
  #misses = -1
  /** When the oldest OPEN left that was followed by silence; -1 for none. */
  #openAtMs = -1
  #openPinged = false
  suspect = false

  constructor(options: LivenessOptions, random: () => number, nowMs: number) {
    this.#options = options
    this.#random = random
    this.#deadlineMs = nowMs + this.#newInterval()
  }

  /** A byte came in. @returns whether the session was suspect until now. */
  heard(nowMs: number): boolean {
    this.#misses = -1
    this.#openAtMs = -1
    this.#openPinged = false
    this.#deadlineMs = nowMs + this.#intervalMs
    const was = this.suspect
    this.suspect = false
    return was
  }

  /** An OPEN left for the transport. */
  opened(nowMs: number): void {
    if (this.#openAtMs < 0 && this.#options.openSilenceMs > 0) this.#openAtMs = nowMs
  }

  nextDeadline(): number {
    return Math.min(this.#deadlineMs, this.#openDeadline())
  }

  tick(nowMs: number): LivenessVerdict {
    const deadline = this.nextDeadline()
    if (nowMs < deadline) return ALIVE
    if (nowMs - deadline > this.#options.lateMs) {
      // Our own timer was late: bytes may be waiting in the sockets. Ask again after they were read.
      this.#deadlineMs = Math.max(this.#deadlineMs, nowMs + this.#options.lateMs)
      if (this.#openAtMs >= 0) this.#openAtMs = nowMs
      return ALIVE
    }
    if (nowMs >= this.#deadlineMs) {
      this.#misses++
      if (this.#misses >= MISSES) return DEAD
      this.#deadlineMs = nowMs + this.#newInterval()
      return SEND_PING
    }
    if (!this.#openPinged) {
      this.#openPinged = true
      return SEND_PING
    }
    this.suspect = true
    return ALIVE
  }

  #openDeadline(): number {
    if (this.#openAtMs < 0 || this.suspect) return Number.POSITIVE_INFINITY
    const { openSilenceMs, suspectMs } = this.#options
    return this.#openAtMs + openSilenceMs + (this.#openPinged ? suspectMs : 0)
  }

  /** Up to a tenth shorter at random, so that the pings of many sessions do not fall together. */
  #newInterval(): number {
    this.#intervalMs = this.#options.pingMs * (1 - 0.1 * this.#random())
    return this.#intervalMs
  }
}
