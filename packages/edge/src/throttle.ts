/**
 * Lets one thing through in so many milliseconds and counts the others, so that what strangers can cause does not flood
 * the log.
 */
export class Throttle {
  readonly #everyMs: number
  #nextMs = Number.NEGATIVE_INFINITY
  #leftOut = 0

  /** @param everyMs for one */
  constructor(everyMs: number) {
    this.#everyMs = everyMs
  }

  /** @returns how many were left out since the last one that was let through; -1 if this one is left out too */
  pass(nowMs: number): number {
    if (nowMs < this.#nextMs) {
      this.#leftOut++
      return -1
    }
    const leftOut = this.#leftOut
    this.#nextMs = nowMs + this.#everyMs
    this.#leftOut = 0
    return leftOut
  }
}
