import type { Instance, Problem } from '@brxy/scaler'

/** Refused launches of each app that are remembered, and for how long. */
export const MAX_REFUSED = 1_000
export const REFUSED_KEPT_MS = 600_000
/** Ids of each app remembered as spent. */
export const MAX_SPENT = 10_000

/**
 * What the platform does not remember: launches that it refused, of which there is no object, and the ids that must not
 * be started again although their objects are gone. Bounded.
 */
export class Refused {
  readonly #instances = new Map<string, Instance>()
  readonly #spent = new Set<string>()

  /** @param name what its object would have been called */
  add(launch: string, name: string, problem: Problem, nowMs: number): void {
    this.#instances.set(launch, { id: name, launch, state: 'ended', since: nowMs, problem })
    if (this.#instances.size > MAX_REFUSED) this.#instances.delete(first(this.#instances))
  }

  /** It need not be told of any more. */
  delete(launch: string): void {
    this.#instances.delete(launch)
  }

  /** An object of it has existed, or was refused. */
  spend(launch: string): void {
    this.#spent.delete(launch)
    this.#spent.add(launch)
    if (this.#spent.size > MAX_SPENT) this.#spent.delete(first(this.#spent))
  }

  isSpent(launch: string): boolean {
    return this.#spent.has(launch)
  }

  /** Those that were refused lately. */
  instances(nowMs: number): Instance[] {
    for (const [launch, { since }] of this.#instances)
      if (nowMs - since >= REFUSED_KEPT_MS) this.#instances.delete(launch)
    return [...this.#instances.values()]
  }
}

function first(keys: { keys(): IterableIterator<string> }): string {
  return keys.keys().next().value as string
}
