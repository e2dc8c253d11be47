import { isBrxyError } from '@brxy/protocol'
import { parseAddress } from './address.ts'

/** An open port. */
export interface Bound<U = void> {
  /** The address it got. */
  readonly address: string
  /** What is accepted from now on is for this. Cannot fail. */
  use?(use: U): void
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

/** What was asked for, and the port that is open for it. */
interface Listener<U> {
  readonly bind: string
  readonly use: U
  readonly bound: Bound<U>
}

/** The open ports for one purpose, by the address that was asked for. `U` is what may be different from port to port. */
export class Listeners<U = void> {
  readonly #open: (bind: string, use: U) => Promise<Bound<U>>
  #listeners = new Map<string, Listener<U>>()

  /** @param open listens at an address; it throws if it cannot. */
  constructor(open: (bind: string, use: U) => Promise<Bound<U>>) {
    this.#open = open
  }

  /** In the order in which they were asked for. */
  get addresses(): readonly string[] {
    return [...this.#listeners.values()].map(({ bound }) => bound.address)
  }

  /**
   * Opens what is new among these addresses and keeps the rest; commit() closes what is not among them, and tells those
   * that stay what they are for now. An address that is taken by one of those that go (`:8080` by `127.0.0.1:8080`) takes
   * its place: for a moment nobody listens there. With an error nothing has changed.
   *
   * @param uses what each address is for
   * @throws what `open` throws
   */
  async change(binds: readonly string[], uses: readonly U[] = []): Promise<Change> {
    const wanted = new Map<string, { readonly bind: string; readonly use: U }>()
    for (const [at, bind] of binds.entries()) {
      // Two of `127.0.0.1:0` are two ports.
      wanted.set(wanted.has(bind) ? `${bind} ${at}` : bind, { bind, use: uses[at] })
    }
    const leaving = new Map([...this.#listeners].filter(([key]) => !wanted.has(key)))
    const next = new Map<string, Listener<U>>()
    const opened: Bound<U>[] = []
    const evicted: [string, Listener<U>][] = []
    const rollback = async () => {
      for (const bound of opened) bound.close()
      for (const [key, { bind, use }] of evicted)
        this.#listeners.set(key, { bind, use, bound: await this.#open(bind, use) })
    }
    try {
      for (const [key, { bind, use }] of wanted) {
        let bound = this.#listeners.get(key)?.bound
        if (bound === undefined) {
          bound = await this.#open(bind, use).catch((error) => {
            const inTheWay = isTaken(error)
              ? [...leaving].find(([, old]) => portOf(old.bound.address) === portOf(bind))
              : undefined
            if (inTheWay === undefined) throw error
            inTheWay[1].bound.close()
            leaving.delete(inTheWay[0])
            evicted.push(inTheWay)
            return this.#open(bind, use)
          })
          opened.push(bound)
        }
        next.set(key, { bind, use, bound })
      }
    } catch (error) {
      await rollback()
      throw error
    }
    const commit = () => {
      for (const { bound } of leaving.values()) bound.close()
      for (const { bound, use } of next.values()) bound.use?.(use)
      this.#listeners = next
    }
    return { commit, rollback }
  }

  close(): void {
    for (const { bound } of this.#listeners.values()) bound.close()
    this.#listeners.clear()
  }
}

function isTaken(error: unknown): boolean {
  return isBrxyError(error) && error.code === 'edge/address-in-use'
}

function portOf(address: string): number {
  return parseAddress(address).port
}
