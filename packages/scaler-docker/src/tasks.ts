import type { Instance } from '@brxy/scaler'
import type { DockerClient } from './client.ts'
import { logTail } from './log-tail.ts'
import { hasExited, problemOfTask, type TaskStatus } from './problem.ts'

/** One attempt of Swarm's to run a container. */
export interface Task {
  readonly ID: string
  readonly ServiceID: string
  readonly Slot?: number
  readonly CreatedAt: string
  /** What Swarm wants of it: `running`, `shutdown` when it is over, `remove` when its slot is being removed. */
  readonly DesiredState: string
  readonly Status: TaskStatus & {
    readonly Timestamp: string
    readonly ContainerStatus?: { readonly ContainerID?: string }
  }
}

/** docs.docker.com/engine/swarm/how-swarm-mode-works/swarm-task-states */
const ENDED: readonly string[] = ['complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned']

/** Whether it is over, for whatever reason. */
export function hasEnded({ Status }: Task): boolean {
  return ENDED.includes(Status.State)
}

/** Turns tasks into instances. The end of one is looked into once. */
export class TaskRecords {
  readonly #client: DockerClient
  readonly #ended = new Map<string, Instance>()

  constructor(client: DockerClient) {
    this.#client = client
  }

  async look(task: Task, signal: AbortSignal): Promise<Instance> {
    const { ID: id, Status } = task
    const known = this.#ended.get(id)
    if (known !== undefined) return known
    const since = Date.parse(Status.Timestamp)
    if (!hasEnded(task)) {
      const problem = problemOfTask(Status, '')
      const state = Status.State === 'running' ? 'running' : 'starting'
      return { id, state, since, ...(problem === undefined ? {} : { problem }) }
    }
    const log = hasExited(Status) ? await logTail(this.#client, `/tasks/${id}`, signal) : ''
    const problem = problemOfTask(Status, log)
    const instance: Instance = { id, state: 'ended', since, ...(problem === undefined ? {} : { problem }) }
    this.#remember(instance)
    return instance
  }

  #remember(instance: Instance): void {
    this.#ended.set(instance.id, instance)
    if (this.#ended.size > MAX_ENDED) this.#ended.delete(this.#ended.keys().next().value as string)
  }
}

/** Tasks whose end is remembered, of each app. */
const MAX_ENDED = 1_000
