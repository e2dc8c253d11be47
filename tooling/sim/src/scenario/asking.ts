import { plainRequest } from './plain-request.ts'
import type { RequestPlan } from './scenario.ts'

/** Requests that a scenario adds to a history, each with an id and a client of its own. */
export class Asking {
  readonly requests: RequestPlan[] = []
  readonly #app: string
  readonly #firstId: number

  /** @param app that all are for @param firstId ids and clients from here on are free */
  constructor(app: string, firstId: number) {
    this.#app = app
    this.#firstId = firstId
  }

  /** @param special what is not plain about it */
  ask(atMs: number, edge: number, serviceMs: number, special: Partial<RequestPlan> = {}): void {
    const id = this.#firstId + this.requests.length
    this.requests.push({ ...plainRequest({ id, app: this.#app, atMs, edge, serviceMs }), ...special })
  }
}
