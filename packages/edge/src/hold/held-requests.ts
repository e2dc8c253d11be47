import type { Problem } from '@brxy/scaler'
import type { Broker } from '../broker.ts'
import type { ClientErrorCode } from '../error.ts'
import type { Exchange } from '../forward/exchange.ts'
import type { Instance } from '../tunnel/instance.ts'
import type { HoldQueue } from './queue.ts'

/** The requests of one app that wait, ordinary and passive ones: what becomes of all of them at once. */
export class HeldRequests {
  readonly #broker: Broker<Exchange, Instance>

  constructor(broker: Broker<Exchange, Instance>) {
    this.#broker = broker
  }

  /** Ordinary ones: passive requests are no demand. */
  get count(): number {
    return this.#broker.queue.count
  }

  get isEmpty(): boolean {
    return this.#broker.queue.first === null && this.#broker.passive.first === null
  }

  /** When the first of them is given up. */
  nextDeadline(): number {
    return Math.min(this.#broker.queue.nextDeadline(), this.#broker.passive.nextDeadline())
  }

  /** Gives up those that have waited too long. */
  expire(nowMs: number): void {
    for (const queue of this.#queues) {
      for (let due = queue.firstDue; due !== null && due.holdUntilMs <= nowMs; due = queue.firstDue)
        due.onHoldTimeout()
    }
  }

  /** Requests may be held for so long from now on, counted from their arrival, also those that wait already. */
  setHold(holdMs: number): void {
    for (const queue of this.#queues) {
      for (const held of queue) held.holdUntilMs = held.startedMs + holdMs
    }
  }

  /** The app cannot be started. */
  failDemand(problem: Problem, retryMs: number): void {
    each(this.#broker.queue, (exchange) => exchange.onCannotStart(problem, retryMs))
  }

  /** Nobody is ready whom the passive ones could wait for. */
  answerAsleep(): void {
    each(this.#broker.passive, (exchange) => exchange.answerAsleep())
  }

  refuse(code: ClientErrorCode): void {
    for (const queue of this.#queues) each(queue, (exchange) => exchange.refuse(code))
  }

  /** Gives up all of them, for another app to take; each with its arrival number. */
  release(): Exchange[] {
    const held: Exchange[] = []
    for (const queue of this.#queues) {
      each(queue, (exchange) => {
        this.#broker.withdraw(exchange)
        held.push(exchange)
      })
    }
    return held
  }

  get #queues(): readonly HoldQueue<Exchange>[] {
    return [this.#broker.queue, this.#broker.passive]
  }
}

/** @param take ends the waiting of the request, which may bring another one */
function each(queue: HoldQueue<Exchange>, take: (exchange: Exchange) => void): void {
  for (let first = queue.first; first !== null; first = queue.first) take(first)
}
