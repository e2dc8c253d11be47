const NEVER = Number.POSITIVE_INFINITY

/**
 * Somebody wants this instance replaced: by whom a successor may still be started. An edge whose session ends before
 * it has answered is asked again when it is back. A pure state machine.
 */
export class Replacement<E> {
  readonly #withinMs: number
  #isWanted = false
  #deadlineMs = NEVER
  /** Edges that may say GO. */
  readonly #awaited = new Set<E>()
  /** Edges that said STAY. */
  readonly #declined = new Set<E>()

  /** @param withinMs an instance without a successor by then stays */
  constructor(withinMs: number) {
    this.#withinMs = withinMs
  }

  get isWanted(): boolean {
    return this.#isWanted
  }

  /** When it is given up; Infinity while it is not wanted, or nobody could be asked yet. */
  get deadlineMs(): number {
    return this.#deadlineMs
  }

  want(): void {
    this.#isWanted = true
  }

  /** From now on edges can be asked. */
  begin(nowMs: number): void {
    if (this.#isWanted && this.#deadlineMs === NEVER) this.#deadlineMs = nowMs + this.#withinMs
  }

  /** Whether this edge is to be asked; from then on it is waited for. */
  awaits(edge: E): boolean {
    if (!this.#isWanted || this.#declined.has(edge)) return false
    this.#awaited.add(edge)
    return true
  }

  /** The edge starts no successor. @returns whether none is left that could: the instance stays */
  declined(edge: E): boolean {
    if (!this.#isWanted) return false
    this.#awaited.delete(edge)
    this.#declined.add(edge)
    if (this.#awaited.size > 0) return false
    this.end()
    return true
  }

  /** It is not wanted any more. */
  end(): void {
    this.#isWanted = false
    this.#deadlineMs = NEVER
    this.#awaited.clear()
    this.#declined.clear()
  }
}
