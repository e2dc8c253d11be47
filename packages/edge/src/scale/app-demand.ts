import type { Broker } from '../broker.ts'
import type { ManyEdges } from '../demand/many-edges.ts'
import type { OwnInstance } from '../demand/reported-demand.ts'
import type { Exchange } from '../forward/exchange.ts'
import type { Instance } from '../tunnel/instance.ts'
import type { Demand } from './sum.ts'

/** What an instance says to all edges, and takes back only when it is recalled. One that asks to leave may be told to stay. */
const OVER: ReadonlySet<Instance['phase']> = new Set(['parked', 'draining', 'failed'])

/** What waits for an app and who could serve it: for the controller, and as DEMAND for the linkers. */
export class AppDemand {
  readonly #broker: Broker<Exchange, Instance>
  readonly #instances: ReadonlyMap<string, Instance>
  readonly #others: ManyEdges
  #told = 0

  constructor(
    broker: Broker<Exchange, Instance>,
    instances: ReadonlyMap<string, Instance>,
    others: ManyEdges,
  ) {
    this.#broker = broker
    this.#instances = instances
    this.#others = others
  }

  /** What this edge and the others hold. Passive requests are no part of it. */
  at(nowMs: number): Demand {
    const { count, oldest } = this.#broker.queue
    const oldestSinceMs = oldest?.heldSinceMs ?? 0
    const { reported } = this.#others
    if (!reported.isEmpty) return reported.demand(count, oldestSinceMs, this.#own(), nowMs)
    return { held: count, oldestSinceMs, freeSlots: this.#freeSlots() }
  }

  /** Whether an instance is ready, be it with or without a free slot. */
  get isAwake(): boolean {
    for (const { isEligible, phase } of this.#instances.values())
      if (isEligible && phase === 'ready') return true
    return false
  }

  /** The linkers believe that something waits, and nothing does. */
  get isOver(): boolean {
    return this.#told > 0 && this.#broker.queue.count === 0
  }

  /** Tells the linkers, if it is another number than they know. */
  tell(nowMs: number): void {
    const { count } = this.#broker.queue
    if (count === this.#told) return
    this.#told = count
    for (const { session } of this.#instances.values()) session.setDemand(count, nowMs)
  }

  *#own(): Iterable<OwnInstance> {
    for (const [instance, { slots, busy, isEligible, phase }] of this.#instances)
      yield { instance, slots, busy, isServing: isEligible && phase === 'ready', isOver: OVER.has(phase) }
    for (const instance of this.#others.left)
      yield { instance, slots: 0, busy: 0, isServing: false, isOver: true }
  }

  /**
   * A slot counts although its grant is not here yet: an instance that has just become ready, or has just answered, must
   * not look like one that has nothing to give.
   */
  #freeSlots(): number {
    let free = 0
    for (const { isEligible, phase, slots, busy } of this.#instances.values()) {
      if (isEligible && phase === 'ready') free += Math.max(0, slots - busy)
    }
    return free
  }
}
