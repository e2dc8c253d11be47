import type { Instance, Problem } from '@brxy/scaler'

/** Launch ids remembered of each app. */
export const MAX_REMEMBERED = 10_000

/**
 * What Nomad does not know of the launches of one app: which were refused and why, and which are being asked for just
 * now or were ended, so that none is ever started twice, not even when its record has been purged.
 */
export class Once {
  readonly #refused = new Map<string, { readonly since: number; readonly problem: Problem }>()
  readonly #running = new Map<string, Promise<void>>()
  readonly #ended = new Set<string>()

  /**
   * Starts a launch, unless its id was used before; joins an attempt that is under way.
   *
   * @param run resolves with the problem of one that was refused. If it rejects the same id may be tried again.
   */
  start(id: string, run: () => Promise<Problem | undefined>): Promise<void> {
    if (this.#refused.has(id) || this.#ended.has(id)) return Promise.resolve()
    const running = this.#running.get(id)
    if (running !== undefined) return running
    const started = run()
      .then((problem) => {
        if (problem !== undefined && !this.#ended.has(id))
          this.#refused.set(id, { since: Date.now(), problem })
      })
      .finally(() => this.#running.delete(id))
    this.#running.set(id, started)
    return started
  }

  /** Not to be started again, and not to be listed as refused. */
  end(id: string): void {
    this.#refused.delete(id)
    this.#ended.add(id)
    if (this.#ended.size <= MAX_REMEMBERED) return
    for (const oldest of this.#ended) {
      this.#ended.delete(oldest)
      return
    }
  }

  /** Those that Nomad has nothing of. */
  refusals(): Instance[] {
    return [...this.#refused].map(([launch, { since, problem }]) => ({
      id: launch,
      launch,
      state: 'ended',
      since,
      problem,
    }))
  }
}
