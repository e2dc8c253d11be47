import { randomBytes } from 'node:crypto'
import type { AppScaler, Instance, Launch, Target } from '../contract.ts'
import { checkInstances } from './check-instances.ts'
import type { Driver, Running } from './driver.ts'
import { CALL_MS, type Times } from './times.ts'
import { always, eventually, within } from './wait.ts'

/** What there is: as the adapter says, and as the platform does. */
export interface Seen {
  readonly instances: readonly Instance[]
  readonly running: readonly Running[]
}

/** Says what is not as it should be, and what was seen instead; undefined: all is well. */
export type Expectation = (seen: Seen) => string | undefined

/** One app of one adapter. Each answer is checked against the contract, and each call bounded as the edge's are. */
export class TestedApp {
  readonly route: string
  readonly scaler: AppScaler
  readonly #driver: Driver
  readonly #times: Times
  /** Every start of each id, as the platform says. */
  readonly #incarnations = new Map<string, Set<string>>()

  constructor(route: string, scaler: AppScaler, driver: Driver, times: Times) {
    this.route = route
    this.scaler = scaler
    this.#driver = driver
    this.#times = times
  }

  async scale(target: Target, signal = AbortSignal.timeout(CALL_MS)): Promise<readonly Instance[]> {
    return this.#checked('scale()', this.scaler.scale(target, signal))
  }

  async observe(signal = AbortSignal.timeout(CALL_MS)): Promise<readonly Instance[]> {
    return this.#checked('observe()', this.scaler.observe(signal))
  }

  /** What runs on the platform. @throws Error if a named launch was started a second time */
  async running(): Promise<readonly Running[]> {
    const running = await within('list() of the driver', CALL_MS, this.#driver.list(this.route))
    for (const { id, incarnation } of running) {
      const all = this.#incarnations.get(id) ?? new Set()
      this.#incarnations.set(id, all.add(incarnation))
      if (this.#driver.launches === 'named' && all.size > 1)
        throw new Error(`${id} was started more than once: ${[...all].join(', then ')}`)
    }
    return running
  }

  /** Repeats a target, as the edge does, until all is as expected. @throws Error with what was not */
  async reach(target: Target, expected: Expectation, withinMs = this.#times.patienceMs): Promise<Seen> {
    let seen: Seen = { instances: [], running: [] }
    await eventually({
      missing: async () => {
        seen = { instances: await this.scale(target), running: await this.running() }
        return expected(seen)
      },
      withinMs,
      pollMs: this.#times.pollMs,
    })
    return seen
  }

  /** Looks, without a target, until all is as expected. @throws Error with what was not */
  async see(expected: Expectation, withinMs = this.#times.patienceMs): Promise<Seen> {
    let seen: Seen = { instances: [], running: [] }
    await eventually({
      missing: async () => {
        seen = { instances: await this.observe(), running: await this.running() }
        return expected(seen)
      },
      withinMs,
      pollMs: this.#times.pollMs,
    })
    return seen
  }

  /** Repeats a target for some time, in which nothing may be other than expected. @throws Error with what was */
  async keep(target: Target, expected: Expectation, forMs = this.#times.settleMs): Promise<void> {
    await always(
      async () => expected({ instances: await this.scale(target), running: await this.running() }),
      { forMs, pollMs: this.#times.pollMs },
    )
  }

  /** Starts so many, and resolves with them once they run: by order where there is one, else as the adapter lists them. */
  async up(count: number): Promise<readonly Instance[]> {
    const target = { want: count, start: launchesOf(this.route, count), remove: [] }
    const { instances } = await this.reach(target, runs(count))
    return instances.filter(({ state }) => state !== 'ended').sort((a, b) => (a.order ?? 0) - (b.order ?? 0))
  }

  async #checked(what: string, call: Promise<readonly Instance[]>): Promise<readonly Instance[]> {
    const answer = await within(`${what} of ${this.route}`, CALL_MS + this.#times.abortMs, call)
    checkInstances(answer, this.scaler.launches, Date.now())
    return answer
  }
}

/** Exactly so many run, and the adapter lists the same ones. */
export function runs(count: number): Expectation {
  return (seen) => {
    const { instances, running } = seen
    const listed = instances.filter(({ state }) => state !== 'ended').map(({ id }) => id)
    const same = running.length === count && listed.length === count && sameIds(running, listed)
    return same ? undefined : `expected ${count} to run and to be listed, saw ${showSeen(seen)}`
  }
}

/** Exactly these run, each since the same start, and the adapter lists them. */
export function areRunning(those: readonly Running[]): Expectation {
  return (seen) => {
    const { instances, running } = seen
    const names = (list: readonly Running[]) =>
      list
        .map(({ id, incarnation }) => `${id} (${incarnation})`)
        .sort()
        .join(', ')
    const listed = instances.filter(({ state }) => state !== 'ended').map(({ id }) => id)
    const same = names(running) === names(those) && sameIds(running, listed)
    return same ? undefined : `expected ${names(those) || 'nothing'} to run, saw ${showSeen(seen)}`
  }
}

/** As well, nothing else is listed, not even what has ended. */
export function areAll(those: readonly Running[]): Expectation {
  return (seen) => {
    const rest = seen.instances.length - those.length
    return (
      areRunning(those)(seen) ?? (rest === 0 ? undefined : `expected nothing else, saw ${showSeen(seen)}`)
    )
  }
}

/** So many of these run, each since the same start, and nothing else. */
export function someOf(those: readonly Running[], count: number): Expectation {
  return (seen) => {
    const known = new Set(those.map(({ id, incarnation }) => `${id} ${incarnation}`))
    const all = seen.running.every(({ id, incarnation }) => known.has(`${id} ${incarnation}`))
    if (all && seen.running.length === count) return undefined
    return `expected ${count} of ${[...known].join(', ')} to run, saw ${showSeen(seen)}`
  }
}

export function showSeen({ instances, running }: Seen): string {
  const list = instances.map(({ id, state, problem }) =>
    problem === undefined ? `${id} ${state}` : `${id} ${state} (${problem.code}: ${problem.message})`,
  )
  const there = running.map(({ id, incarnation }) => `${id} (${incarnation})`)
  return `on the platform: ${there.join(', ') || 'nothing'}; listed: ${list.join(', ') || 'nothing'}`
}

/** New launches, as the edge makes them. */
export function launchesOf(
  route: string,
  count: number,
  extra: Readonly<Record<string, string>> = {},
): Launch[] {
  return Array.from({ length: count }, () => {
    const id = randomBytes(10).toString('hex')
    const token = `secret-${randomBytes(16).toString('hex')}`
    const own = {
      ROUTE: route,
      BRXY_ROUTE: route,
      BRXY_EDGE: 'ws://127.0.0.1:9',
      BRXY_TOKEN: token,
      BRXY_LAUNCH: id,
    }
    return { id, env: { ...own, ...extra } }
  })
}

function sameIds(running: readonly Running[], listed: readonly string[]): boolean {
  const ids = new Set(running.map(({ id }) => id))
  return ids.size === listed.length && listed.every((id) => ids.has(id))
}
