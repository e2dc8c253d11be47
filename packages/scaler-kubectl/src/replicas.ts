import { setTimeout as sleep } from 'node:timers/promises'
import { type AppScaler, countedTarget, type Host, type Instance, type Target } from '@brxy/scaler'
import { isStatus, scalerError } from './api/error.ts'
import type { Cluster } from './cluster.ts'
import { conditionOf, type List, type Pod, type Workload } from './objects.ts'
import { problemOfCreation } from './problem.ts'
import {
  DELETION_COST,
  DELETION_COST_ANNOTATION,
  isMarked,
  isPresent,
  isReady,
  removableOf,
  replicaId,
  replicaInstance,
} from './replica.ts'
import { isRollingOut, queryOfSelector, type WorkloadPlace } from './workload.ts'
import { workloadAdvice } from './workload-advice.ts'

/** Somebody else writes to the object, too (its controller does, while it scales): so often is it read anew. */
const MAX_CONFLICTS = 10
/** A controller learns of a mark and of the number by two ways: a mark on a pod that is still ready gets this advance. */
const SETTLE_MS = 500

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
  }

  async scale(target: Target, signal: AbortSignal): Promise<readonly Instance[]> {
    try {
      for (let conflicts = 0; ; conflicts++) {
        try {
          await this.#attempt(target, signal)
          break
        } catch (error) {
          if (!isStatus(error, 409) || conflicts === MAX_CONFLICTS) throw error
        }
      }
      return this.#instances(await this.#look(signal))
    } catch (error) {
      throw scalerError(error, signal)
    }
  }

  async observe(signal: AbortSignal): Promise<readonly Instance[]> {
    try {
      return this.#instances(await this.#look(signal))
    } catch (error) {
      throw scalerError(error, signal)
    }
  }

  get #path(): string {
    return `${this.#place.kind}s/${this.#place.name}`
  }

  async #attempt({ want, remove }: Target, signal: AbortSignal): Promise<void> {
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
    const next = countedTarget({
      want,
      replicas,
      present: present.length,
      removable: removable.length,
      stuck: leavers.size - removable.length,
    })
    if (next.replicas !== replicas) await this.#write(workload, next.replicas, signal)
    await Promise.all(removable.slice(0, next.recycle).map((pod) => this.#end(pod, signal)))
    // What has ended for good (evicted, for example) is only a record.
    const ended = pods.filter((pod) => !isPresent(pod) && ids.has(replicaId(kind, pod)))
    await Promise.all(ended.map((pod) => this.#end(pod, signal)))
  }

  /** Marks those that leave, so that they are the ones which are removed. @returns a look that shows it */
  async #marked(look: Look, leavers: readonly Pod[], signal: AbortSignal): Promise<Look> {
    const unmarked = leavers.filter((pod) => !isMarked(pod))
    if (unmarked.length === 0) return look
    const body = { metadata: { annotations: { [DELETION_COST_ANNOTATION]: DELETION_COST } } }
    const request = { method: 'PATCH', body, contentType: 'application/merge-patch+json' } as const
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
    const workload = await this.#cluster.request<Workload>(this.#path, {}, signal)
    const labelSelector = queryOfSelector(workload.spec.selector)
    this.#cluster.watchPods(labelSelector, signal, () => this.#host.changed(this.#route))
    this.#advise(workload)
    const { items } = await this.#cluster.request<List<Pod>>('pods', { query: { labelSelector } }, signal)
    return { workload, pods: items }
  }

  #instances({ workload, pods }: Look): Instance[] {
    const instances = pods.map((pod) => replicaInstance(this.#place.kind, pod))
    const failure = conditionOf(workload.status?.conditions, 'ReplicaFailure', 'True')
    const missing = (workload.spec.replicas ?? 1) - pods.filter(isPresent).length
    if (failure === undefined || missing <= 0) return instances
    // There is no pod to say it of, so it is said of the first one that is missing.
    const since = Date.parse(failure.lastTransitionTime ?? '') || 0
    const problem = problemOfCreation(failure.message ?? 'the pods could not be created')
    return [...instances, { id: `${this.#path}/missing`, state: 'starting', since, problem }]
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
