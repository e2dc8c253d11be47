import type { JournalEntry } from './journal.ts'

/** Records of ended launches kept of each app. */
export const MAX_ENDED = 1_000
/** How long the record of an ended launch is kept. */
export const ENDED_KEPT_MS = 600_000
/** Ended launches of each app whose output is kept as well. */
export const MAX_ENDED_OUTPUTS = 20
/** Ids of each app remembered as spent, with or without a record. */
export const MAX_SPENT = 10_000

/** What is remembered of launches that are over, so that none is started twice. Bounded by time and by number. */
export class EndedLaunches {
  /** In the order in which they ended. */
  readonly #entries = new Map<string, JournalEntry>()
  readonly #outputs = new Map<string, readonly string[]>()
  readonly #spent = new Set<string>()

  /** Remembers an ended launch and the end of its output. */
  add(entry: JournalEntry, output: readonly string[]): void {
    this.spend(entry.launch)
    this.#entries.set(entry.launch, entry)
    if (output.length === 0) return
    this.#outputs.set(entry.launch, output)
    if (this.#outputs.size > MAX_ENDED_OUTPUTS) this.#outputs.delete(first(this.#outputs))
  }

  /** Marks an id as one that must not be started, without a record. */
  spend(launch: string): void {
    this.#spent.delete(launch)
    this.#spent.add(launch)
    if (this.#spent.size > MAX_SPENT) this.#spent.delete(first(this.#spent))
  }

  /** Whether a launch was started before, or must not be. */
  isSpent(launch: string): boolean {
    return this.#spent.has(launch)
  }

  get(launch: string): JournalEntry | undefined {
    return this.#entries.get(launch)
  }

  output(launch: string): readonly string[] {
    return this.#outputs.get(launch) ?? []
  }

  /** Drops a record; the id stays spent. */
  delete(launch: string): void {
    this.#entries.delete(launch)
    this.#outputs.delete(launch)
  }

  /** Drops the records that are too old or too many, and returns their ids. */
  prune(nowMs: number): string[] {
    const dropped: string[] = []
    for (const { launch, since } of this.#entries.values()) {
      if (nowMs - since < ENDED_KEPT_MS && this.#entries.size <= MAX_ENDED) continue
      this.delete(launch)
      dropped.push(launch)
    }
    return dropped
  }

  values(): IterableIterator<JournalEntry> {
    return this.#entries.values()
  }
}

function first(keys: { keys(): IterableIterator<string> }): string {
  return keys.keys().next().value as string
}
