/** Doubling pauses after failed starts. While one lasts nothing is launched. */
export class Backoff {
  #minMs: number
  #maxMs: number
  #failures = 0
  #untilMs = Number.NEGATIVE_INFINITY

  constructor(minMs: number, maxMs: number) {
    this.#minMs = minMs
    this.#maxMs = maxMs
  }

  /** Other bounds, from the next failure on. */
  configure(minMs: number, maxMs: number): void {
    this.#minMs = minMs
    this.#maxMs = maxMs
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures
  }

  /** End of the pause, or of the last one. */
  get untilMs(): number {
    return this.#untilMs
  }

  /** Whether a pause lasts. */
  isClosed(nowMs: number): boolean {
    return this.#failures > 0 && nowMs < this.#untilMs
  }

  remainingMs(nowMs: number): number {
    return this.isClosed(nowMs) ? this.#untilMs - nowMs : 0
  }

  /** Failures that fall into a pause (a burst of launches that all fail) lengthen nothing. */
  failed(nowMs: number): void {
    if (this.isClosed(nowMs)) return
    this.#failures++
    this.#untilMs = nowMs + Math.min(this.#maxMs, this.#minMs * 2 ** (this.#failures - 1))
  }

  succeeded(): void {
    this.#failures = 0
  }
}
