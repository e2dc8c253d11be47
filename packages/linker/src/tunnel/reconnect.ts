export interface ReconnectOptions {
  readonly minMs: number
  readonly maxMs: number
  /** A session that lasted this long resets the pause. */
  readonly resetMs: number
}

export const DEFAULT_RECONNECT: ReconnectOptions = { minMs: 10, maxMs: 30_000, resetMs: 5_000 }

/** While an application runs the pause stays this short for so long: its edge may be restarting. */
const RUNNING_CAP_MS = 5_000
const RUNNING_CAP_FOR_MS = 600_000

/**
 * When to dial again (brxy.v1 rule 9): doubling pauses, of which 50 to 100 % at random; the first redial after a
 * session is spread uniformly over what WELCOME said.
 */
export class Reconnect {
  readonly #options: ReconnectOptions
  readonly #random: () => number
  #pauseMs: number
  #connectedAtMs = -1
  #lostAtMs = -1
  #spreadMs = 0
  #redialSpread = false

  constructor(options: ReconnectOptions, random: () => number) {
    this.#options = options
    this.#random = random
    this.#pauseMs = options.minMs
  }

  connected(nowMs: number, spreadMs: number): void {
    this.#connectedAtMs = nowMs
    this.#spreadMs = spreadMs
    this.#lostAtMs = -1
  }

  /** A session or an attempt ended. @returns how long to wait before the next dial. */
  lost(nowMs: number, isAppRunning: boolean): number {
    const { minMs, maxMs, resetMs } = this.#options
    if (this.#lostAtMs < 0) this.#lostAtMs = nowMs
    if (this.#connectedAtMs >= 0) {
      if (nowMs - this.#connectedAtMs >= resetMs) this.#pauseMs = minMs
      this.#connectedAtMs = -1
      this.#redialSpread = true
    }
    if (this.#redialSpread) {
      this.#redialSpread = false
      return minMs + this.#random() * this.#spreadMs
    }
    const wait = this.#pauseMs * (0.5 + 0.5 * this.#random())
    const isCapped = isAppRunning && nowMs - this.#lostAtMs < RUNNING_CAP_FOR_MS
    this.#pauseMs = Math.min(this.#pauseMs * 2, isCapped ? RUNNING_CAP_MS : maxMs)
    return wait
  }

  /** The edge refused the token: only a person can change that. @returns how long to wait. */
  refused(): number {
    this.#pauseMs = this.#options.maxMs
    return this.#pauseMs * (0.5 + 0.5 * this.#random())
  }
}
