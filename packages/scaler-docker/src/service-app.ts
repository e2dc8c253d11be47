import { type AppScaler, type Instance, ScalerError, type Target } from '@brxy/scaler'
import { ApiError } from '@brxy/scaler/api'
import type { App } from './app.ts'
import { Containers } from './containers.ts'
import { warnOfGrace } from './grace.ts'
import type { AppOptions } from './options.ts'
import { registryHeaders } from './registry-auth.ts'
import { replicasOf } from './replicas.ts'
import { graceOf, type Service, withReplicas } from './services.ts'
import { hasEnded, type Task, TaskRecords } from './tasks.ts'

/** Somebody else may write at the same time, as may Swarm itself. */
const MAX_ATTEMPTS = 10
const OUT_OF_SEQUENCE = /update out of sequence/

/** The replicas of a Swarm service that exists. Best effort: Swarm counts, and chooses what it removes. */
export class ServiceApp implements AppScaler {
  readonly launches = 'counted'
  readonly leave = 'exit'
  readonly #app: App
  readonly #name: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #records: TaskRecords
  readonly #containers: Containers
  #isGraceTold = false

  constructor(app: App, name: string, { registryAuth }: AppOptions) {
    this.#app = app
    this.#name = name
    this.#headers = registryHeaders(registryAuth)
    this.#records = new TaskRecords(app.client)
    this.#containers = new Containers(app.client, app.host)
  }

  async scale(target: Target, signal: AbortSignal): Promise<readonly Instance[]> {
    this.#app.begin(signal)
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#write(target, signal)
        break
      } catch (error) {
        const isStale = error instanceof ApiError && OUT_OF_SEQUENCE.test(error.message)
        if (!isStale || attempt === MAX_ATTEMPTS) throw this.#refusal(error)
      }
    }
    return this.observe(signal)
  }

  async observe(signal: AbortSignal): Promise<readonly Instance[]> {
    this.#app.begin(signal)
    const tasks = await this.#tasks(signal).catch((error) => {
      throw this.#refusal(error)
    })
    return Promise.all(tasks.map((task) => this.#records.look(task, signal)))
  }

  async #write({ want, remove }: Target, signal: AbortSignal): Promise<void> {
    const service = await this.#service(signal)
    const tasks = await this.#tasks(signal)
    const active = tasks.filter((task) => !hasEnded(task))
    const going = new Set(remove.map(({ id }) => id))
    const stopped = await Promise.all(
      active.filter(({ ID }) => going.has(ID)).map((task) => this.#stop(task, graceOf(service), signal)),
    )
    const stuck = stopped.filter(Boolean).length
    const replicas = service.Spec.Mode.Replicated?.Replicas ?? 0
    const next = replicasOf({
      want,
      replicas,
      active: active.length,
      starting: active.filter(({ Status }) => Status.State !== 'running').length,
      done: tasks.length - active.length,
      removable: stopped.length - stuck,
      stuck,
    })
    if (next === replicas) return
    await this.#app.client.call({
      method: 'POST',
      path: `/services/${service.ID}/update`,
      query: { version: `${service.Version.Index}` },
      headers: this.#headers,
      // The rest goes back as it came: what a client would fill in (a digest) would have Swarm replace every task.
      body: withReplicas(service.Spec, next),
      signal,
    })
  }

  /**
   * Ends the very task, where its container is on the Engine that answers; elsewhere only Swarm can, by its number.
   *
   * @returns whether it ends by itself now
   */
  async #stop({ Status }: Task, graceS: number, signal: AbortSignal): Promise<boolean> {
    const container = Status.ContainerStatus?.ContainerID
    if (Status.State !== 'running' || !container) return false
    if ((await this.#containers.inspect(container, signal)) === null) return false
    const { host, route } = this.#app
    this.#containers.stop(container, route, graceS, () => host.changed(route))
    return true
  }

  async #service(signal: AbortSignal): Promise<Service> {
    const path = `/services/${encodeURIComponent(this.#name)}`
    const service = await this.#app.client.call<Service>({ path, signal })
    const { Mode, TaskTemplate } = service.Spec
    const unfit = (why: string) => new ScalerError('scaler/invalid', `service "${this.#name}" ${why}`)
    if (Mode.Replicated === undefined)
      throw unfit('is not replicated, so it has no number of replicas to change')
    const condition = TaskTemplate.RestartPolicy?.Condition ?? 'any'
    if (condition !== 'none')
      throw unfit(
        `restarts its tasks (${condition}), so none can leave: docker service update --restart-condition none`,
      )
    if (!this.#isGraceTold) warnOfGrace(this.#app.host, this.#app.route, graceOf(service))
    this.#isGraceTold = true
    return service
  }

  /** The newest of each slot, without those whose slot is being removed. */
  async #tasks(signal: AbortSignal): Promise<Task[]> {
    const filters = JSON.stringify({ service: [this.#name] })
    const tasks = await this.#app.client.call<readonly Task[]>({ path: '/tasks', query: { filters }, signal })
    const newest = new Map<number, Task>()
    for (const task of tasks) {
      const { Slot = 0, CreatedAt } = task
      const other = newest.get(Slot)
      if (other === undefined || Date.parse(other.CreatedAt) < Date.parse(CreatedAt)) newest.set(Slot, task)
    }
    return [...newest.values()].filter((task) => task.DesiredState !== 'remove' && !isStopping(task))
  }

  #refusal(error: unknown): unknown {
    if (!(error instanceof ApiError)) return error
    const { message, status, isDenied } = error
    const isAbsent = status === 404
    const hint = isAbsent ? ': create it first, without replicas' : ''
    const code = isDenied ? 'scaler/denied' : isAbsent ? 'scaler/invalid' : 'scaler/unavailable'
    return new ScalerError(code, `service "${this.#name}": ${message}${hint}`, { cause: error })
  }
}

/** Swarm has told it to end, and it drains. */
function isStopping(task: Task): boolean {
  return task.DesiredState === 'shutdown' && !hasEnded(task)
}
