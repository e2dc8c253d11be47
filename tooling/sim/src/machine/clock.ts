/** 2026-01-01: wall clocks begin there, so that tokens have dates that make sense. */
const EPOCH_MS = 1_767_225_600_000
/** Processes start at different readings of the monotonic clock, as machines with different uptimes do. */
const UPTIME_MS = 10_000

/**
 * The clocks of one process, as functions of the world's time: a monotonic one that runs a little fast or slow, and one on
 * the wall that somebody may set.
 */
export class Clock {
  readonly #rate: number
  #wallOffsetMs = 0

  /** @param rate milliseconds that it shows for one of the world's; 1.0005 is a bad quartz */
  constructor(rate: number) {
    this.#rate = rate
  }

  /** `performance.now()` at a time of the world. */
  monotonic(worldMs: number): number {
    return UPTIME_MS + worldMs * this.#rate
  }

  /** `Date.now()`. */
  wall(worldMs: number): number {
    return Math.floor(EPOCH_MS + this.#wallOffsetMs + worldMs * this.#rate)
  }

  /** How long the world takes for a duration that this clock measures. */
  toWorld(durationMs: number): number {
    return durationMs / this.#rate
  }

  /** Somebody sets the clock on the wall. */
  jump(byMs: number): void {
    this.#wallOffsetMs += byMs
  }
}
