import type { KeepWarm } from './keep-warm.ts'

/** How long the calendar is believed: the clock on the wall may be set. */
const LOOK_MS = 30_000

/** What the calendar says about one app, asked only when it may have something new to say. */
export class WarmMin {
  readonly #keepWarm: KeepWarm | null
  readonly #epochMs: () => number
  #min = 0
  #untilMs = Number.NEGATIVE_INFINITY

  /** @param keepWarm null: no window ever opens. @param epochMs the time on the wall */
  constructor(keepWarm: KeepWarm | null, epochMs: () => number) {
    this.#keepWarm = keepWarm
    this.#epochMs = epochMs
    if (keepWarm === null) this.#untilMs = Number.POSITIVE_INFINITY
  }

  /** Until when, on the monotonic clock, at() says the same. */
  get untilMs(): number {
    return this.#untilMs
  }

  /** Instances to keep now. @param nowMs monotonic */
  at(nowMs: number): number {
    if (this.#keepWarm === null || nowMs < this.#untilMs) return this.#min
    const epochMs = this.#epochMs()
    this.#min = this.#keepWarm.minAt(epochMs)
    this.#untilMs = nowMs + Math.min(LOOK_MS, Math.max(1, this.#keepWarm.nextChange(epochMs) - epochMs))
    return this.#min
  }
}
