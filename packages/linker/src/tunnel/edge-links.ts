import type { Welcome } from '@brxy/protocol'
import type { LinkerEvent } from '../event.ts'
import { EdgeLink, type EdgeLinkOwner } from './edge-link.ts'
import { EdgeName, type Lookup, systemLookup } from './edge-name.ts'
import { type Continued, EdgeSet, type EdgeSetAction } from './edge-set.ts'
import type { Departing } from './farewell.ts'

export interface EdgeLinksOptions {
  readonly edges: readonly string[]
  readonly maxEdges: number
  readonly edgeResolveMs: number
}

/** The linker's ways to all its edges. Which addresses there are, and which are dialled, is decided by EdgeSet. */
export class EdgeLinks implements Iterable<EdgeLink>, Departing {
  readonly #owner: EdgeLinkOwner
  readonly #options: EdgeLinksOptions
  readonly #onEvent: (event: LinkerEvent) => void
  readonly #lookup: Lookup
  readonly #set: EdgeSet
  readonly #links = new Map<string, EdgeLink>()
  readonly #names = new Map<string, EdgeName>()
  /** What an edge renewed last: addresses that are learned later may be dialled when the configured token has expired. */
  #token: string | null = null
  #isClosed = false

  constructor(
    options: EdgeLinksOptions,
    owner: EdgeLinkOwner,
    onEvent: (event: LinkerEvent) => void,
    lookup: Lookup = systemLookup,
  ) {
    this.#options = options
    this.#owner = owner
    this.#onEvent = onEvent
    this.#lookup = lookup
    this.#set = new EdgeSet(options.maxEdges)
  }

  /** Those that dial, are linked, or rest. */
  [Symbol.iterator](): Iterator<EdgeLink> {
    return this.#links.values()
  }

  /** Dials all. @throws LinkError `link/bad-edge` */
  start(): void {
    this.#do(this.#set.configure(this.#options.edges))
  }

  /** Every edge that is known refused this linker for good when it was last dialled. */
  get areRefused(): boolean {
    let isAny = false
    for (const [key, link] of this.#links) {
      if (this.#set.isResting(key)) continue
      if (!link.isRefused) return false
      isAny = true
    }
    for (const name of this.#names.values()) if (!name.isKnown) return false
    return isAny
  }

  /** Nothing that was sent to an edge is still in this process. */
  get isAllSent(): boolean {
    for (const link of this.#links.values()) if (!link.isAllSent) return false
    return true
  }

  /** Dials no more. Sessions that are up stay until close(). */
  retire(): void {
    this.#isClosed = true
    for (const name of this.#names.values()) name.close()
    for (const link of this.#links.values()) link.retire()
  }

  /** Says goodbye to all and dials no more. Resolves when the farewells are out, or the connections are gone. */
  async close(code: string, message: string): Promise<void> {
    this.retire()
    await Promise.all([...this.#links.values()].map((link) => link.close(code, message)))
  }

  // --- from links ---

  /** It is time to dial again: a name may stand for something else by now. */
  redial(link: EdgeLink): void {
    const name = link.nameKey === null ? undefined : this.#names.get(link.nameKey)
    if (name === undefined) return link.dial()
    void name.look().then(() => {
      if (this.#links.get(link.key) === link && !this.#set.isResting(link.key)) link.dial()
    })
  }

  /** A HELLO is about to be sent. @returns what it continues */
  opened(link: EdgeLink): Continued | null {
    const continued = this.#set.continues(link.key)
    this.#set.opened(link.key)
    return continued
  }

  up(link: EdgeLink, { edge, edges }: Welcome): void {
    this.#do(this.#set.up(link.key, edge, edges))
  }

  down(link: EdgeLink, session: Continued): void {
    this.#do(this.#set.down(link.key, session))
  }

  failed(link: EdgeLink): void {
    this.#do(this.#set.failed(link.key))
  }

  /** @returns whether that was to be expected: it is another address of an edge that is linked */
  rejected(link: EdgeLink, edge: string): boolean {
    this.#do(this.#set.rejected(link.key, edge))
    return this.#set.isResting(link.key)
  }

  renewed(token: string): void {
    this.#token = token
  }

  // ---

  #do(actions: readonly EdgeSetAction[]): void {
    if (this.#isClosed) return
    for (const action of actions) this.#perform(action)
  }

  #perform(action: EdgeSetAction): void {
    switch (action.kind) {
      case 'dial': {
        const { address } = action
        let link = this.#links.get(address.key)
        if (link === undefined) {
          link = new EdgeLink(address, this.#owner, this, this.#token)
          this.#links.set(address.key, link)
        }
        link.dial()
        return
      }
      case 'rest':
        this.#links.get(action.key)?.rest()
        return
      case 'drop':
        this.#links.get(action.key)?.rest()
        this.#links.delete(action.key)
        return
      case 'resolve':
        this.#resolve(action.key, action.url)
        return
      case 'forget':
        this.#names.get(action.key)?.close()
        this.#names.delete(action.key)
        return
      case 'notice':
        this.#onEvent({ type: 'notice', message: action.message })
        return
    }
  }

  #resolve(key: string, url: URL): void {
    const { hostname, host } = url
    const name = new EdgeName(hostname, this.#lookup, this.#owner.wheel, this.#options.edgeResolveMs, {
      isAppRunning: () => this.#owner.isAppRunning(),
      onAddresses: (ips) => this.#do(this.#set.resolved(key, ips)),
      onFailed: (message) =>
        this.#onEvent({
          type: 'refused',
          edge: host,
          code: 'link/unreachable',
          message: `${host}: ${message}`,
          isFinal: false,
        }),
    })
    this.#names.set(key, name)
    void name.look()
  }
}
