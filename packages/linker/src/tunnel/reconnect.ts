export interface ReconnectOptions {
  readonly minMs: number
  readonly maxMs: number
  /** A session that lasted this long resets the pause. */
  readonly resetMs: number
  /** While an application runs pauses stay this short ... */
  readonly runningMaxMs: number
  /** ... for so long after the edge was lost: it may be restarting. */
  readonly runningForMs: number
}

export const DEFAULT_RECONNECT: ReconnectOptions = {
  minMs: 10,
  maxMs: 30_000,
  resetMs: 5_000,
  runningMaxMs: 5_000,
  runningForMs: 600_000,
}

/**
 * When to dial again (brxy.v1 rule 9): doubling pauses, of which 50 to 100 % at random; the first redial after a
 * session is spread uniformly over what WELCOME said. A pure state machine.
 */
export class Reconnect {
  readonly #options: ReconnectOptions
  readonly #random: () => number
  #pauseMs: number
  /** -1 while there is no session. */
  #connectedAtMs = -1
  /** When the edge was lost; -1 before. */
  #lostAtMs = -1
  #spreadMs = 0

  /** @param random 0 <= random() < 1 */
  constructor(options: ReconnectOptions, random: () => number) {
    this.#options = options
    this.#random = random
    this.#pauseMs = options.minMs
  }

  /** A session is up. @param spreadMs what its WELCOME said. */
  connected(nowMs: number, spreadMs: number): void {
    this.#connectedAtMs = nowMs
    this.#spreadMs = spreadMs
    this.#lostAtMs = -1
  }

  /** A session or an attempt ended. @returns how long to wait before the next dial. */
  lost(nowMs: number, isAppRunning: boolean): number {
    const { minMs, maxMs, resetMs, runningMaxMs, runningForMs } = this.#options
    if (this.#lostAtMs < 0) this.#lostAtMs = nowMs
    let spreadMs = 0
    if (this.#connectedAtMs >= 0) {
      // A session that ended soon has not proved anything: an edge that accepts and hangs up is not dialled in a loop.
      if (nowMs - this.#connectedAtMs >= resetMs) this.#pauseMs = minMs
      this.#connectedAtMs = -1
      spreadMs = this.#random() * this.#spreadMs
    }
    const isCapped = isAppRunning && nowMs - this.#lostAtMs < runningForMs
    const pauseMs = Math.min(this.#pauseMs, isCapped ? runningMaxMs : maxMs)
    this.#pauseMs = Math.min(pauseMs * 2, maxMs)
    return Math.max(this.#jittered(pauseMs), spreadMs)
  }

  /** The edge refuses this linker: only a person can change that. @returns how long to wait. */
  refused(): number {
    this.#connectedAtMs = -1
    this.#pauseMs = this.#options.maxMs
    return this.#jittered(this.#pauseMs)
  }

  #jittered(pauseMs: number): number {
    return pauseMs * (0.5 + 0.5 * this.#random())
  }
}
