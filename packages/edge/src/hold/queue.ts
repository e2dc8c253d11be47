import { assert } from '@brxy/protocol'
import { Lane } from './lane.ts'

/** A request that can wait. The links belong to the queue. */
export interface Held {
  /** Arrival number, unique at an edge. A redispatched request keeps its number and so its place. */
  readonly arrival: number
  /** When it came, and how much earlier it is taken to have come than it did: which of two lanes is served first. */
  readonly startedMs: number
  readonly priorityMs: number
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
 * The requests of one app that wait for a grant: first in, first out, by arrival number. Those with a priority have a
 * lane of their own, for each priority, and are served as though they had come so much earlier: so nobody waits for ever,
 * for whoever came that much later has to wait behind.
 */
export class HoldQueue<T extends Held> {
  readonly #limits: HoldLimits
  readonly #total: HoldTotal
  /** By priority. A lane that is empty is dropped, but for that of ordinary requests: most apps have no other. */
  readonly #ordinary = new Lane<T>(0)
  readonly #lanes: Lane<T>[] = [this.#ordinary]
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
    let best = this.#ordinary.first
    if (this.#lanes.length > 1) {
      for (const { first } of this.#lanes)
        if (first !== null && (best === null || isBefore(first, best))) best = first
    }
    return best
  }

  /** The one that has waited longest. */
  get oldest(): T | null {
    let best = this.#ordinary.first
    for (const { first } of this.#lanes)
      if (first !== null && (best === null || first.arrival < best.arrival)) best = first
    return best
  }

  /** The one that is given up first. All of a lane may be held equally long from their arrival. */
  get firstDue(): T | null {
    let best = this.#ordinary.first
    for (const { first } of this.#lanes)
      if (first !== null && (best === null || first.holdUntilMs < best.holdUntilMs)) best = first
    return best
  }

  /** All of them, lane by lane. None may come or go meanwhile. */
  *[Symbol.iterator](): Generator<T> {
    for (const { first } of this.#lanes)
      for (let held: T | null = first; held !== null; held = held.heldNext as T | null) yield held
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
    this.#laneOf(request).insert(request)
    request.isHeld = true
    this.#account(1, request.heldBytes)
  }

  /** Takes a request out, wherever it stands. */
  release(request: T): void {
    assert(request.isHeld, 'only a held request is released')
    const lane = this.#laneOf(request)
    lane.remove(request)
    if (lane.first === null && lane !== this.#ordinary) this.#lanes.splice(this.#lanes.indexOf(lane), 1)
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

  /** When the first request is given up. */
  nextDeadline(): number {
    return this.firstDue?.holdUntilMs ?? Number.POSITIVE_INFINITY
  }

  #laneOf({ priorityMs }: T): Lane<T> {
    if (priorityMs === 0) return this.#ordinary
    let lane = this.#lanes.find((each) => each.priorityMs === priorityMs)
    if (lane === undefined) {
      lane = new Lane(priorityMs)
      this.#lanes.push(lane)
    }
    return lane
  }

  #account(count: number, bytes: number): void {
    this.#count += count
    this.#bytes += bytes
    this.#total.count += count
    this.#total.bytes += bytes
  }
}

/** Whether `a` is served before `b`, of another lane. */
function isBefore(a: Held, b: Held): boolean {
  const difference = a.startedMs - a.priorityMs - (b.startedMs - b.priorityMs)
  return difference === 0 ? a.arrival < b.arrival : difference < 0
}
