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

/** A queue may hold so many times what is still free in the total. */
const FREE_SHARE = 4

/**
 * What all queues of an edge hold together. A queue may have at most a multiple of what is still free: one crowd
 * alone leaves a fifth to the other apps, the next one a fifth of that; and as the early ones are served, all come
 * to like shares.
 */
export class HoldTotal {
  count = 0
  bytes = 0
  readonly limits: HoldLimits

  constructor(limits: HoldLimits) {
    this.limits = limits
  }

  /** Whether a queue with `count` requests and `bytes` bytes may take one more of `more` bytes. */
  hasRoom(count: number, bytes: number, more: number): boolean {
    const freeCount = this.limits.maxHeld - this.count
    return freeCount > 0 && count < FREE_SHARE * freeCount && this.hasBytes(bytes, more)
  }

  hasBytes(bytes: number, more: number): boolean {
    const freeBytes = this.limits.maxHeldBytes - this.bytes
    return more <= freeBytes && bytes + more <= FREE_SHARE * freeBytes
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

  /** Another queue, empty, with the same bounds of its own, that counts towards the same total. */
  beside(): HoldQueue<T> {
    return new HoldQueue<T>(this.#limits, this.#total)
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
      this.#total.hasRoom(this.#count, this.#bytes, bytes)
    )
  }

  /** Puts a request at its place by arrival. */
  hold(request: T): void {
    assert(!request.isHeld, 'a request is held once')
    const after = this.#placeOf(request)
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
    assert(request.isHeld, 'only a held request grows in the queue')
    if (this.#bytes + bytes > this.#limits.maxHeldBytes) return false
    if (!this.#total.hasBytes(this.#bytes, bytes)) return false
    request.heldBytes += bytes
    this.#account(0, bytes)
    return true
  }

  /**
   * When the first request is given up. All requests of an app may be held equally long from their arrival, so the
   * first by arrival is due first.
   */
  nextDeadline(): number {
    return this.#first === null ? Number.POSITIVE_INFINITY : this.#first.holdUntilMs
  }

  /**
   * The request that this one follows. A new one follows the last. A redispatched one is older than nearly all that
   * wait, so the search begins at the front: an instance that dies with many requests costs no walk along the queue.
   */
  #placeOf(request: T): T | null {
    const last = this.#last
    if (last === null || last.arrival < request.arrival) return last
    let next = this.#first as T
    while (next.arrival < request.arrival) next = next.heldNext as T
    return next.heldPrevious as T | null
  }

  #account(count: number, bytes: number): void {
    this.#count += count
    this.#bytes += bytes
    this.#total.count += count
    this.#total.bytes += bytes
  }
}
