import type { AppScaler, Instance, Launch, LaunchMemory, Problem, Target } from '@brxy/scaler'
import { ApiError, isStatus } from '@brxy/scaler/api'
import { isTransient, scalerError, statusIn } from './api/error.ts'
import type { Cluster } from './cluster.ts'
import { createFailure } from './create-failure.ts'
import { instanceOf, type Seen, seenLaunches } from './instances.ts'
import { type Belonging, labelsOf, launchObject } from './launch-object.ts'
import { nameOf, selectorOf } from './names.ts'
import type { Job, List, Metadata, Pod } from './objects.ts'
import { problemOfRefusal } from './problem.ts'
import type { Template } from './template.ts'

/** A Job without a pod for so long may have been refused one: its events say why. */
const PODLESS_MS = 300

/** One Job, or one pod, for each launch: what was started is known by its name, and exactly what left is removed. */
export class Launches implements AppScaler {
  readonly launches = 'named'
  readonly leave = 'exit'
  readonly #template: Template
  readonly #belonging: Belonging
  readonly #cluster: Cluster
  /** Shared by all of a route, for a reloaded configuration makes another of these. */
  readonly #memory: LaunchMemory

  constructor(template: Template, belonging: Belonging, cluster: Cluster, memory: LaunchMemory) {
    this.#template = template
    this.#belonging = belonging
    this.#cluster = cluster
    this.#memory = memory
  }

  async scale({ start, remove }: Target, signal: AbortSignal): Promise<readonly Instance[]> {
    try {
      await Promise.all([this.#remove(remove, signal), ...start.map((launch) => this.#start(launch, signal))])
      return await this.#observe(signal)
    } catch (error) {
      throw scalerError(error, signal)
    }
  }

  async observe(signal: AbortSignal): Promise<readonly Instance[]> {
    try {
      return await this.#observe(signal)
    } catch (error) {
      throw scalerError(error, signal)
    }
  }

  get #collection(): string {
    return this.#template.kind === 'Job' ? 'jobs' : 'pods'
  }

  #start(launch: Launch, signal: AbortSignal): Promise<void> {
    return this.#memory.start(launch.id, () => this.#create(launch, signal))
  }

  /** @returns why it was refused */
  async #create(launch: Launch, signal: AbortSignal): Promise<Problem | undefined> {
    const body = launchObject(this.#template, this.#belonging, launch)
    try {
      await this.#cluster.request(this.#collection, { method: 'POST', body }, signal)
      return undefined
    } catch (error) {
      if (!(error instanceof ApiError) || isTransient(error)) throw error
      if (error.status === 409) return this.#conflict(launch.id, signal)
      return problemOfRefusal(error.status, statusIn(error))
    }
  }

  /** One of that name exists already: that is this launch's, unless another owner made it. */
  async #conflict(launch: string, signal: AbortSignal): Promise<Problem | undefined> {
    const name = nameOf(launch)
    const path = `${this.#collection}/${name}`
    try {
      const { metadata } = await this.#cluster.request<{ metadata: Metadata }>(path, {}, signal)
      const isOurs = Object.entries(labelsOf(this.#belonging)).every(
        ([label, value]) => metadata.labels?.[label] === value,
      )
      if (isOurs) return undefined
      return { code: 'invalid', message: `"${name}" exists and belongs to somebody else`, final: true }
    } catch (error) {
      if (isStatus(error, 404)) return undefined
      throw error
    }
  }

  /** Only what is listed is removed, for a name alone does not say whose it is. */
  async #remove(remove: Target['remove'], signal: AbortSignal): Promise<void> {
    if (remove.length === 0) return
    const ids = new Set(remove.map(({ id }) => id))
    for (const { launch } of remove) if (launch !== undefined) this.#memory.spend(launch)
    const listed = await this.#list<{ metadata: Metadata }>(this.#collection, signal)
    const those = listed.filter(({ metadata }) => ids.has(metadata.name))
    await Promise.all(those.map(({ metadata }) => this.#delete(metadata, signal)))
  }

  async #delete({ name, uid }: Metadata, signal: AbortSignal): Promise<void> {
    const body = { propagationPolicy: 'Background', preconditions: { uid } }
    try {
      await this.#cluster.request(`${this.#collection}/${name}`, { method: 'DELETE', body }, signal)
    } catch (error) {
      // It is gone.
      if (!isStatus(error, 404) && !isStatus(error, 409)) throw error
    }
  }

  async #list<T>(collection: string, signal: AbortSignal): Promise<readonly T[]> {
    const query = { labelSelector: selectorOf(labelsOf(this.#belonging)) }
    return (await this.#cluster.request<List<T>>(collection, { query }, signal)).items
  }

  async #observe(signal: AbortSignal): Promise<Instance[]> {
    this.#cluster.watch(signal)
    const [jobs, pods] = await Promise.all([
      this.#template.kind === 'Job' ? this.#list<Job>('jobs', signal) : [],
      this.#list<Pod>('pods', signal),
    ])
    const instances: Instance[] = []
    for (const [launch, seen] of seenLaunches(jobs, pods)) {
      const instance = instanceOf(launch, seen, await this.#blocked(seen, signal))
      if (instance === null) continue
      // What was started by an earlier adapter is not started again, either.
      this.#memory.spend(launch)
      instances.push(instance)
    }
    return this.#memory.complete(instances, nameOf)
  }

  /** Why a Job has no pod yet, if the platform has tried. */
  async #blocked({ job, pod }: Seen, signal: AbortSignal): Promise<Problem | undefined> {
    if (job === undefined || pod !== undefined || job.metadata.deletionTimestamp !== undefined)
      return undefined
    const ageMs = Date.now() - Date.parse(job.metadata.creationTimestamp ?? '')
    // The API's times are whole seconds: a Job may look a second older than it is, which costs one request.
    if (ageMs < PODLESS_MS) return undefined
    return createFailure(this.#cluster, 'Job', job.metadata.name, 0, signal)
  }
}
