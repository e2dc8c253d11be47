import { assert } from '@brxy/protocol'

/** What the ledger wants said to an edge. */
export type LedgerAction<E> =
  | { readonly kind: 'grant'; readonly edge: E; readonly count: number }
  | { readonly kind: 'reclaim'; readonly edge: E; readonly count: number }

/** What the ledger knows of one edge's session. */
interface Account<E> {
  readonly edge: E
  /** Slots lent to it and not spent. */
  lent: number
  /** Requests it holds for this route. */
  demand: number
  /** Grants asked back; 0 when no RECLAIM is out. Until it is answered the edge gets nothing new. */
  reclaiming: number
  /** When the RECLAIM is given up; Infinity when none is out, or it was given up already. */
  reclaimAtMs: number
  /**
   * Grants that count no more and that the edge may have spent: those that a RECLAIM was to bring and that were given up, and
   * those that became void while one was out. An OPEN for one of them needs a free slot.
   */
  writtenOff: number
  /** It opens no more streams. */
  isDraining: boolean
  /** When it last got a grant for its demand, counted in grants. */
  turn: number
}

/**
 * The one judge of an instance's concurrency (DESIGN section 5): it lends each slot to exactly one edge at a time and
 * admits a request only against a slot lent to that edge, or a free one.
 *
 *     slots = free + lent to edges + busy (running or lingering)
 *
 * Right after an admission busy is at most the number of slots, whatever was lent, lost, written off or shrunk
 * before. A pure state machine: each call returns what is to be said.
 */
export class Ledger<E> {
  readonly #reclaimMs: number
  readonly #accounts = new Map<E, Account<E>>()
  #slots: number
  #busy = 0
  #lent = 0
  #lending = false
  #turns = 0

  /** @param reclaimMs an unanswered RECLAIM is written off after this time (brxy.v1 rule 2). */
  constructor(slots: number, reclaimMs: number) {
    this.#slots = slots
    this.#reclaimMs = reclaimMs
  }

  get slots(): number {
    return this.#slots
  }

  /** Requests that the application has, or may still be computing. */
  get busy(): number {
    return this.#busy
  }

  get lent(): number {
    return this.#lent
  }

  /** Below zero while more is lent and busy than there are slots: their number was lowered. */
  get free(): number {
    return this.#slots - this.#busy - this.#lent
  }

  /** Slots lent to one edge and not spent; 0 for one without a session. */
  lentTo(edge: E): number {
    return this.#accounts.get(edge)?.lent ?? 0
  }

  /** Whether slots are lent. When it stops, as for an instance that leaves, what is lent is asked back. */
  setLending(lending: boolean, nowMs: number): LedgerAction<E>[] {
    this.#lending = lending
    return this.#settle(nowMs)
  }

  /** A session is up. */
  opened(edge: E, nowMs: number): LedgerAction<E>[] {
    assert(!this.#accounts.has(edge), 'an edge has one session at a time')
    this.#accounts.set(edge, {
      edge,
      lent: 0,
      demand: 0,
      reclaiming: 0,
      reclaimAtMs: Number.POSITIVE_INFINITY,
      writtenOff: 0,
      isDraining: false,
      turn: this.#turns,
    })
    return this.#settle(nowMs)
  }

  /** A session is over: what it had not spent is free again; what runs goes on. */
  closed(edge: E, nowMs: number): LedgerAction<E>[] {
    const account = this.#accounts.get(edge)
    if (account === undefined) return []
    this.#lent -= account.lent
    this.#accounts.delete(edge)
    return this.#settle(nowMs)
  }

  /** A request came that is refused for another reason than the number of slots: the edge has spent a grant all the same. */
  spent(edge: E): void {
    const account = this.#accounts.get(edge)
    if (account === undefined) return
    if (account.lent > 0) {
      account.lent--
      this.#lent--
    } else if (account.writtenOff > 0) account.writtenOff--
  }

  /** A request came: takes a slot for it, or says that there is none. Either way the edge has spent a grant. */
  admit(edge: E): boolean {
    const account = this.#accounts.get(edge)
    assert(account !== undefined, 'a request comes from an open session')
    // Some were lent before their number was lowered: running requests go on, but no further one begins.
    const mayBegin = account.lent > 0 ? this.#busy < this.#slots : this.free > 0
    this.spent(edge)
    if (!mayBegin) return false
    this.#busy++
    return true
  }

  /**
   * The edge was told that the application is gone: it drops its grants when it hears that, and so does the account. Until
   * then it may spend them. OPENs that are on their way must not be taken for those of later grants, which then would be
   * lent twice: a RECLAIM is sent with the news, and nothing is lent until its answer has come, behind the last of them. If
   * an older one is out, whose answer may be before them, it is sent when that has come (returned()).
   */
  voided(edge: E, nowMs: number): LedgerAction<E>[] {
    const actions: LedgerAction<E>[] = []
    const account = this.#accounts.get(edge)
    if (account === undefined) return actions
    if (account.reclaiming > 0) account.writtenOff += account.lent
    else if (!account.isDraining) this.#reclaim(account, account.lent, actions, nowMs)
    this.#lent -= account.lent
    account.lent = 0
    return actions
  }

  /** A request is over and its connection is clean or closed. */
  freed(nowMs: number): LedgerAction<E>[] {
    assert(this.#busy > 0, 'only a busy slot is freed')
    this.#busy--
    return this.#settle(nowMs)
  }

  /** The one answer to a RECLAIM, or, after either side's DRAIN, everything that was unspent. */
  returned(edge: E, count: number, nowMs: number): LedgerAction<E>[] {
    const account = this.#accounts.get(edge)
    if (account === undefined) return []
    account.reclaiming = 0
    account.reclaimAtMs = Number.POSITIVE_INFINITY
    // A late answer settles the write-off first. What that leaves became void behind the RECLAIM, and is asked for now.
    const late = Math.min(count, account.writtenOff)
    const unasked = account.writtenOff - late
    account.writtenOff = 0
    const back = Math.min(count - late, account.lent)
    account.lent -= back
    this.#lent -= back
    const actions: LedgerAction<E>[] = []
    if (unasked > 0 && !account.isDraining) this.#ask(account, unasked, actions, nowMs)
    actions.push(...this.#settle(nowMs))
    return actions
  }

  /** The edge opens no more streams: it gives back what it has, and would give back anything new at once. */
  drained(edge: E): void {
    const account = this.#accounts.get(edge)
    if (account !== undefined) account.isDraining = true
  }

  /** How many requests an edge holds for this route. */
  demanded(edge: E, count: number, nowMs: number): LedgerAction<E>[] {
    const account = this.#accounts.get(edge)
    if (account === undefined) return []
    account.demand = count
    return this.#settle(nowMs)
  }

  /** Changes the concurrency. Fewer slots cut nothing: what is lent comes back, what runs finishes. */
  setSlots(slots: number, nowMs: number): LedgerAction<E>[] {
    assert(Number.isInteger(slots) && slots >= 0, 'a number of slots is a whole number, 0 or more')
    this.#slots = slots
    return this.#settle(nowMs)
  }

  /** When tick() must be called at the latest. */
  nextDeadline(): number {
    let deadline = Number.POSITIVE_INFINITY
    for (const account of this.#accounts.values()) deadline = Math.min(deadline, account.reclaimAtMs)
    return deadline
  }

  /** Writes off what RECLAIMs of long ago did not bring back. */
  tick(nowMs: number): LedgerAction<E>[] {
    for (const account of this.#accounts.values()) {
      if (nowMs < account.reclaimAtMs) continue
      account.reclaimAtMs = Number.POSITIVE_INFINITY
      // Admission keeps this safe: an OPEN on a grant that was written off needs a free slot.
      const lost = Math.min(account.reclaiming, account.lent)
      account.lent -= lost
      this.#lent -= lost
      account.writtenOff += lost
    }
    return this.#settle(nowMs)
  }

  #settle(nowMs: number): LedgerAction<E>[] {
    const actions: LedgerAction<E>[] = []
    if (this.#lending && this.free > 0) this.#lend(actions)
    if (this.#lent > 0) this.#takeBack(actions, nowMs)
    return actions
  }

  /** With one edge everything is lent up front; with several, one slot after the other finds its edge. */
  #lend(actions: LedgerAction<E>[]): void {
    if (this.#accounts.size === 1) {
      for (const account of this.#accounts.values()) {
        if (mayGetMore(account)) actions.push(this.#grant(account, this.free))
      }
      return
    }
    const counts = new Map<Account<E>, number>()
    for (let next = this.#next(); next !== null && this.free > 0; next = this.#next()) {
      this.#grant(next, 1)
      counts.set(next, (counts.get(next) ?? 0) + 1)
    }
    for (const [account, count] of counts) actions.push({ kind: 'grant', edge: account.edge, count })
  }

  #grant(account: Account<E>, count: number): LedgerAction<E> {
    account.turn = ++this.#turns
    account.lent += count
    this.#lent += count
    return { kind: 'grant', edge: account.edge, count }
  }

  /** Who gets the next slot: edges that wait for one take turns; while none does, the one with the fewest. */
  #next(): Account<E> | null {
    let best: Account<E> | null = null
    for (const account of this.#accounts.values()) {
      if (mayGetMore(account) && (best === null || isBefore(account, best))) best = account
    }
    return best
  }

  /**
   * Asks for grants back: all when nothing is lent any more, those above the number of slots, and idle ones that other
   * edges wait for. What was asked for already counts as on its way.
   */
  #takeBack(actions: LedgerAction<E>[], nowMs: number): void {
    let pending = 0
    let needed = 0
    for (const account of this.#accounts.values()) {
      // Of what was void, or spent, nothing comes back.
      if (account.reclaimAtMs < Number.POSITIVE_INFINITY)
        pending += Math.min(account.reclaiming, account.lent)
      if (mayGetMore(account)) needed += need(account)
    }
    const surplus = (this.#lending ? Math.max(0, -this.free) : this.#lent) - pending
    const wanted = this.#lending && this.free <= 0 ? Math.max(surplus, needed - this.free - pending) : surplus
    if (wanted <= 0) return
    let asked = 0
    for (const account of this.#accounts.values()) {
      if (account.demand === 0) asked += this.#reclaim(account, wanted - asked, actions, nowMs)
    }
    // Those who wait for grants keep theirs, unless there are too many.
    for (const account of this.#accounts.values()) {
      if (account.demand > 0) asked += this.#reclaim(account, surplus - asked, actions, nowMs)
    }
  }

  /** @returns how many are on their way back. */
  #reclaim(account: Account<E>, wanted: number, actions: LedgerAction<E>[], nowMs: number): number {
    const count = Math.min(wanted, account.lent)
    if (count <= 0 || account.reclaiming > 0) return 0
    this.#ask(account, count, actions, nowMs)
    return count
  }

  #ask(account: Account<E>, count: number, actions: LedgerAction<E>[], nowMs: number): void {
    account.reclaiming = count
    account.reclaimAtMs = nowMs + this.#reclaimMs
    actions.push({ kind: 'reclaim', edge: account.edge, count })
  }
}

/** Held requests for which the edge has no grant. */
function need(account: { readonly demand: number; readonly lent: number }): number {
  return Math.max(0, account.demand - account.lent)
}

/** While a RECLAIM is out, what the answer counts must not change under it (brxy.v1 rule 2). */
function mayGetMore(account: { readonly reclaiming: number; readonly isDraining: boolean }): boolean {
  return account.reclaiming === 0 && !account.isDraining
}

interface Claim {
  readonly demand: number
  readonly lent: number
  readonly turn: number
}

function isBefore(a: Claim, b: Claim): boolean {
  const needs = need(a) > 0
  if (needs !== need(b) > 0) return needs
  if (!needs && a.lent !== b.lent) return a.lent < b.lent
  return a.turn < b.turn
}
