import type { AppScaler, Instance, Problem, Target } from '@brxy/scaler'
import { ApiError, isStatus } from '@brxy/scaler/api'
import type { App } from './app.ts'
import { LAUNCH_LABEL, labelFilter, labelsOf, OWNER_LABEL, objectName, ROUTE_LABEL } from './names.ts'
import type { AppOptions } from './options.ts'
import { problemOfRefusal } from './problem.ts'
import { registryHeaders } from './registry-auth.ts'
import type { ServiceBody } from './service-body.ts'
import type { Service } from './services.ts'
import { type Task, TaskRecords } from './tasks.ts'
import { untilAccepted } from './until-accepted.ts'

/** A Swarm service of one task for each launch: an Engine of several machines. */
export class TaskApp implements AppScaler {
  readonly launches = 'named'
  readonly leave = 'exit'
  readonly #app: App
  readonly #body: ServiceBody
  readonly #headers: Readonly<Record<string, string>>
  readonly #records: TaskRecords

  constructor(app: App, body: ServiceBody, { registryAuth }: AppOptions) {
    this.#app = app
    this.#body = body
    this.#headers = registryHeaders(registryAuth)
    this.#records = new TaskRecords(app.client)
  }

  async scale({ start, remove }: Target, signal: AbortSignal): Promise<readonly Instance[]> {
    const { launches } = this.#app
    this.#app.begin(signal)
    const removed = remove.map((instance) => this.#remove(instance, signal))
    const begun = start.map(({ id, env }) =>
      launches.start(id, (isRemoved) => this.#launch(id, env, isRemoved)),
    )
    await untilAccepted([...removed, ...begun], signal)
    return this.observe(signal)
  }

  async observe(signal: AbortSignal): Promise<readonly Instance[]> {
    this.#app.begin(signal)
    const { client, host, route, launches } = this.#app
    const filters = labelFilter({ [OWNER_LABEL]: host.owner, [ROUTE_LABEL]: route })
    const [services, tasks] = await Promise.all([
      client.call<readonly Service[]>({ path: '/services', query: { filters }, signal }),
      client.call<readonly Task[]>({ path: '/tasks', query: { filters }, signal }),
    ])
    const byService = new Map(tasks.map((task) => [task.ServiceID, task]))
    const instances = await Promise.all(
      services.map((service) => this.#instance(service, byService.get(service.ID), signal)),
    )
    return launches.complete(instances, objectName)
  }

  async #instance(
    { Spec, CreatedAt }: Service,
    task: Task | undefined,
    signal: AbortSignal,
  ): Promise<Instance> {
    const launch = Spec.Labels?.[LAUNCH_LABEL]
    const identity = { id: Spec.Name, ...(launch === undefined ? {} : { launch }) }
    if (task === undefined) return { ...identity, state: 'starting', since: Date.parse(CreatedAt) }
    return { ...(await this.#records.look(task, signal)), ...identity }
  }

  async #launch(
    id: string,
    env: Readonly<Record<string, string>>,
    isRemoved: () => boolean,
  ): Promise<Problem | undefined> {
    const { client, host, route } = this.#app
    const name = objectName(id)
    const body = this.#body.of(name, labelsOf(host.owner, route, id), env)
    try {
      await client.call({ method: 'POST', path: '/services/create', headers: this.#headers, body })
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      // It exists: an earlier call, or another adapter, was faster.
      if (error.status === 409) return await this.#foreign(name, id)
      return problemOfRefusal(error)
    }
    if (isRemoved()) await this.#delete(name)
    return undefined
  }

  async #foreign(name: string, launch: string): Promise<Problem | undefined> {
    const { host, route } = this.#app
    const service = await this.#service(name)
    if (service === null) return undefined
    if (isOf(service, host.owner, route) && service.Spec.Labels?.[LAUNCH_LABEL] === launch) return undefined
    return problemOfRefusal(
      new ApiError(409, `a service "${name}" exists that is not this launch: remove it`),
    )
  }

  /** null: there is none. */
  #service(name: string, signal?: AbortSignal): Promise<Service | null> {
    const call = { path: `/services/${encodeURIComponent(name)}`, ...(signal && { signal }) }
    return this.#app.client.call<Service>(call).catch((error) => {
      if (isStatus(error, 404)) return null
      throw error
    })
  }

  async #remove({ id, launch }: Instance, signal: AbortSignal): Promise<void> {
    const { host, route, launches } = this.#app
    if (launch !== undefined) launches.spend(launch)
    const service = await this.#service(id, signal)
    // What another owner has under that name is not there.
    if (service === null || !isOf(service, host.owner, route)) return
    await this.#delete(id, signal)
  }

  /** Swarm gives the task its stop grace, and lists the service no more. */
  async #delete(name: string, signal?: AbortSignal): Promise<void> {
    const call = {
      method: 'DELETE',
      path: `/services/${encodeURIComponent(name)}`,
      ...(signal && { signal }),
    } as const
    await this.#app.client.call(call).catch((error) => {
      if (!isStatus(error, 404)) throw error
    })
  }
}

function isOf({ Spec }: Service, owner: string, route: string): boolean {
  return Spec.Labels?.[OWNER_LABEL] === owner && Spec.Labels?.[ROUTE_LABEL] === route
}
