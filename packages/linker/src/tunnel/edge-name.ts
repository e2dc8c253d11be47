import { type TimerWheel, WheelTimer } from '@brxy/protocol/transport'
import { DEFAULT_RECONNECT, Reconnect } from './reconnect.ts'

/** All addresses of a name, A and AAAA, in the order to try them. Rejects if there are none. */
export type Lookup = (hostname: string) => Promise<readonly string[]>

/** A name is not waited for any longer, as a dial would not be. */
const LOOKUP_MS = 5_000

/** The machine's own resolver: files, DNS, whatever it is set up for. */
export const systemLookup: Lookup = async (hostname) => {
  // Loaded for real names only, of which most linkers have none; not by import(), which compiled code that was kept can't do.
  const { lookup } = process.getBuiltinModule('node:dns/promises')
  return (await lookup(hostname, { all: true, verbatim: true })).map(({ address }) => address)
}

export interface EdgeNameHandler {
  isAppRunning(): boolean
  onAddresses(ips: readonly string[]): void
  /** It goes on trying. */
  onFailed(message: string): void
}

/** Looks one name up, again and again: what it stands for may change while nobody dials. */
export class EdgeName {
  readonly #hostname: string
  readonly #lookup: Lookup
  readonly #wheel: TimerWheel
  readonly #refreshMs: number
  readonly #handler: EdgeNameHandler
  readonly #reconnect: Reconnect
  readonly #next = new WheelTimer(() => void this.look())
  #underWay: Promise<void> | null = null
  #isClosed = false
  /** It has been found once. */
  isKnown = false

  constructor(
    hostname: string,
    lookup: Lookup,
    wheel: TimerWheel,
    refreshMs: number,
    handler: EdgeNameHandler,
    random: () => number = Math.random,
  ) {
    this.#hostname = hostname
    this.#lookup = lookup
    this.#wheel = wheel
    this.#refreshMs = refreshMs
    this.#handler = handler
    this.#reconnect = new Reconnect(DEFAULT_RECONNECT, random)
  }

  /** Resolves when that is over and its handler has heard, or after LOOKUP_MS. Several callers share one lookup. */
  look(): Promise<void> {
    if (this.#isClosed) return Promise.resolve()
    this.#underWay ??= this.#look().finally(() => {
      this.#underWay = null
    })
    return this.#underWay
  }

  close(): void {
    this.#isClosed = true
    this.#wheel.clear(this.#next)
  }

  async #look(): Promise<void> {
    this.#wheel.clear(this.#next)
    const late = new Promise<never>((_, reject) => {
      const timer = new WheelTimer(() => reject(new Error(`no answer within ${LOOKUP_MS} ms`)))
      this.#wheel.set(timer, this.#wheel.now() + LOOKUP_MS)
      this.#late = timer
    })
    let ips: readonly string[]
    try {
      ips = await Promise.race([this.#lookup(this.#hostname), late])
    } catch (error) {
      this.#over(this.#reconnect.lost(this.#wheel.now(), this.#handler.isAppRunning()))
      if (!this.#isClosed) this.#handler.onFailed((error as Error).message)
      return
    }
    this.isKnown = true
    this.#reconnect.connected(this.#wheel.now(), 0)
    this.#over(this.#refreshMs)
    if (!this.#isClosed) this.#handler.onAddresses(ips)
  }

  #late: WheelTimer | null = null

  #over(nextMs: number): void {
    if (this.#late !== null) this.#wheel.clear(this.#late)
    if (!this.#isClosed) this.#wheel.set(this.#next, this.#wheel.now() + nextMs)
  }
}
