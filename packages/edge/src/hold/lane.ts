import type { Held } from './queue.ts'

/**
 * Held requests of one priority, by arrival. A doubly linked list through the requests themselves, so that one that
 * leaves (client gone, timed out) costs no search.
 */
export class Lane<T extends Held> {
  readonly priorityMs: number
  #first: T | null = null
  #last: T | null = null

  constructor(priorityMs: number) {
    this.priorityMs = priorityMs
  }

  get first(): T | null {
    return this.#first
  }

  insert(request: T): void {
    const after = this.#placeOf(request)
    const next = after === null ? this.#first : (after.heldNext as T | null)
    request.heldPrevious = after
    request.heldNext = next
    if (after === null) this.#first = request
    else after.heldNext = request
    if (next === null) this.#last = request
    else next.heldPrevious = request
  }

  remove(request: T): void {
    const previous = request.heldPrevious
    const next = request.heldNext
    if (previous === null) this.#first = next as T | null
    else previous.heldNext = next
    if (next === null) this.#last = previous as T | null
    else next.heldPrevious = previous
    request.heldNext = null
    request.heldPrevious = null
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
}
