import type { Instance } from '@brxy/scaler'

/** A removal is asked for again, as long as the platform lists the instance, after this time. */
const REPEAT_MS = 5_000

/** What the platform has of an app and must not have: each target names them until they are listed no more. */
export class Removals {
  readonly #byId = new Map<string, Instance>()
  #repeatMs = Number.POSITIVE_INFINITY

  get size(): number {
    return this.#byId.size
  }

  has(id: string): boolean {
    return this.#byId.has(id)
  }

  list(): Instance[] {
    return [...this.#byId.values()]
  }

  /** What is to be removed of a linker. @param launch its launch @param platform the platform's name for it */
  of(launch: string, platform: string | null): Instance | null {
    for (const each of this.#byId.values()) if (each.launch === launch || each.id === platform) return each
    return null
  }

  /** @returns whether it was not among them yet, so that a call is wanted. */
  add(instance: Instance): boolean {
    if (this.#byId.has(instance.id)) return false
    this.#byId.set(instance.id, instance)
    return true
  }

  /** It may exist after all. */
  cancel(id: string): void {
    this.#byId.delete(id)
  }

  /** All that the platform has, by id: what is missing has been removed. */
  onListed(listed: ReadonlySet<string>): void {
    for (const id of this.#byId.keys()) if (!listed.has(id)) this.#byId.delete(id)
  }

  /** A call begins: nothing is repeated while it is out. */
  onCall(): void {
    this.#repeatMs = Number.POSITIVE_INFINITY
  }

  onCallEnded(nowMs: number): void {
    this.#repeatMs = nowMs + REPEAT_MS
  }

  /** When to call again for those that are still there. */
  nextDeadline(): number {
    return this.#byId.size === 0 ? Number.POSITIVE_INFINITY : this.#repeatMs
  }
}
