import { Ledger, type LedgerAction } from './ledger.ts'

export const RECLAIM_MS = 2_000

/** A frame on its way to an edge, or from it. */
type ToEdge = { readonly kind: 'grant' | 'reclaim'; readonly count: number } | { readonly kind: 'void' }
type ToLinker =
  | { readonly kind: 'open'; isVoid: boolean }
  | { readonly kind: 'return'; readonly count: number; isVoid: boolean }
  | { readonly kind: 'demand'; readonly count: number }

/** One edge with a session: what it believes it may open, and two FIFO pipes (brxy.v1 rule 1). */
export class ModelEdge {
  unspent = 0
  /** Void grants that it had not spent; a linker learns of them by the next RETURN. */
  dropped = 0
  demand = 0
  isUp = false
  isDraining = false
  readonly toEdge: ToEdge[] = []
  readonly toLinker: ToLinker[] = []

  /** What the ledger must have on its books: grants that the edge has, or will have, and that are not void. */
  get outstanding(): number {
    let sum = this.#usable(false)
    for (const frame of this.toLinker) {
      if (frame.kind === 'demand' || frame.isVoid) continue
      sum += frame.kind === 'open' ? 1 : frame.count
    }
    return sum
  }

  /** Void grants on which an OPEN is on its way, or may still be sent: the edge has not heard that they are void. */
  get mayBeSpent(): number {
    const sent = this.toLinker.filter((frame) => frame.kind === 'open' && frame.isVoid)
    return sent.length + this.#usable(true)
  }

  /** Grants that it has or will have: those that a void on its way takes from it, or those that none does. */
  #usable(isVoid: boolean): number {
    const last = this.toEdge.findLastIndex(({ kind }) => kind === 'void')
    const granted = isVoid ? this.toEdge.slice(0, last + 1) : this.toEdge.slice(last + 1)
    const held = isVoid === this.#awaitsVoid ? this.unspent : 0
    return granted.reduce((sum, frame) => (frame.kind === 'grant' ? sum + frame.count : sum), held)
  }

  get #awaitsVoid(): boolean {
    return this.toEdge.some(({ kind }) => kind === 'void')
  }

  /** REFUSE `instance` leaves for the edge: what it had until now counts for nothing. */
  void(): void {
    for (const frame of this.toLinker) if (frame.kind !== 'demand') frame.isVoid = true
    this.toEdge.push({ kind: 'void' })
  }

  reset(): void {
    this.unspent = 0
    this.dropped = 0
    this.demand = 0
    this.isDraining = false
    this.toEdge.length = 0
    this.toLinker.length = 0
  }

  /** The edge reads one frame, as EdgeSession does. */
  read(): void {
    const frame = this.toEdge.shift()
    if (frame === undefined) return
    if (frame.kind === 'void') {
      this.dropped += this.unspent
      this.unspent = 0
      return
    }
    if (frame.kind === 'grant') {
      this.unspent += frame.count
      // A GRANT that crossed this edge's DRAIN is given back at once.
      if (this.isDraining) this.#giveBack(frame.count)
      return
    }
    this.#giveBack(Math.min(frame.count, this.unspent))
  }

  open(): void {
    this.unspent--
    this.toLinker.push({ kind: 'open', isVoid: this.#awaitsVoid })
  }

  drain(): void {
    this.isDraining = true
    this.#giveBack(this.unspent)
  }

  #giveBack(count: number): void {
    this.unspent -= count
    this.toLinker.push({ kind: 'return', count, isVoid: this.#awaitsVoid })
  }
}

/** The names of what can happen, with one argument each. */
export type Event = readonly [
  'up' | 'lose' | 'read' | 'hear' | 'open' | 'demand' | 'drain' | 'void' | 'free' | 'lend' | 'slots' | 'late',
  number,
]

/** A ledger between edges whose frames take their time; checks what must hold after each event. */
export class LedgerWorld {
  readonly ledger: Ledger<ModelEdge>
  readonly edges: readonly ModelEdge[]
  readonly seen = { admitted: 0, refused: 0, reclaimed: 0, writtenOff: 0, voided: 0, voidWhileAsked: 0 }
  nowMs = 0
  lending = true
  #demands = [0, 1, 3]

  constructor(slots: number, edges: number) {
    this.ledger = new Ledger(slots, RECLAIM_MS)
    this.edges = Array.from({ length: edges }, () => new ModelEdge())
    this.ledger.setLending(true, 0)
  }

  /** What can happen now. */
  possible(maxSlots: number): Event[] {
    const events: Event[] = []
    for (const [at, edge] of this.edges.entries()) {
      if (!edge.isUp) {
        events.push(['up', at])
        continue
      }
      events.push(['lose', at])
      if (edge.toEdge.length > 0) events.push(['read', at])
      if (edge.toLinker.length > 0) events.push(['hear', at])
      if (edge.unspent > 0 && !edge.isDraining) events.push(['open', at])
      if (edge.demand === 0) events.push(['demand', at * 3 + 2])
      else events.push(['demand', at * 3])
      if (!edge.isDraining) events.push(['drain', at], ['void', at])
    }
    if (this.ledger.busy > 0) events.push(['free', 0])
    events.push(['lend', this.lending ? 0 : 1])
    for (let slots = 0; slots <= maxSlots; slots++)
      if (slots !== this.ledger.slots) events.push(['slots', slots])
    if (this.ledger.nextDeadline() < Number.POSITIVE_INFINITY) events.push(['late', 0])
    return events
  }

  apply([kind, argument]: Event): void {
    const { ledger } = this
    const edge = this.edges[kind === 'demand' ? Math.floor(argument / 3) : argument] as ModelEdge
    switch (kind) {
      case 'up':
        if (edge.isUp) break
        edge.reset()
        edge.isUp = true
        this.#say(ledger.opened(edge, this.nowMs))
        break
      case 'lose':
        if (!edge.isUp) break
        edge.isUp = false
        edge.reset()
        this.#say(ledger.closed(edge, this.nowMs))
        break
      case 'read':
        edge.read()
        break
      case 'hear':
        this.#hear(edge)
        break
      case 'open':
        if (edge.isUp && edge.unspent > 0 && !edge.isDraining) edge.open()
        break
      case 'demand':
        if (!edge.isUp) break
        edge.demand = this.#demands[argument % 3] as number
        edge.toLinker.push({ kind: 'demand', count: edge.demand })
        break
      case 'drain':
        if (!edge.isUp || edge.isDraining) break
        edge.drain()
        // DRAIN stands before its RETURN in the pipe; here it is heard at once, which lends less, not more.
        ledger.drained(edge)
        break
      case 'void':
        if (!edge.isUp) break
        this.seen.voided++
        if (edge.outstanding > 0 && this.isReclaiming(edge)) this.seen.voidWhileAsked++
        edge.void()
        this.#say(ledger.voided(edge, this.nowMs))
        this.lending = false
        this.#say(ledger.setLending(false, this.nowMs))
        break
      case 'free':
        if (ledger.busy > 0) this.#say(ledger.freed(this.nowMs))
        break
      case 'lend':
        this.lending = argument === 1
        this.#say(ledger.setLending(this.lending, this.nowMs))
        break
      case 'slots':
        this.#say(ledger.setSlots(argument, this.nowMs))
        break
      case 'late': {
        this.nowMs += RECLAIM_MS
        const before = ledger.lent
        this.#say(ledger.tick(this.nowMs))
        if (ledger.lent < before) this.seen.writtenOff++
        break
      }
    }
    this.check()
  }

  #hear(edge: ModelEdge): void {
    const frame = edge.toLinker.shift()
    if (frame === undefined) return
    if (frame.kind === 'open') {
      const { busy } = this.ledger
      const isAdmitted = this.ledger.admit(edge)
      this.seen[isAdmitted ? 'admitted' : 'refused']++
      if (this.ledger.busy !== busy + (isAdmitted ? 1 : 0)) throw new Error('admit counts what it admits')
      if (isAdmitted && this.ledger.busy > this.ledger.slots)
        throw new Error(`the application got ${this.ledger.busy} with ${this.ledger.slots} slots`)
    } else if (frame.kind === 'return') {
      if (!frame.isVoid) edge.dropped = 0
      this.#say(this.ledger.returned(edge, frame.count, this.nowMs))
    } else {
      this.#say(this.ledger.demanded(edge, frame.count, this.nowMs))
    }
  }

  #say(actions: readonly LedgerAction<ModelEdge>[]): void {
    for (const { kind, edge, count } of actions) {
      if (count <= 0) throw new Error(`${kind} of ${count}`)
      if (!edge.isUp) throw new Error(`${kind} to an edge without a session`)
      if (kind === 'grant') {
        if (!this.lending) throw new Error('nothing is lent while not lending')
        if (this.isReclaiming(edge)) throw new Error('a GRANT while a RECLAIM is out')
      } else {
        this.seen.reclaimed++
        if (this.isReclaiming(edge)) throw new Error('a second RECLAIM while one is out')
        const most = edge.outstanding + edge.mayBeSpent + edge.dropped
        if (count > most) throw new Error(`a RECLAIM of ${count}, where at most ${most} can be there`)
        this.#reclaims.add(edge)
      }
      edge.toEdge.push({ kind, count })
    }
  }

  readonly #reclaims = new Set<ModelEdge>()

  /** Whether a RECLAIM, or its answer, is on its way. */
  isReclaiming(edge: ModelEdge): boolean {
    const isOut =
      edge.toEdge.some(({ kind }) => kind === 'reclaim') ||
      edge.toLinker.some(({ kind }) => kind === 'return')
    if (!isOut) this.#reclaims.delete(edge)
    return this.#reclaims.has(edge) && !edge.isDraining
  }

  check(): void {
    const { ledger } = this
    let lent = 0
    for (const edge of this.edges) {
      const own = ledger.lentTo(edge)
      lent += own
      if (own < 0) throw new Error(`an account has ${own} lent`)
      if (!edge.isUp && own !== 0) throw new Error('a lost session still has slots')
      // An OPEN on one of them would be taken for one on a grant of now, whose slot then is lent twice.
      if (own > 0 && edge.mayBeSpent > 0)
        throw new Error(`${own} lent, but OPENs on ${edge.mayBeSpent} void grants may come`)
      // While a RECLAIM is out, some of it may be written off.
      const isUnsure = this.isReclaiming(edge) || edge.isDraining
      if (isUnsure ? own > edge.outstanding : own !== edge.outstanding)
        throw new Error(`${own} lent, but the edge can open ${edge.outstanding}`)
    }
    const [only, ...others] = this.edges.filter((edge) => edge.isUp)
    if (only !== undefined && others.length === 0 && this.lending && ledger.free > 0) {
      if (!only.isDraining && !this.isReclaiming(only)) throw new Error('one edge gets everything up front')
    }
    if (lent !== ledger.lent) throw new Error(`accounts have ${lent} lent, the ledger ${ledger.lent}`)
    if (ledger.free + ledger.lent + ledger.busy !== ledger.slots) throw new Error('slots do not add up')
  }

  /** Lets all frames arrive and all requests end, until nothing moves. */
  settle(): void {
    for (let round = 0; round < 1_000; round++) {
      let moved = false
      for (const edge of this.edges) {
        for (; edge.toEdge.length > 0; moved = true) edge.read()
        for (; edge.toLinker.length > 0; moved = true) this.#hear(edge)
      }
      for (; this.ledger.busy > 0; moved = true) this.#say(this.ledger.freed(this.nowMs))
      this.check()
      if (!moved) return
    }
    throw new Error('the ledger and its edges do not come to rest')
  }
}
