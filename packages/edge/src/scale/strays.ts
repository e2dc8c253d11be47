import type { Instance } from '@brxy/scaler'

/**
 * Launches that the platform lists after the first look, and that this edge does not know. What runs belongs to another edge
 * that shares the owner, or its linker is about to come here. But what has not even started may be of a call that outlived its
 * edge: the platform carried it out after the next edge had looked. Nobody would ever come for it, so it has the time of a
 * launch. Should it be another edge's after all, that has given it up by then, for both go by the same options.
 */
export class Strays {
  /** When each was seen first, by its id. */
  #sinceMs: ReadonlyMap<string, number> = new Map()

  /**
   * The platform was looked at.
   *
   * @param starting all that it lists, that are not running yet, and that nobody here knows
   * @param timeoutMs what each has to start in
   * @returns those of which the time is over
   */
  overdue(starting: readonly Instance[], timeoutMs: number, nowMs: number): Instance[] {
    const sinceMs = new Map(starting.map(({ id }) => [id, this.#sinceMs.get(id) ?? nowMs]))
    this.#sinceMs = sinceMs
    return starting.filter(({ id }) => nowMs - (sinceMs.get(id) ?? nowMs) >= timeoutMs)
  }
}
