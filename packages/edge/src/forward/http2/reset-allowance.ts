/**
 * How many requests a client may give up: so many at once, and so many a second afterwards. Each one costs the edge and
 * an application what a whole request does, and the client nothing (CVE-2023-44487, "rapid reset").
 */
export class ResetAllowance {
  readonly #burst: number
  readonly #perSecond: number
  #left: number
  #atMs: number

  constructor(burst: number, perSecond: number, nowMs: number) {
    this.#burst = burst
    this.#perSecond = perSecond
    this.#left = burst
    this.#atMs = nowMs
  }

  /** One was given up. @returns false if that is one too many */
  spend(nowMs: number): boolean {
    const earned = ((nowMs - this.#atMs) / 1_000) * this.#perSecond
    this.#left = Math.min(this.#burst, this.#left + earned)
    this.#atMs = nowMs
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
