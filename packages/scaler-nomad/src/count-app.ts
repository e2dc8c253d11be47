import { setTimeout as sleep } from 'node:timers/promises'
import {
  type AppScaler,
  countedTarget,
  type Host,
  type Instance,
  keptInstances,
  Placeholders,
  ScalerError,
  type Target,
} from '@brxy/scaler'
import { warnOfDeployments } from './deployments.ts'
import { warnOfKillTimeout } from './kill-timeout.ts'
import type { AllocStub, NomadApi } from './nomad-api.ts'
import { isDeploying, problemOfAllocation, problemOfPlacement } from './problem.ts'

const NS_PER_MS = 1e6
/** Records of ended allocations that are to be listed no more. */
const MAX_FORGOTTEN = 10_000
/** Until a count is tried again that a deployment is in the way of. */
const DEPLOYING_MS = 500

/** One app that is a group of a job: its count is set. Nomad removes the highest index, and can be told no other. */
export class CountApp implements AppScaler {
  readonly launches = 'counted'
  readonly leave = 'park'
  readonly #api: NomadApi
  readonly #job: string
  readonly #host: Host
  #group: string | undefined
  readonly #forgotten = new Set<string>()
  /** What Nomad would start if it had nodes for it. */
  readonly #placeholders: Placeholders
  #isChecked = false

  constructor(api: NomadApi, job: string, group: string | undefined, host: Host) {
    this.#api = api
    this.#job = job
    this.#group = group
    this.#host = host
    this.#placeholders = new Placeholders(`${job} unplaced `)
  }

  async scale({ want, remove }: Target, signal: AbortSignal): Promise<readonly Instance[]> {
    const group = await this.#groupName(signal)
    const allocs = await this.#allocations(group, signal)
    this.#forget(allocs, remove)
    const { Desired: replicas = 0 } = (await this.#api.scaleStatus(this.#job, signal)).TaskGroups[group] ?? {}
    const top = allocs.filter(isPresent).sort((a, b) => indexOf(b) - indexOf(a))
    const leaving = new Set(remove.map(({ id }) => id))
    const target = countedTarget({ want, replicas, ...this.#leavers(top, replicas, leaving) })
    if (target.replicas !== replicas) await this.#set(group, target.replicas, signal)
    for (const { ID } of top.slice(0, target.recycle)) await this.#api.stopAllocation(ID, signal)
    this.#placeholders.giveUp(leaving)
    const instances = await this.observe(signal)
    if (!target.keepsAll) return instances
    return keptInstances(instances, new Set(top.map(({ ID }) => ID).filter((id) => leaving.has(id))))
  }

  async observe(signal: AbortSignal): Promise<readonly Instance[]> {
    const group = await this.#groupName(signal)
    const allocs = await this.#allocations(group, signal)
    const instances = allocs.filter(({ ID }) => !this.#forgotten.has(ID)).map(instanceOf)
    return [...instances, ...(await this.#unplaced(group, allocs.filter(isPresent).length, signal))]
  }

  /** Waits for a deployment in its way, as long as the call may take. */
  async #set(group: string, count: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        return await this.#api.scale(this.#job, group, count, signal)
      } catch (error) {
        if (!isDeploying(error)) throw error
        await sleep(DEPLOYING_MS, undefined, { signal }).catch(() => {})
        if (signal.aborted) throw error
      }
    }
  }

  async #allocations(group: string, signal: AbortSignal): Promise<readonly AllocStub[]> {
    const allocs = await this.#api.allocations(this.#job, signal)
    return allocs.filter(({ TaskGroup }) => TaskGroup === group)
  }

  /** @param top those that are present, the highest index first: so Nomad removes them */
  #leavers(top: readonly AllocStub[], replicas: number, leaving: ReadonlySet<string>) {
    const kept = top.findIndex(({ ID }) => !leaving.has(ID))
    const atTheTop = kept < 0 ? top.length : kept
    const stuck = top.slice(atTheTop).filter(({ ID }) => leaving.has(ID)).length
    // Those without a node count as present, and go before any other.
    const unplaced = Math.max(0, replicas - top.length)
    const given = this.#placeholders.of(unplaced).filter((id) => leaving.has(id)).length
    return { present: top.length + unplaced, removable: atTheTop + given, stuck }
  }

  /** They have no names of Nomad's yet. */
  async #unplaced(group: string, present: number, signal: AbortSignal): Promise<readonly Instance[]> {
    const evaluations = await this.#api.evaluations(this.#job, signal)
    const latest = evaluations.reduce<(typeof evaluations)[number] | undefined>(
      (newest, each) => (newest === undefined || each.ModifyIndex > newest.ModifyIndex ? each : newest),
      undefined,
    )
    const failure = latest?.FailedTGAllocs?.[group]
    if (failure === undefined) return []
    const { Desired = 0 } = (await this.#api.scaleStatus(this.#job, signal)).TaskGroups[group] ?? {}
    const problem = problemOfPlacement(group, failure)
    const missing = this.#placeholders.of(Math.max(0, Desired - present))
    return missing.map((id) => ({ id, state: 'starting', since: Date.now(), problem }))
  }

  /** Records of what has ended stay until Nomad collects them; once they were seen and removed they are listed no more. */
  #forget(allocs: readonly AllocStub[], remove: readonly Instance[]): void {
    const ended = new Set(allocs.filter((alloc) => !isPresent(alloc)).map(({ ID }) => ID))
    for (const { id } of remove) if (ended.has(id)) this.#forgotten.add(id)
    if (this.#forgotten.size <= MAX_FORGOTTEN) return
    for (const id of this.#forgotten) if (!ended.has(id)) this.#forgotten.delete(id)
  }

  async #groupName(signal: AbortSignal): Promise<string> {
    if (this.#group !== undefined && this.#isChecked) return this.#group
    const job = await this.#api.job(this.#job, signal)
    const names = job.TaskGroups.map(({ Name }) => Name)
    const group = this.#group ?? (names.length === 1 ? names[0] : undefined)
    if (group === undefined || !names.includes(group)) {
      const detail = `job "${this.#job}" has the groups ${names.join(', ')}; say which in \`group\``
      throw new ScalerError('scaler/invalid', detail)
    }
    warnOfKillTimeout(this.#job, job, this.#host)
    warnOfDeployments(this.#job, job, group, this.#host)
    this.#isChecked = true
    this.#group = group
    return group
  }
}

/** It runs or is about to, and was not told to end. */
function isPresent({ DesiredStatus, ClientStatus }: AllocStub): boolean {
  return DesiredStatus === 'run' && (ClientStatus === 'pending' || ClientStatus === 'running')
}

function instanceOf(alloc: AllocStub): Instance {
  const { ID: id, ClientStatus, ModifyTime, CreateTime } = alloc
  const problem = problemOfAllocation(alloc)
  const state = ClientStatus === 'pending' ? 'starting' : ClientStatus === 'running' ? 'running' : 'ended'
  const since = (state === 'ended' ? ModifyTime : CreateTime) / NS_PER_MS
  return { id, state, since, order: indexOf(alloc), ...(problem === undefined ? {} : { problem }) }
}

/** 3 of `job.group[3]`. */
function indexOf({ Name }: AllocStub): number {
  return Number(/\[(\d+)\]$/.exec(Name)?.[1] ?? 0)
}
