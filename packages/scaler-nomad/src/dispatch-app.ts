import {
  type AppScaler,
  type Host,
  type Instance,
  type LaunchMemory,
  ScalerError,
  type Target,
} from '@brxy/scaler'
import { ApiError } from '@brxy/scaler/api'
import { warnOfKillTimeout } from './kill-timeout.ts'
import type { AllocStub, JobStub, NomadApi } from './nomad-api.ts'
import { isAbsent, problemOfAllocation, problemOfPlacement, problemOfRefusal } from './problem.ts'

/** Nomad counts in nanoseconds. */
const NS_PER_MS = 1e6
/** Dispatches under way at a time. */
const PARALLEL = 8

/** One app, each of whose launches dispatches a parameterized job once. */
export class DispatchApp implements AppScaler {
  readonly launches = 'named'
  readonly leave = 'exit'
  readonly #api: NomadApi
  readonly #job: string
  readonly #route: string
  readonly #host: Host
  readonly #memory: LaunchMemory
  #isChecked = false

  constructor(api: NomadApi, job: string, route: string, host: Host, memory: LaunchMemory) {
    this.#api = api
    this.#job = job
    this.#route = route
    this.#host = host
    this.#memory = memory
  }

  async scale({ start, remove }: Target, signal: AbortSignal): Promise<readonly Instance[]> {
    if (remove.length > 0) await this.#remove(remove, signal)
    await inTurns(start, ({ id, env }) => this.#memory.start(id, () => this.#dispatch(id, env, signal)))
    await this.#check(signal)
    return this.observe(signal)
  }

  async observe(signal: AbortSignal): Promise<readonly Instance[]> {
    const [children, allocs] = await Promise.all([
      this.#children(signal),
      this.#api.allocationsOfChildren(this.#job, signal),
    ])
    const byJob = new Map(allocs.map((alloc) => [alloc.JobID, alloc]))
    const instances = children.map((child) => this.#instance(child, byJob.get(child.ID), signal))
    return this.#memory.complete(await Promise.all(instances), (launch) => launch)
  }

  /** This app's, one for each launch: of two adapters that dispatch the same at the same time, the first counts. */
  async #children(signal: AbortSignal): Promise<readonly JobStub[]> {
    const stubs = (await this.#api.children(this.#job, signal)).filter(
      ({ Meta }) => Meta?.BRXY_OWNER === this.#host.owner && Meta.BRXY_ROUTE === this.#route,
    )
    const first = new Map<string, JobStub>()
    for (const stub of stubs.sort((a, b) => a.CreateIndex - b.CreateIndex)) {
      const launch = stub.Meta?.BRXY_LAUNCH ?? stub.ID
      if (first.has(launch)) await this.#deregister(stub.ID, true, signal)
      else first.set(launch, stub)
    }
    return [...first.values()]
  }

  async #dispatch(id: string, env: Readonly<Record<string, string>>, signal: AbortSignal) {
    try {
      await this.#api.dispatch(this.#job, { ...env, BRXY_OWNER: this.#host.owner }, id, signal)
      return undefined
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return problemOfRefusal(error)
    }
  }

  /** Running ones are told to end; the records of ended ones are purged. */
  async #remove(remove: readonly Instance[], signal: AbortSignal): Promise<void> {
    const children = new Map((await this.#children(signal)).map((child) => [child.ID, child]))
    const ended = new Set(
      (await this.observe(signal)).filter(({ state }) => state === 'ended').map(({ id }) => id),
    )
    await inTurns(remove, async ({ id, launch }) => {
      if (launch !== undefined) this.#memory.spend(launch)
      if (children.has(id)) await this.#deregister(id, ended.has(id), signal)
    })
  }

  async #deregister(id: string, purge: boolean, signal: AbortSignal): Promise<void> {
    try {
      await this.#api.deregister(id, purge, signal)
    } catch (error) {
      // Another adapter, or Nomad's garbage collection, was faster.
      if (!isAbsent(error)) throw error
    }
  }

  async #instance(child: JobStub, alloc: AllocStub | undefined, signal: AbortSignal): Promise<Instance> {
    const launch = child.Meta?.BRXY_LAUNCH
    const base = { id: child.ID, ...(launch === undefined ? {} : { launch }) }
    if (alloc === undefined) {
      const since = child.SubmitTime / NS_PER_MS
      if (child.Status === 'dead') return { ...base, state: 'ended', since }
      const problem = await this.#placement(child.ID, signal)
      return { ...base, state: 'starting', since, ...(problem === undefined ? {} : { problem }) }
    }
    const problem = problemOfAllocation(alloc)
    const state =
      alloc.ClientStatus === 'pending'
        ? 'starting'
        : alloc.ClientStatus === 'running' || alloc.ClientStatus === 'unknown'
          ? 'running'
          : 'ended'
    const since = (state === 'ended' ? alloc.ModifyTime : alloc.CreateTime) / NS_PER_MS
    return { ...base, state, since, ...(problem === undefined ? {} : { problem }) }
  }

  async #placement(job: string, signal: AbortSignal) {
    const evaluations = await this.#api.evaluations(job, signal)
    for (const { FailedTGAllocs } of evaluations)
      for (const [group, failure] of Object.entries(FailedTGAllocs ?? {}))
        return problemOfPlacement(group, failure)
    return undefined
  }

  /** Once: says what in the job will hurt. A job that is not there is the launches' problem. */
  async #check(signal: AbortSignal): Promise<void> {
    if (this.#isChecked) return
    this.#isChecked = true
    try {
      warnOfKillTimeout(this.#job, await this.#api.job(this.#job, signal), this.#host)
    } catch (error) {
      if (!(error instanceof ApiError) && !(error instanceof ScalerError)) throw error
    }
  }
}

/** All of them, so many at a time; rejects with the first failure once none is under way any more. */
async function inTurns<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const left = [...items]
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await run(item)
  }
  const results = await Promise.allSettled(Array.from({ length: Math.min(PARALLEL, items.length) }, worker))
  for (const result of results) if (result.status === 'rejected') throw result.reason
}
