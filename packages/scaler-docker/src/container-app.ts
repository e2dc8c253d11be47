import { setTimeout as sleep } from 'node:timers/promises'
import type { AppScaler, Instance, Problem, Target } from '@brxy/scaler'
import { ApiError } from '@brxy/scaler/api'
import type { App } from './app.ts'
import type { ContainerBody } from './container-body.ts'
import { ContainerRecords } from './container-records.ts'
import { Containers, type Inspected, neverStarted } from './containers.ts'
import { LAUNCH_LABEL, labelsOf, OWNER_LABEL, objectName, ROUTE_LABEL } from './names.ts'
import type { AppOptions } from './options.ts'
import { notPulled, problemOfRefusal } from './problem.ts'
import { registryHeaders } from './registry-auth.ts'
import { untilAccepted } from './until-accepted.ts'

/** Whoever created a container starts it at once; after this time whoever did has ended before that. */
const ABANDONED_MS = 5_000
const POLL_MS = 100

/** A container for each launch, on one Engine. */
export class ContainerApp implements AppScaler {
  readonly launches = 'named'
  readonly leave = 'exit'
  readonly #app: App
  readonly #body: ContainerBody
  readonly #pull: AppOptions['pull']
  readonly #headers: Readonly<Record<string, string>>
  readonly #containers: Containers
  readonly #records: ContainerRecords

  constructor(app: App, body: ContainerBody, { pull, registryAuth }: AppOptions) {
    this.#app = app
    this.#body = body
    this.#pull = pull
    this.#headers = registryHeaders(registryAuth)
    this.#containers = new Containers(app.client, app.host)
    this.#records = new ContainerRecords(app.client, this.#containers)
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
    const { host, route, launches } = this.#app
    const list = await this.#containers.list({ [OWNER_LABEL]: host.owner, [ROUTE_LABEL]: route }, signal)
    return launches.complete(await this.#records.instances(list, signal), objectName)
  }

  async #remove({ id, launch }: Instance, signal: AbortSignal): Promise<void> {
    const { host, route, launches } = this.#app
    if (launch !== undefined) launches.spend(launch)
    const inspected = await this.#containers.inspect(id, signal)
    // What another owner has under that name is not there.
    if (inspected === null || !isOf(inspected, host.owner, route)) return
    await this.#containers.remove(id, route, this.#body.graceS, signal, () => host.changed(route))
  }

  /** Not bounded by a call: an image may take minutes. It ends when it can, or when the launch is removed. */
  async #launch(
    id: string,
    env: Readonly<Record<string, string>>,
    isRemoved: () => boolean,
  ): Promise<Problem | undefined> {
    const { host, route } = this.#app
    const name = objectName(id)
    const body = this.#body.of(labelsOf(host.owner, route, id), env)
    try {
      const created = await this.#create(name, body, isRemoved)
      if (created !== 'created' && created !== 'exists') return created
      if (created === 'exists' && (await this.#isBegunElsewhere(name, id))) return undefined
      if (!isRemoved()) await this.#containers.start(name)
      if (isRemoved())
        await this.#containers.remove(name, route, this.#body.graceS, AbortSignal.timeout(ABANDONED_MS), () =>
          host.changed(route),
        )
      return undefined
    } catch (error) {
      if (error instanceof ApiError) return problemOfRefusal(error)
      throw error
    }
  }

  async #create(
    name: string,
    body: Readonly<Record<string, unknown>>,
    isRemoved: () => boolean,
  ): Promise<'created' | 'exists' | Problem | undefined> {
    const { image } = this.#body
    const pull = () => this.#app.puller.pull(image, this.#headers)
    if (this.#pull === 'always') {
      const problem = await pull()
      if (problem !== undefined) return problem
    }
    if (isRemoved()) return undefined
    const first = await this.#containers.create(name, body)
    if (first !== 'no-image') return first
    if (this.#pull === 'never') return notPulled(image, `there is no image ${image}`)
    const problem = await pull()
    if (problem !== undefined || isRemoved()) return problem
    const second = await this.#containers.create(name, body)
    return second === 'no-image' ? notPulled(image, `there is no image ${image} after a pull`) : second
  }

  /**
   * The name is taken: by this launch, which another adapter, or an earlier call, has created. Only one that was left before it was
   * started is started here: starting one that has ended would run it again.
   */
  async #isBegunElsewhere(name: string, launch: string): Promise<boolean> {
    const endMs = performance.now() + ABANDONED_MS
    for (;;) {
      const inspected = await this.#containers.inspect(name)
      // It has been removed: it must not be started again.
      if (inspected === null) return true
      const labels = inspected.Config.Labels ?? {}
      const { host, route } = this.#app
      if (
        labels[OWNER_LABEL] !== host.owner ||
        labels[ROUTE_LABEL] !== route ||
        labels[LAUNCH_LABEL] !== launch
      )
        throw new ApiError(409, `a container "${name}" exists that is not this launch: remove or rename it`)
      if (inspected.State.Status !== 'created' || neverStarted(inspected)) return true
      if (performance.now() > endMs) return false
      await sleep(POLL_MS, undefined, { ref: false })
    }
  }
}

function isOf(inspected: Inspected, owner: string, route: string): boolean {
  const labels = labelsIn(inspected)
  return labels[OWNER_LABEL] === owner && labels[ROUTE_LABEL] === route
}

function labelsIn({ Config }: Inspected): Readonly<Record<string, string>> {
  return Config.Labels ?? {}
}
