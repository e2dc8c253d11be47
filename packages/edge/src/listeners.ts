/** An open port. */
export interface Bound {
  /** The address it got. */
  readonly address: string
  /** Accepts no more. What was accepted goes on. */
  close(): void
}

/** A change that has happened to the outside world, and not yet to those who use it. */
export interface Change {
  /** Cannot fail. */
  commit(): void
  /** Closes what was opened for it. */
  rollback(): void
}

/** The open ports for one purpose, by the address that was asked for. */
export class Listeners {
  readonly #open: (bind: string) => Promise<Bound>
  #bound = new Map<string, Bound>()

  /** @param open listens at an address; it throws if it cannot. */
  constructor(open: (bind: string) => Promise<Bound>) {
    this.#open = open
  }

  /** In the order in which they were asked for. */
  get addresses(): readonly string[] {
    return [...this.#bound.values()].map(({ address }) => address)
  }

  /**
   * Opens what is new among these addresses and keeps the rest; commit() closes what is not among them. With an error
   * nothing has changed.
   *
   * @throws what `open` throws
   */
  async change(binds: readonly string[]): Promise<Change> {
    const next = new Map<string, Bound>()
    const opened: Bound[] = []
    const rollback = () => {
      for (const bound of opened) bound.close()
    }
    try {
      for (const [at, bind] of binds.entries()) {
        // Two of `127.0.0.1:0` are two ports.
        const key = next.has(bind) ? `${bind} ${at}` : bind
        let bound = this.#bound.get(key)
        if (bound === undefined) {
          bound = await this.#open(bind)
          opened.push(bound)
        }
        next.set(key, bound)
      }
    } catch (error) {
      rollback()
      throw error
    }
    const commit = () => {
      for (const [key, bound] of this.#bound) if (!next.has(key)) bound.close()
      this.#bound = next
    }
    return { commit, rollback }
  }

  close(): void {
    for (const bound of this.#bound.values()) bound.close()
    this.#bound.clear()
  }
}
