import { assert } from '@brxy/protocol'

/** A request that can wait. The links belong to the queue. */
export interface Held {
  /** Arrival number, unique at an edge. A redispatched request keeps its number and so its place. */
  readonly arrival: number
  /** What it occupies while held: head, buffered body. Set before hold(); grow it through HoldQueue.grow(). */
  heldBytes: number
  heldSinceMs: number
  /** When it is given up. */
  holdUntilMs: number
  heldNext: Held | null
  heldPrevious: Held | null
  isHeld: boolean
}

export interface HoldLimits {
  /** Requests held at most. */
  readonly maxHeld: number
  /** Bytes of heads and bodies held at most. */
  readonly maxHeldBytes: number
}

/** What all queues of an edge hold together. */
export class HoldTotal {
  count = 0
  bytes = 0
  readonly limits: HoldLimits

  constructor(limits: HoldLimits) {
    this.limits = limits
  }
}

/**
 * The requests of one app that wait for a grant: first in, first out, by arrival number. A doubly linked list
 * through the requests themselves, so that one that leaves (client gone, timed out) costs no search.
 */
export class HoldQueue<T extends Held> {
  readonly #limits: HoldLimits
  readonly #total: HoldTotal
  #first: T | null = null
  #last: T | null = null
  #count = 0
  #bytes = 0

  constructor(limits: HoldLimits, total: HoldTotal) {
    this.#limits = limits
    this.#total = total
  }

  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The request that is served next. */
  get first(): T | null {
    return this.#first
  }

  /** Whether one more request of so many bytes is within every bound. */
  hasRoom(bytes: number): boolean {
    return (
      this.#count < this.#limits.maxHeld &&
      this.#bytes + bytes <= this.#limits.maxHeldBytes &&
      this.#total.count < this.#total.limits.maxHeld &&
      this.#total.bytes + bytes <= this.#total.limits.maxHeldBytes
    )
  }

  /** Puts a request at its place by arrival. New ones go last; only a redispatched one looks further. */
  hold(request: T): void {
    assert(!request.isHeld, 'a request is held once')
    let after = this.#last
    while (after !== null && after.arrival > request.arrival) after = after.heldPrevious as T | null
    const next = after === null ? this.#first : (after.heldNext as T | null)
    request.heldPrevious = after
    request.heldNext = next
    if (after === null) this.#first = request
    else after.heldNext = request
    if (next === null) this.#last = request
    else next.heldPrevious = request
    request.isHeld = true
    this.#account(1, request.heldBytes)
  }

  /** Takes a request out, wherever it stands. */
  release(request: T): void {
    assert(request.isHeld, 'only a held request is released')
    const previous = request.heldPrevious
    const next = request.heldNext
    if (previous === null) this.#first = next as T | null
    else previous.heldNext = next
    if (next === null) this.#last = previous as T | null
    else next.heldPrevious = previous
    request.heldNext = null
    request.heldPrevious = null
    request.isHeld = false
    this.#account(-1, -request.heldBytes)
  }

  /** A held request buffers `bytes` more. @returns false, and nothing changed, if that is beyond a bound. */
  grow(request: T, bytes: number): boolean {
    if (this.#bytes + bytes > this.#limits.maxHeldBytes) return false
    if (this.#total.bytes + bytes > this.#total.limits.maxHeldBytes) return false
    request.heldBytes += bytes
    this.#account(0, bytes)
    return true
  }

  /**
   * When the first request is given up. Requests of an app have the same limit, so the oldest is due first;
   * a redispatched one stands by arrival and is at most as far ahead.
   */
  nextDeadline(): number {
    return this.#first === null ? Number.POSITIVE_INFINITY : this.#first.holdUntilMs
  }

  #account(count: number, bytes: number): void {
    this.#count += count
    this.#bytes += bytes
    this.#total.count += count
    this.#total.bytes += bytes
  }
}
