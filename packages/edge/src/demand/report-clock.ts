/** Changes within this time are one report. */
const MIN_MS = 100
/** Without a change it is said again that all is as it was. */
const EVERY_MS = 1_000

/** When to report, one report at a time; and whether reports arrive. A pure state machine. */
export class ReportClock {
  #sentMs = Number.NEGATIVE_INFINITY
  #hasChanged = true
  #isOut = false
  /** Since when reports fail; -1 while they arrive. */
  #failingSinceMs = -1

  /** What there is to report has changed. */
  changed(): void {
    this.#hasChanged = true
  }

  /** When to report next; Infinity while one is under way. */
  nextDeadline(): number {
    if (this.#isOut) return Number.POSITIVE_INFINITY
    const isPrompt = this.#hasChanged && this.#failingSinceMs < 0
    return this.#sentMs + (isPrompt ? MIN_MS : EVERY_MS)
  }

  sent(nowMs: number): void {
    this.#isOut = true
    this.#hasChanged = false
    this.#sentMs = nowMs
  }

  /** @returns what is worth telling people: the first failure, and the first success after it */
  answered(isReceived: boolean, nowMs: number): 'lost' | 'back' | null {
    this.#isOut = false
    const wasFailing = this.#failingSinceMs >= 0
    if (isReceived) {
      this.#failingSinceMs = -1
      return wasFailing ? 'back' : null
    }
    if (!wasFailing) this.#failingSinceMs = nowMs
    return wasFailing ? null : 'lost'
  }

  /** For how long reports have failed; null while they arrive. */
  failingMs(nowMs: number): number | null {
    return this.#failingSinceMs < 0 ? null : nowMs - this.#failingSinceMs
  }
}
