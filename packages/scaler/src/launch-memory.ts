import type { Host, Instance, Problem } from './contract.ts'

/** Ids remembered of each app, so that none is started twice. */
export const MAX_REMEMBERED = 10_000
/** Of those, the launches that failed and were not removed yet: so many reasons are kept. */
export const MAX_FAILED = 1_000

/** What became of an id. */
type Launch =
  | { readonly state: 'starting'; readonly sinceMs: number; readonly done: Promise<void> }
  | { readonly state: 'failed'; readonly sinceMs: number; readonly problem: Problem }
  /** The platform has it, or had it. */
  | { readonly state: 'spent' }

/**
 * The launches of one app that an adapter has begun, each at most once. What the platform knows of them is with the
 * platform; here is only what it does not know, or forgets: that a launch is under way (an image is being pulled), why one
 * was refused of which there is nothing to list, and which ids are spent although their records are gone.
 */
export class LaunchMemory {
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

  /**
   * What the platform lists, with the launches that it does not list.
   *
   * @param nameOf the platform's name for a launch
   */
  complete(listed: readonly Instance[], nameOf: (launch: string) => string): Instance[] {
    const instances = [...listed]
    const places = new Map(listed.map(({ launch }, at) => [launch, at]))
    for (const [launch, what] of this.#byId) {
      if (what.state === 'spent') continue
      const place = places.get(launch)
      const own = { id: nameOf(launch), launch, since: what.sinceMs }
      if (what.state === 'starting') {
        if (place === undefined) instances.push({ ...own, state: 'starting' })
        continue
      }
      // It knows better than a record that says "created".
      const failed: Instance = { ...own, state: 'ended', problem: what.problem }
      if (place === undefined) instances.push(failed)
      else instances[place] = failed
    }
    return instances
  }

  #settle(id: string, problem: Problem | undefined): void {
    if (problem === undefined) this.#byId.set(id, { state: 'spent' })
    else {
      this.#byId.set(id, { state: 'failed', sinceMs: Date.now(), problem })
      this.#boundFailed()
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

  /** The oldest of too many is spent like any other. */
  #boundFailed(): void {
    const failed = [...this.#byId].filter(([, { state }]) => state === 'failed')
    if (failed.length > MAX_FAILED) this.#byId.set(failed[0][0], { state: 'spent' })
  }
}
