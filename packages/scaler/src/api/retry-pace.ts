/** From the beginning of one attempt to that of the next, doubling while they come to nothing. */
const MIN_MS = 1_000
const MAX_MS = 30_000

/**
 * When something that ends is begun again: a stream, a helper process. Measured between beginnings, so what has lasted is
 * begun again at once, and what ends at once is never begun again and again. Knows no clock.
 */
export class RetryPace {
  #nextMs = Number.NEGATIVE_INFINITY
  #beganMs = Number.NEGATIVE_INFINITY
  #pauseMs = MIN_MS

  /** An attempt begins. */
  begun(nowMs: number): void {
    this.#beganMs = nowMs
    this.#nextMs = nowMs + this.#pauseMs
    this.#pauseMs = Math.min(this.#pauseMs * 2, MAX_MS)
  }

  /** The attempt under way has come to something. */
  succeeded(): void {
    this.#nextMs = this.#beganMs + MIN_MS
    this.#pauseMs = MIN_MS
  }

  /** How long the next attempt has to wait; 0: it may begin. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#nextMs - nowMs)
  }
}
