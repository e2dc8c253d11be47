import { type BrokerListener, type TappedPuller, type TappedRequest, tapBrokers } from '../brokertap.ts'
import type { Simulation } from '../simulation.ts'
import type { Invariant } from './invariant.ts'

/** An edge's clock differs from the world's by so much in the longest time for which anything is held. */
const DRIFT_MS = 50

/** When a request came to its edge for the first time: by the world's clock, and as the so many-th. */
interface Came {
  readonly atMs: number
  readonly number: number
  wasSent: boolean
}

/**
 * DESIGN 6: first in, first out, by arrival; a request that comes back has its old place; a priority is a head start;
 * grants of the newest instance are spent first, but for a request that has just come back from there.
 *
 * What came when is written down here and not read from the requests: an edge that numbers them anew is found out too.
 */
export const dispatchOrder: Invariant = {
  name: 'requests are served in the order of their arrival',
  watch(simulation, violated) {
    tapBrokers(new Order(simulation, violated))
  },
}

class Order implements BrokerListener {
  readonly #simulation: Simulation
  readonly #violated: (message: string) => void
  readonly #came = new WeakMap<TappedRequest, Came>()
  readonly #waiting = new Map<object, Set<TappedRequest>>()
  readonly #pullers = new Map<object, Set<TappedPuller>>()
  #number = 0

  constructor(simulation: Simulation, violated: (message: string) => void) {
    this.#simulation = simulation
    this.#violated = violated
  }

  waits(broker: object, request: TappedRequest): void {
    if (!this.#came.has(request)) {
      const { nowMs: atMs } = this.#simulation.world
      this.#came.set(request, { atMs, number: ++this.#number, wasSent: false })
    }
    setOf(this.#waiting, broker).add(request)
  }

  withdrawn(broker: object, request: TappedRequest): void {
    setOf(this.#waiting, broker).delete(request)
  }

  lends(broker: object, puller: TappedPuller): void {
    setOf(this.#pullers, broker).add(puller)
  }

  dispatched(broker: object, request: TappedRequest, puller: TappedPuller): void {
    const { chronicle } = this.#simulation
    const waiting = setOf(this.#waiting, broker)
    if (!waiting.delete(request)) this.#violated(`request ${request.arrival} is served, and does not wait`)
    const came = this.#cameOf(request)
    for (const other of waiting) {
      const before = this.#cameOf(other)
      if (this.#isBefore(other, request))
        this.#violated(
          `request ${request.arrival}, the ${came.number}th, is served, and ${other.arrival}, the ${before.number}th, waits`,
        )
      if (before.number < came.number) chronicle.count('order: a head start')
      else if (came.wasSent) chronicle.count('order: again before others')
    }
    came.wasSent = true
    this.#judgeChoice(broker, request, puller)
  }

  #cameOf(request: TappedRequest): Came {
    return this.#came.get(request) as Came
  }

  /** Whether `a` must be served before `b`, as far as that can be told. */
  #isBefore(a: TappedRequest, b: TappedRequest): boolean {
    if (a.isPassive !== b.isPassive) return b.isPassive
    const [cameA, cameB] = [this.#cameOf(a), this.#cameOf(b)]
    if (a.priorityMs === b.priorityMs) return cameA.number < cameB.number
    return cameA.atMs - a.priorityMs < cameB.atMs - b.priorityMs - DRIFT_MS
  }

  /** Another one could have been chosen, and ought to have been. */
  #judgeChoice(broker: object, { arrival, avoid }: TappedRequest, puller: TappedPuller): void {
    for (const other of setOf(this.#pullers, broker)) {
      if (other === puller || !other.isEligible || other.grants === 0) continue
      if (puller === avoid)
        this.#violated(`request ${arrival} goes back to where it came from, and another one has a grant`)
      else if (other.order > puller.order && other !== avoid)
        this.#violated(
          `request ${arrival} goes to the ${puller.order}th session, and the ${other.order}th has a grant`,
        )
    }
  }
}

function setOf<T>(map: Map<object, Set<T>>, broker: object): Set<T> {
  let set = map.get(broker)
  if (set === undefined) {
    set = new Set()
    map.set(broker, set)
  }
  return set
}
