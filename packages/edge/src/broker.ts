import { assert } from '@brxy/protocol'
import type { Held, HoldQueue } from './hold/queue.ts'
import { type Puller, PullerHeap } from './puller-heap.ts'

/** A request as the broker sees it. */
export interface Brokered<P> extends Held {
  /** The puller that refused or lost it: another is preferred while there is one. */
  avoid: P | null
  /** Served only with what ordinary requests leave over, and never counted as demand. */
  readonly isPassive: boolean
}

/**
 * Brings the requests of one app and the grants of its instances together. A pure state machine: `dispatch`
 * is its only output and is called at most once for each request and grant.
 *
 * Passive requests (probes) wait in a queue of their own, and get a grant only when no ordinary one waits: `queue`
 * alone is demand. After every call no request of either kind waits while a usable grant is idle.
 */
export class Broker<R extends Brokered<P>, P extends Puller> {
  /** Ordinary requests. */
  readonly queue: HoldQueue<R>
  readonly passive: HoldQueue<R>
  readonly #dispatch: (request: R, puller: P) => void
  readonly #pullers = new PullerHeap<P>()
  #isMatching = false

  /**
   * @param queue of the ordinary requests; that of the passive ones has the same bounds
   * @param dispatch gives the request to the puller; its grant is spent. It may call the broker again.
   */
  constructor(queue: HoldQueue<R>, dispatch: (request: R, puller: P) => void) {
    this.queue = queue
    this.passive = queue.beside()
    this.#dispatch = dispatch
  }

  /** @returns 'dispatched', 'held', or 'full' when a bound of the queue is reached (nothing changed then). */
  submit(request: R): 'dispatched' | 'held' | 'full' {
    if (this.#pullers.top !== null && this.#first() === null && !this.#isMatching) {
      // The warm path: nobody waits and a grant is at hand.
      this.#spend(request, this.#choose(request))
      return 'dispatched'
    }
    const queue = this.queueOf(request)
    if (!queue.hasRoom(request.heldBytes)) return 'full'
    queue.hold(request)
    this.#match()
    return request.isHeld ? 'held' : 'dispatched'
  }

  /** A redispatched request takes its place by arrival. It was admitted before, so no bound refuses it now. */
  resubmit(request: R): void {
    this.queueOf(request).hold(request)
    this.#match()
  }

  /** The request waits no longer (client gone, time over). */
  withdraw(request: R): void {
    if (request.isHeld) this.queueOf(request).release(request)
  }

  /** Where the request waits, or would. */
  queueOf(request: R): HoldQueue<R> {
    return request.isPassive ? this.passive : this.queue
  }

  granted(puller: P, count: number): void {
    puller.grants += count
    if (!puller.isEligible) return
    this.#pullers.add(puller)
    this.#match()
  }

  /** Grants went back to the linker. */
  ungranted(puller: P, count: number): void {
    puller.grants -= count
    assert(puller.grants >= 0, 'no more grants go back than were lent')
    if (!puller.isEligible) return
    if (puller.grants === 0) this.#pullers.remove(puller)
  }

  /** Whether the puller may be given requests. Its grants stay with it. */
  setEligible(puller: P, isEligible: boolean): void {
    if (puller.isEligible === isEligible) return
    puller.isEligible = isEligible
    if (puller.grants === 0) return
    if (isEligible) {
      this.#pullers.add(puller)
      this.#match()
    } else {
      this.#pullers.remove(puller)
    }
  }

  /** Another place among those that are served. */
  setOrder(puller: P, order: number): void {
    if (puller.order === order) return
    const isWaiting = puller.heapIndex >= 0
    if (isWaiting) this.#pullers.remove(puller)
    puller.order = order
    if (isWaiting) this.#pullers.add(puller)
  }

  /** The session is over; its grants are void. */
  remove(puller: P): void {
    this.setEligible(puller, false)
    puller.grants = 0
  }

  /** One loop, never inside itself: what dispatch changes is seen by the next round. */
  #match(): void {
    if (this.#isMatching) return
    this.#isMatching = true
    try {
      for (;;) {
        const request = this.#first()
        if (request === null || this.#pullers.top === null) return
        this.queueOf(request).release(request)
        this.#spend(request, this.#choose(request))
      }
    } finally {
      this.#isMatching = false
    }
  }

  /** Who is served next. */
  #first(): R | null {
    return this.queue.first ?? this.passive.first
  }

  #choose(request: R): P {
    const top = this.#pullers.top as P
    return top === request.avoid ? (this.#pullers.second ?? top) : top
  }

  #spend(request: R, puller: P): void {
    assert(puller.isEligible && puller.grants > 0, 'a request is given to an eligible puller with a grant')
    puller.grants--
    if (puller.grants === 0) this.#pullers.remove(puller)
    this.#dispatch(request, puller)
  }
}
