import type { Instance, Problem } from '@brxy/scaler'
import type { DockerClient } from './client.ts'
import { type Containers, type Inspected, type Listed, launchOf, nameOf, neverStarted } from './containers.ts'
import { logTail } from './log-tail.ts'
import { problemOfEnd } from './problem.ts'

/** Turns a list of containers into instances. What a list does not say is asked for once in each state of a container. */
export class ContainerRecords {
  readonly #client: DockerClient
  readonly #containers: Containers
  #byState = new Map<string, Instance>()

  constructor(client: DockerClient, containers: Containers) {
    this.#client = client
    this.#containers = containers
  }

  async instances(list: readonly Listed[], signal: AbortSignal): Promise<Instance[]> {
    const known = this.#byState
    const next = new Map<string, Instance>()
    const instances: Instance[] = []
    await Promise.all(
      list.map(async (listed) => {
        const key = `${listed.Id} ${listed.State}`
        const instance = known.get(key) ?? (await this.#look(listed, signal))
        if (instance === null) return
        instances.push(instance)
        // One that was created may fail to start without a change of its state.
        if (listed.State !== 'created' || instance.state === 'ended') next.set(key, instance)
      }),
    )
    this.#byState = next
    return instances
  }

  async #look(listed: Listed, signal: AbortSignal): Promise<Instance | null> {
    const name = nameOf(listed)
    const launch = launchOf(listed)
    const identity = { id: name, ...(launch === undefined ? {} : { launch }) }
    const inspected = await this.#containers.inspect(listed.Id, signal)
    // It was removed meanwhile.
    if (inspected === null) return null
    const { State } = inspected
    const { Status } = State
    if (neverStarted(inspected)) return ended(identity, listed.Created * 1000, problemOfEnd(State, ''))
    if (Status === 'created') return { ...identity, state: 'starting', since: listed.Created * 1000 }
    if (Status !== 'exited' && Status !== 'dead' && Status !== 'removing')
      return { ...identity, state: 'running', since: Date.parse(State.StartedAt) }
    return ended(identity, Date.parse(State.FinishedAt), await this.#problem(listed, inspected, signal))
  }

  async #problem({ Id }: Listed, { State }: Inspected, signal: AbortSignal): Promise<Problem | undefined> {
    if (problemOfEnd(State, '') === undefined) return undefined
    return problemOfEnd(State, await logTail(this.#client, `/containers/${Id}`, signal))
  }
}

function ended(
  identity: { id: string; launch?: string },
  since: number,
  problem: Problem | undefined,
): Instance {
  return { ...identity, state: 'ended', since, ...(problem === undefined ? {} : { problem }) }
}
