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
  demand: number
  /** Grants asked back; 0 when no RECLAIM is out. */
  reclaiming: number
  reclaimAtMs: number
  /** Grants given up as lost: an OPEN for one of them needs a free slot. */
  writtenOff: number
}

/**
 * The one judge of an instance's concurrency (DESIGN section 5): it lends each slot to exactly one edge at a time and
 * admits a request only against a slot lent to that edge, or a free one.
 *
 *     slots = free + lent to edges + busy (running or lingering)
 *
 * busy never exceeds the number of slots that there were when the request was admitted. A pure state machine: each
 * call returns what is to be said.
 */
export class Ledger<E> {
  readonly #reclaimMs: number
  readonly #accounts = new Map<E, Account<E>>()
  #slots: number
  #busy = 0
  #lent = 0
  #lending = false

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

  get free(): number {
    return this.#slots - this.#busy - this.#lent
  }

  /** Whether slots are lent. Stops while the application is not ready, and when the instance leaves. */
  setLending(lending: boolean, nowMs: number): LedgerAction<E>[] {
    this.#lending = lending
    return this.#settle(nowMs)
  }

  /** A session is up. */
  opened(edge: E, nowMs: number): LedgerAction<E>[] {
    this.#accounts.set(edge, {
      edge,
      lent: 0,
      demand: 0,
      reclaiming: 0,
      reclaimAtMs: Number.POSITIVE_INFINITY,
      writtenOff: 0,
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

  /** A request came: takes a slot for it, or says that there is none. */
  admit(edge: E): boolean {
    const account = this.#accounts.get(edge)
    assert(account !== undefined, 'a request comes from an open session')
    if (account.lent > 0) {
      account.lent--
      this.#lent--
    } else if (this.free <= 0) {
      return false
    } else if (account.writtenOff > 0) {
      account.writtenOff--
    }
    this.#busy++
    return true
  }

  /** The edge was told that the application is gone: it has dropped its grants, and so does the account. */
  voided(edge: E): void {
    const account = this.#accounts.get(edge)
    if (account === undefined) return
    this.#lent -= account.lent
    account.lent = 0
  }

  /** A request is over and its connection is clean or closed. */
  freed(nowMs: number): LedgerAction<E>[] {
    assert(this.#busy > 0, 'only a busy slot is freed')
    this.#busy--
    return this.#settle(nowMs)
  }

  /** The one answer to a RECLAIM, or, after LEAVE or DRAIN, everything that was unspent. */
  returned(edge: E, count: number, nowMs: number): LedgerAction<E>[] {
    const account = this.#accounts.get(edge)
    if (account === undefined) return []
    account.reclaiming = 0
    account.reclaimAtMs = Number.POSITIVE_INFINITY
    // A late answer settles the write-off first.
    const late = Math.min(count, account.writtenOff)
    account.writtenOff = 0
    const back = Math.min(count - late, account.lent)
    account.lent -= back
    this.#lent -= back
    return this.#settle(nowMs)
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
    this.#slots = slots
    return this.#settle(nowMs)
  }

  nextDeadline(): number {
    let deadline = Number.POSITIVE_INFINITY
    for (const account of this.#accounts.values()) deadline = Math.min(deadline, account.reclaimAtMs)
    return deadline
  }

  tick(nowMs: number): LedgerAction<E>[] {
    for (const account of this.#accounts.values()) {
      if (nowMs < account.reclaimAtMs) continue
      // Admission keeps this safe: an OPEN on a grant that was written off needs a free slot.
      const lost = Math.min(account.reclaiming, account.lent)
      account.lent -= lost
      this.#lent -= lost
      account.writtenOff += lost
      account.reclaimAtMs = Number.POSITIVE_INFINITY
    }
    return this.#settle(nowMs)
  }

  #settle(nowMs: number): LedgerAction<E>[] {
    const actions: LedgerAction<E>[] = []
    this.#takeBack(actions, nowMs)
    if (this.#lending) this.#lend(actions)
    return actions
  }

  /** With one edge everything is lent up front; with several the neediest, then the poorest, gets the next slot. */
  #lend(actions: LedgerAction<E>[]): void {
    if (this.free <= 0 || this.#accounts.size === 0) return
    if (this.#accounts.size === 1) {
      for (const account of this.#accounts.values()) this.#grant(account, this.free, actions)
      return
    }
    const counts = new Map<Account<E>, number>()
    while (this.free > 0) {
      const account = this.#neediest()
      if (account === null) break
      account.lent++
      this.#lent++
      counts.set(account, (counts.get(account) ?? 0) + 1)
    }
    for (const [account, count] of counts) actions.push({ kind: 'grant', edge: account.edge, count })
  }

  #grant(account: Account<E>, count: number, actions: LedgerAction<E>[]): void {
    // Until a lost RECLAIM is answered the edge's own count is unknown: it gets nothing new (rule 2).
    if (account.writtenOff > 0) return
    account.lent += count
    this.#lent += count
    actions.push({ kind: 'grant', edge: account.edge, count })
  }

  #neediest(): Account<E> | null {
    let best: Account<E> | null = null
    for (const account of this.#accounts.values()) {
      if (account.writtenOff > 0) continue
      if (
        best === null ||
        need(account) > need(best) ||
        (need(account) === need(best) && account.lent < best.lent)
      )
        best = account
    }
    return best
  }

  /** Asks for grants back: those above the slots there are, and idle ones that another edge waits for. */
  #takeBack(actions: LedgerAction<E>[], nowMs: number): void {
    let wanted = Math.max(0, -this.free)
    if (this.#accounts.size > 1 && this.free <= 0) {
      for (const account of this.#accounts.values()) wanted = Math.max(wanted, need(account))
    }
    for (const account of this.#accounts.values()) {
      if (wanted <= 0) return
      if (account.reclaiming > 0 || account.lent === 0 || (this.free >= 0 && account.demand > 0)) continue
      const count = Math.min(wanted, account.lent)
      account.reclaiming = count
      account.reclaimAtMs = nowMs + this.#reclaimMs
      wanted -= count
      actions.push({ kind: 'reclaim', edge: account.edge, count })
    }
  }
}

/** Held requests for which the edge has no grant. */
function need(account: { readonly demand: number; readonly lent: number }): number {
  return Math.max(0, account.demand - account.lent)
}
