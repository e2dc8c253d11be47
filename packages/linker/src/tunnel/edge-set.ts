import { assert } from '@brxy/protocol'
import { addressKey, isWorthDialling, needsLookup } from './dialled-address.ts'
import { edgeUrl } from './edge-address.ts'

/** One way to an edge: a URL and, if its host is a name, one of the addresses that the name has. */
export interface EdgeAddress {
  readonly key: string
  /** As it was given, for people. */
  readonly name: string
  readonly url: URL
  /** null: the URL says it. */
  readonly ip: string | null
  /** What resolve() called the name; null: there is none. */
  readonly nameKey: string | null
}

export type EdgeSetAction =
  /** Make a link for it, or have the link that there is dial now. */
  | { readonly kind: 'dial'; readonly address: EdgeAddress }
  /** Its link dials no more until it is told to. */
  | { readonly kind: 'rest'; readonly key: string }
  | { readonly kind: 'drop'; readonly key: string }
  /** Keep looking the name up, and say resolved(). `key` is that of the name. */
  | { readonly kind: 'resolve'; readonly key: string; readonly url: URL }
  | { readonly kind: 'forget'; readonly key: string }
  | { readonly kind: 'notice'; readonly message: string }

/** What a HELLO continues: the id of a session, or of an edge that has one which this linker knows nothing of. */
export interface Continued {
  readonly replaces: string
  readonly received?: number
}

/** What somebody said that an edge is at. */
interface Target {
  readonly key: string
  readonly name: string
  readonly url: URL
  readonly isConfigured: boolean
  /** Ids of the edges whose last WELCOME lists it. */
  readonly listedBy: Set<string>
  /** Where it is; null: its URL says it. None until its name was looked up. */
  ips: readonly (string | null)[]
  /** The edge that calls it its own address. */
  ownOf: string | null
}

/**
 *     dialling -> greeting -> up -> dialling
 *         \________/  (refused)
 *          \--> resting: another address of the same edge is linked, or is the one to try first
 */
interface Entry {
  readonly address: EdgeAddress
  readonly target: Target
  phase: 'dialling' | 'greeting' | 'up' | 'resting'
  /** The edge that was last found there; null: not known. */
  edge: string | null
  /** That edge said `already-connected`. */
  isRejected: boolean
}

/**
 * Which addresses a linker dials: those that it was given, each address that a name among them has, and those that edges
 * name in WELCOME. Several may lead to one edge: then one of them has the session, and the others rest until a dial of
 * that one fails. What neither the names nor the edges know any more is dropped when its session ends. A pure state machine.
 */
export class EdgeSet {
  readonly #max: number
  readonly #targets = new Map<string, Target>()
  readonly #entries = new Map<string, Entry>()
  /** By edge: the session that ended last. */
  readonly #lost = new Map<string, Continued>()
  readonly #noticed = new Set<string>()
  #actions: EdgeSetAction[] = []

  /** @param max addresses at most; further ones are left out, and that is said once. */
  constructor(max: number) {
    this.#max = max
  }

  /** The addresses that the linker was given. @throws LinkError `link/bad-edge` */
  configure(edges: readonly string[]): EdgeSetAction[] {
    for (const edge of edges) this.#add(edge, edgeUrl(edge), true)
    return this.#settle()
  }

  /** What a name stands for now; at least one. A lookup that fails changes nothing, and need not be told. */
  resolved(key: string, ips: readonly string[]): EdgeSetAction[] {
    const target = this.#targets.get(key)
    if (target === undefined || ips.length === 0) return []
    target.ips = [...new Set(ips)]
    return this.#settle()
  }

  /** A WebSocket is open, and HELLO is out. Ask continues() before. */
  opened(key: string): void {
    const entry = this.#entry(key)
    assert(entry.phase === 'dialling', 'only what is dialled opens')
    entry.phase = 'greeting'
  }

  /** WELCOME came. @param edges what it lists; the first is the edge's own address. */
  up(key: string, edge: string, edges: readonly string[]): EdgeSetAction[] {
    const entry = this.#entry(key)
    entry.phase = 'up'
    entry.edge = edge
    entry.isRejected = false
    this.#lost.delete(edge)
    this.#learn(entry, edge, edges)
    return this.#settle()
  }

  /** The session that was up is over; its link dials again by itself unless it is told to rest. */
  down(key: string, session: Continued): EdgeSetAction[] {
    const entry = this.#entry(key)
    assert(entry.phase === 'up' && entry.edge !== null, 'only what was up goes down')
    entry.phase = 'dialling'
    this.#lost.set(entry.edge, session)
    return this.#settle()
  }

  /** A dial failed, or was refused: the other addresses of its edge are tried as well. */
  failed(key: string): EdgeSetAction[] {
    const entry = this.#entry(key)
    entry.phase = 'dialling'
    entry.isRejected = false
    const { edge } = entry
    if (edge !== null && !this.#isUp(edge)) {
      for (const other of this.#entries.values())
        if (other.phase === 'resting' && other.edge === edge) this.#dial(other)
    }
    return this.#settle()
  }

  /** REJECT `already-connected`: this instance has a session with that edge, or the edge believes so. */
  rejected(key: string, edge: string): EdgeSetAction[] {
    const entry = this.#entry(key)
    entry.phase = 'dialling'
    entry.edge = edge
    entry.isRejected = true
    return this.#settle()
  }

  isResting(key: string): boolean {
    return this.#entries.get(key)?.phase === 'resting'
  }

  has(key: string): boolean {
    return this.#entries.has(key)
  }

  /** What the HELLO to this address says of an earlier session. */
  continues(key: string): Continued | null {
    const { edge, isRejected } = this.#entry(key)
    if (edge === null || this.#isUp(edge)) return null
    const lost = this.#lost.get(edge)
    if (lost !== undefined) return lost
    // Its WELCOME was lost, say. Another address may be about to hear it.
    for (const { phase } of this.#entries.values()) if (phase === 'greeting') return null
    return isRejected ? { replaces: edge } : null
  }

  #entry(key: string): Entry {
    const entry = this.#entries.get(key)
    assert(entry !== undefined, 'an address that is used is one of the set')
    return entry
  }

  #isUp(edge: string): boolean {
    for (const other of this.#entries.values()) if (other.phase === 'up' && other.edge === edge) return true
    return false
  }

  #learn(from: Entry, edge: string, edges: readonly string[]): void {
    for (const { listedBy } of this.#targets.values()) listedBy.delete(edge)
    for (const [at, text] of edges.entries()) {
      const target = this.#learnOne(from.address.url, text, at === 0 ? edge : null)
      target?.listedBy.add(edge)
    }
  }

  #learnOne(from: URL, text: string, ownOf: string | null): Target | null {
    let url: URL
    try {
      url = edgeUrl(text)
    } catch {
      this.#notice(`the edge names "${text}" as an address of an edge, which it is not`)
      return null
    }
    const verdict = isWorthDialling(url, from)
    if (verdict !== true) {
      if (verdict !== false) this.#notice(`${text} is not dialled: ${verdict}`)
      return null
    }
    const target = this.#add(text, url, false, ownOf)
    // It is known whose it is: there is nothing to find out by a dial. A name of several addresses says nothing.
    if (ownOf !== null && target !== null && target.ips.length <= 1) {
      target.ownOf = ownOf
      for (const entry of this.#entries.values())
        if (entry.target === target && entry.phase === 'resting') entry.edge = ownOf
    }
    return target
  }

  #add(name: string, url: URL, isConfigured: boolean, ownOf: string | null = null): Target | null {
    const key = addressKey(url)
    const known = this.#targets.get(key)
    if (known !== undefined) return known
    if (this.#targets.size >= this.#max) {
      this.#notice(`${name} is not dialled: ${this.#max} addresses of edges are as many as may be (maxEdges)`)
      return null
    }
    const listedBy = new Set<string>()
    const target: Target = { key, name, url, isConfigured, listedBy, ips: [], ownOf }
    this.#targets.set(key, target)
    if (needsLookup(url)) this.#actions.push({ kind: 'resolve', key, url })
    else target.ips = [null]
    return target
  }

  #enter(target: Target, ip: string | null): void {
    const key = ip === null ? target.key : `${target.key} ${ip}`
    if (this.#entries.has(key)) return
    const name = ip === null ? target.name : `${target.name} (${ip})`
    if (this.#entries.size >= this.#max) {
      this.#notice(`${name} is not dialled: ${this.#max} addresses of edges are as many as may be (maxEdges)`)
      return
    }
    const address = { key, name, url: target.url, ip, nameKey: ip === null ? null : target.key }
    const edge = target.ips.length === 1 ? target.ownOf : null
    const entry: Entry = { address, target, phase: 'resting', edge, isRejected: false }
    this.#entries.set(key, entry)
    if (edge === null || !this.#isUp(edge)) this.#dial(entry)
  }

  #dial(entry: Entry): void {
    entry.phase = 'dialling'
    this.#actions.push({ kind: 'dial', address: entry.address })
  }

  /** What follows from what is known now. */
  #settle(): EdgeSetAction[] {
    const linked = new Set<string | null>()
    for (const { phase, edge } of this.#entries.values()) if (phase === 'up') linked.add(edge)
    this.#dropUnwanted(linked)
    for (const target of this.#targets.values()) for (const ip of target.ips) this.#enter(target, ip)
    for (const [key, entry] of this.#entries) {
      const { phase, edge } = entry
      if (phase === 'dialling' && edge !== null && linked.has(edge)) {
        entry.phase = 'resting'
        this.#actions.push({ kind: 'rest', key })
      }
    }
    const tried = new Set<string | null>()
    for (const { phase, edge } of this.#entries.values()) if (phase !== 'resting') tried.add(edge)
    for (const entry of this.#entries.values()) {
      // The address that it rested for is gone, or leads to another edge by now.
      if (entry.phase === 'resting' && !tried.has(entry.edge)) {
        tried.add(entry.edge)
        this.#dial(entry)
      }
    }
    for (const edge of this.#lost.keys()) if (!this.#knows(edge)) this.#lost.delete(edge)
    return this.#take()
  }

  #dropUnwanted(linked: ReadonlySet<string | null>): void {
    const isListed = ({ listedBy }: Target) => [...listedBy].some((edge) => linked.has(edge))
    // Without any session nobody can say what is still there.
    const isWanted = (target: Target) => target.isConfigured || linked.size === 0 || isListed(target)
    const kept = new Set<Target>()
    for (const [key, { phase, target, address }] of this.#entries) {
      const isThere = target.ips.includes(address.ip)
      if (phase === 'up' || phase === 'greeting' || (isThere && isWanted(target))) kept.add(target)
      else {
        this.#entries.delete(key)
        this.#actions.push({ kind: 'drop', key })
      }
    }
    for (const [key, target] of this.#targets) {
      if (kept.has(target) || isWanted(target)) continue
      this.#targets.delete(key)
      if (needsLookup(target.url)) this.#actions.push({ kind: 'forget', key })
    }
  }

  #knows(edge: string): boolean {
    for (const entry of this.#entries.values()) if (entry.edge === edge) return true
    return false
  }

  /** Once: an edge says the same in each WELCOME. */
  #notice(message: string): void {
    if (this.#noticed.has(message) || this.#noticed.size >= this.#max) return
    this.#noticed.add(message)
    this.#actions.push({ kind: 'notice', message })
  }

  #take(): EdgeSetAction[] {
    const actions = this.#actions
    this.#actions = []
    return actions
  }
}
