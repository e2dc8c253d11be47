import { setTimeout as sleep } from 'node:timers/promises'
import { type Host, type Instance, type Problem, ScalerError } from '@brxy/scaler'

/** Ids remembered of each app, so that none is started twice. */
export const MAX_REMEMBERED = 10_000
/** A call is answered after so long although an image is still being pulled. */
const ACCEPT_MS = 5_000

/** What became of an id. */
type Launch =
  | { readonly state: 'starting'; readonly sinceMs: number; readonly done: Promise<void> }
  | { readonly state: 'failed'; readonly sinceMs: number; readonly problem: Problem }
  /** The platform has it, or had it. */
  | { readonly state: 'spent' }

/**
 * The launches of one app that this adapter has begun: each is started at most once. What the platform knows of them is
 * with the platform; here is only what it does not know: that an image is being pulled, and why there is nothing to list.
 */
export class Launches {
  readonly #route: string
  readonly #host: Host
  readonly #byId = new Map<string, Launch>()

  constructor(route: string, host: Host) {
    this.#route = route
    this.#host = host
  }

  /** Nothing that would be missed if it were forgotten. */
  get isIdle(): boolean {
    return [...this.#byId.values()].every(({ state }) => state === 'spent')
  }

  /**
   * Begins a launch, unless its id was used before.
   *
   * @param run brings it about; a problem that it resolves with is the launch's end. If it rejects nothing is known, and
   * the same id may be tried again.
   */
  start(id: string, run: (isRemoved: () => boolean) => Promise<Problem | undefined>): Promise<void> {
    const known = this.#byId.get(id)
    if (known?.state === 'starting') {
      // What an earlier call began may fail with the connection of that time: this call tries for itself.
      return known.done.catch(() => this.start(id, run))
    }
    if (known !== undefined) return Promise.resolve()
    const isCurrent = () => this.#byId.get(id)?.state === 'starting'
    // In a then: run() finds the id taken.
    const done = Promise.resolve(() => !isCurrent())
      .then(run)
      .then(
        (problem) => {
          if (isCurrent()) this.#settle(id, problem)
        },
        (error) => {
          if (isCurrent()) this.#byId.delete(id)
          throw error
        },
      )
    this.#byId.set(id, { state: 'starting', sinceMs: Date.now(), done })
    this.#bound()
    return done
  }

  /** Never to be started (again). */
  spend(id: string): void {
    this.#byId.set(id, { state: 'spent' })
    this.#bound()
  }

  /** What was listed, with the launches that the platform does not list. @param nameOf the platform's name for a launch */
  complete(listed: readonly Instance[], nameOf: (launch: string) => string): Instance[] {
    const instances = [...listed]
    const names = new Set(listed.map(({ id }) => id))
    for (const [launch, what] of this.#byId) {
      if (what.state === 'spent') continue
      const id = nameOf(launch)
      if (what.state === 'starting') {
        if (!names.has(id)) instances.push({ id, launch, state: 'starting', since: what.sinceMs })
        continue
      }
      // It knows better than a record that says "created".
      const own: Instance = { id, launch, state: 'ended', since: what.sinceMs, problem: what.problem }
      const at = instances.findIndex((instance) => instance.id === id)
      if (at < 0) instances.push(own)
      else instances[at] = own
    }
    return instances
  }

  #settle(id: string, problem: Problem | undefined): void {
    if (problem === undefined) this.#byId.set(id, { state: 'spent' })
    else {
      this.#byId.set(id, { state: 'failed', sinceMs: Date.now(), problem })
      const { code, message: reason } = problem
      this.#host.log('warn', 'launch failed', { route: this.#route, launch: id, code, reason })
    }
    this.#host.changed(this.#route)
  }

  #bound(): void {
    if (this.#byId.size <= MAX_REMEMBERED) return
    for (const [id, { state }] of this.#byId) {
      if (state === 'starting') continue
      this.#byId.delete(id)
      return
    }
  }
}

/**
 * Waits for what was begun, no longer than is good for whoever waits: what is left goes on, and ends in `changed`.
 *
 * @throws what one of them rejected with meanwhile; `scaler/aborted`
 */
export async function untilAccepted(begun: readonly Promise<void>[], signal: AbortSignal): Promise<void> {
  const over = new AbortController()
  const all = Promise.all(begun)
  // Nobody may be listening any more when the last of them rejects.
  all.catch(() => {})
  try {
    await Promise.race([all, sleep(ACCEPT_MS, undefined, { signal: AbortSignal.any([signal, over.signal]) })])
  } catch (error) {
    if (!signal.aborted) throw error
    throw new ScalerError('scaler/aborted', 'the call was aborted', { cause: signal.reason })
  } finally {
    over.abort()
  }
}
