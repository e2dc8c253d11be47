import { setTimeout as sleep } from 'node:timers/promises'
import {
  type AppScaler,
  countedTarget,
  type Host,
  type Instance,
  keptInstances,
  Placeholders,
  type Problem,
  type Target,
} from '@brxy/scaler'
import { isStatus } from '@brxy/scaler/api'
import { scalerError } from './api/error.ts'
import type { Cluster } from './cluster.ts'
import { createFailure } from './create-failure.ts'
import { conditionOf, type List, type Pod, type Workload } from './objects.ts'
import { problemOfCreation } from './problem.ts'
import {
  DELETION_COST,
  DELETION_COST_ANNOTATION,
  isMarked,
  isOver,
  isPresent,
  isReady,
  removableOf,
  replicaId,
  replicaInstance,
} from './replica.ts'
import { errorOfWorkload, isRollingOut, queryOfSelector, type WorkloadPlace } from './workload.ts'
import { workloadAdvice } from './workload-advice.ts'

/** Somebody else writes to the object, too (its controller does, while it scales): so often is it read anew. */
const MAX_CONFLICTS = 10
/** A controller learns of a mark and of the number by two ways: a mark on a pod that is still ready gets this advance. */
const SETTLE_MS = 500
/** A StatefulSet's failure to make a pod is repeated more often than this; an older one is over. */
const RECENT_MS = 60_000

/** One look at a workload. */
interface Look {
  readonly workload: Workload
  readonly pods: readonly Pod[]
}

/** The replicas of a Deployment or a StatefulSet: their number is raised as it is needed, and lowered by those that left. */
export class Replicas implements AppScaler {
  readonly launches = 'counted'
  readonly leave = 'park'
  readonly #place: WorkloadPlace
  readonly #container: string | undefined
  readonly #route: string
  readonly #cluster: Cluster
  readonly #host: Host
  /** What the number asks for and that could not be created. */
  readonly #placeholders: Placeholders
  #isAdvised = false

  constructor(
    place: WorkloadPlace,
    container: string | undefined,
    route: string,
    cluster: Cluster,
    host: Host,
  ) {
    this.#place = place
    this.#container = container
    this.#route = route
    this.#cluster = cluster
    this.#host = host
    this.#placeholders = new Placeholders(`${this.#path}/missing/`)
  }

  async scale(target: Target, signal: AbortSignal): Promise<readonly Instance[]> {
    try {
      for (let conflicts = 0; ; conflicts++) {
        try {
          const kept = await this.#attempt(target, signal)
          return keptInstances(await this.#instances(await this.#look(signal), signal), kept)
        } catch (error) {
          if (!isStatus(error, 409) || conflicts === MAX_CONFLICTS) throw error
        }
      }
    } catch (error) {
      throw scalerError(error, signal)
    }
  }

  async observe(signal: AbortSignal): Promise<readonly Instance[]> {
    try {
      return await this.#instances(await this.#look(signal), signal)
    } catch (error) {
      throw scalerError(error, signal)
    }
  }

  get #path(): string {
    return `${this.#place.kind}s/${this.#place.name}`
  }

  /** @returns ids of those that it left alone ({@link Instance.kept}) */
  async #attempt({ want, remove }: Target, signal: AbortSignal): Promise<ReadonlySet<string>> {
    const { kind } = this.#place
    const ids = new Set(remove.map(({ id }) => id))
    const isLeaver = (pod: Pod) => isPresent(pod) && ids.has(replicaId(kind, pod))
    let look = await this.#look(signal)
    if (kind === 'deployment') look = await this.#marked(look, look.pods.filter(isLeaver), signal)
    const { workload, pods } = look
    const present = pods.filter(isPresent)
    const leavers = new Set(present.filter(isLeaver))
    const removable = isRollingOut(kind, workload) ? [] : removableOf(kind, present, leavers)
    const replicas = workload.spec.replicas ?? 1
    // One that could not be created is given up by the number alone.
    const missing = this.#missing(look).filter((id) => ids.has(id)).length
    const next = countedTarget({
      want,
      replicas,
      present: present.length + missing,
      removable: removable.length + missing,
      stuck: leavers.size - removable.length,
    })
    if (next.replicas !== replicas) await this.#write(workload, next.replicas, signal)
    await Promise.all(removable.slice(0, next.recycle).map((pod) => this.#end(pod, signal)))
    this.#placeholders.giveUp(ids)
    // What has ended for good (evicted, for example) is only a record.
    const ended = pods.filter((pod) => !isPresent(pod) && ids.has(replicaId(kind, pod)))
    await Promise.all(ended.map((pod) => this.#end(pod, signal)))
    return new Set(next.keepsAll ? [...leavers].map((pod) => replicaId(kind, pod)) : [])
  }

  /** Marks those that leave, so that they are the ones which are removed. @returns a look that shows it */
  async #marked(look: Look, leavers: readonly Pod[], signal: AbortSignal): Promise<Look> {
    const unmarked = leavers.filter((pod) => !isMarked(pod))
    if (unmarked.length === 0) return look
    const body = { metadata: { annotations: { [DELETION_COST_ANNOTATION]: DELETION_COST } } }
    const headers = { 'content-type': 'application/merge-patch+json' }
    const request = { method: 'PATCH', body, headers } as const
    for (const { metadata } of unmarked)
      await ignoring(404, this.#cluster.request(`pods/${metadata.name}`, request, signal))
    if (unmarked.some(isReady)) await sleep(SETTLE_MS, undefined, { signal })
    return this.#look(signal)
  }

  async #write({ metadata }: Workload, replicas: number, signal: AbortSignal): Promise<void> {
    const { name, namespace, resourceVersion } = metadata
    const body = {
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { name, namespace, resourceVersion },
      spec: { replicas },
    }
    await this.#cluster.request(`${this.#path}/scale`, { method: 'PUT', body }, signal)
  }

  /** Exactly this one: a StatefulSet's next pod has its name. */
  async #end({ metadata }: Pod, signal: AbortSignal): Promise<void> {
    const body = { preconditions: { uid: metadata.uid } }
    const request = this.#cluster.request(`pods/${metadata.name}`, { method: 'DELETE', body }, signal)
    await ignoring(409, ignoring(404, request))
  }

  async #look(signal: AbortSignal): Promise<Look> {
    const workload = await this.#cluster.request<Workload>(this.#path, {}, signal).catch((error) => {
      throw errorOfWorkload(this.#place, error)
    })
    const labelSelector = queryOfSelector(workload.spec.selector)
    this.#cluster.watchPods(labelSelector, signal, () => this.#host.changed(this.#route))
    this.#advise(workload)
    const { items } = await this.#cluster.request<List<Pod>>('pods', { query: { labelSelector } }, signal)
    return { workload, pods: items }
  }

  /** Ids of those that the number asks for and that are not there. */
  #missing({ workload, pods }: Look): readonly string[] {
    return this.#placeholders.of(Math.max(0, (workload.spec.replicas ?? 1) - pods.filter(isPresent).length))
  }

  /** Why replicas are missing, if the platform has tried to make them. A StatefulSet says it only in events. */
  async #blocked({ workload }: Look, signal: AbortSignal): Promise<Problem | undefined> {
    const failure = conditionOf(workload.status?.conditions, 'ReplicaFailure', 'True')
    if (failure !== undefined) return problemOfCreation(failure.message ?? 'the pods could not be created')
    if (this.#place.kind === 'deployment') return undefined
    const sinceMs = Date.now() - RECENT_MS
    return createFailure(this.#cluster, 'StatefulSet', this.#place.name, sinceMs, signal)
  }

  async #instances(look: Look, signal: AbortSignal): Promise<Instance[]> {
    const instances = look.pods
      .filter((pod) => !isOver(pod))
      .map((pod) => replicaInstance(this.#place.kind, pod))
    const missing = this.#missing(look)
    const problem = missing.length === 0 ? undefined : await this.#blocked(look, signal)
    if (problem === undefined) return instances
    // There is no pod to say it of, so it is said of those that should be there.
    const since = Date.now()
    return [...instances, ...missing.map((id) => ({ id, state: 'starting', since, problem }) as const)]
  }

  #advise(workload: Workload): void {
    if (this.#isAdvised) return
    this.#isAdvised = true
    for (const advice of workloadAdvice(this.#place.kind, workload, this.#container))
      this.#host.log('warn', advice, {
        route: this.#route,
        workload: `${this.#place.kind}/${this.#place.name}`,
      })
  }
}

async function ignoring(httpStatus: number, request: Promise<unknown>): Promise<void> {
  try {
    await request
  } catch (error) {
    if (!isStatus(error, httpStatus)) throw error
  }
}
