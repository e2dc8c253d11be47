import { isBrxyError } from '@brxy/protocol'
import { parseAddress } from './address.ts'

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
  /** Makes the outside world what it was. */
  rollback(): Promise<void>
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
   * Opens what is new among these addresses and keeps the rest; commit() closes what is not among them. An address that
   * is taken by one of those (`:8080` by `127.0.0.1:8080`) takes its place: for a moment nobody listens there. With an
   * error nothing has changed.
   *
   * @throws what `open` throws
   */
  async change(binds: readonly string[]): Promise<Change> {
    const next = new Map<string, Bound | null>()
    for (const [at, bind] of binds.entries()) {
      // Two of `127.0.0.1:0` are two ports.
      const key = next.has(bind) ? `${bind} ${at}` : bind
      next.set(key, this.#bound.get(key) ?? null)
    }
    const leaving = new Map([...this.#bound].filter(([key]) => !next.has(key)))
    const opened: Bound[] = []
    const evicted: string[] = []
    const rollback = async () => {
      for (const bound of opened) bound.close()
      for (const bind of evicted) this.#bound.set(bind, await this.#open(bind))
    }
    try {
      for (const [key, kept] of next) {
        if (kept !== null) continue
        const bind = key.split(' ', 1)[0]
        const bound = await this.#open(bind).catch((error) => {
          const inTheWay = isTaken(error)
            ? [...leaving].find(([old]) => portOf(old) === portOf(bind))
            : undefined
          if (inTheWay === undefined) throw error
          const [old, taken] = inTheWay
          taken.close()
          leaving.delete(old)
          evicted.push(old)
          return this.#open(bind)
        })
        opened.push(bound)
        next.set(key, bound)
      }
    } catch (error) {
      await rollback()
      throw error
    }
    const commit = () => {
      for (const bound of leaving.values()) bound.close()
      this.#bound = next as Map<string, Bound>
    }
    return { commit, rollback }
  }

  close(): void {
    for (const bound of this.#bound.values()) bound.close()
    this.#bound.clear()
  }
}

function isTaken(error: unknown): boolean {
  return isBrxyError(error) && error.code === 'edge/address-in-use'
}

function portOf(bind: string): number {
  return parseAddress(bind.split(' ', 1)[0]).port
}
