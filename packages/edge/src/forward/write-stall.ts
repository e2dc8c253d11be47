/** How often within its bound a stall is looked for: by so much of it the end of a client may come late. */
const LOOKS = 4

/**
 * Whether a client takes what is written for it. Nothing is counted when bytes are written: somebody looks now and then,
 * and a client that has taken nothing between looks as far apart as the bound is stuck.
 *
 * A state machine: the time, and a mark of how far the client has come, are arguments.
 */
export class WriteStall {
  #mark = 0
  /** Since when nothing was taken, as far as looks can tell; Infinity before the first. */
  #sinceMs = Number.POSITIVE_INFINITY

  /** Milliseconds until the next look; Infinity: none is needed. @param writeStallMs 0: no bound */
  static lookMs(writeStallMs: number): number {
    return writeStallMs === 0 ? Number.POSITIVE_INFINITY : writeStallMs / LOOKS
  }

  /**
   * @param mark another one whenever the client has taken something; 0: nothing waits for it
   * @returns whether something waits of which it has taken none since the last look
   */
  look(mark: number, nowMs: number): boolean {
    const isStill = mark !== 0 && mark === this.#mark
    this.#mark = mark
    if (!isStill) this.#sinceMs = nowMs
    return isStill
  }

  /** Whether, at the last look, it had taken nothing for so long. */
  isStuck(writeStallMs: number, nowMs: number): boolean {
    return writeStallMs > 0 && nowMs - this.#sinceMs >= writeStallMs
  }
}
