import { type ApiCall, ApiClient, type ApiEndpoint } from '@brxy/scaler/api'

/** A job, as it stands in lists. Times in nanoseconds. */
export interface JobStub {
  readonly ID: string
  readonly ParentID: string
  readonly Status: 'pending' | 'running' | 'dead'
  readonly SubmitTime: number
  readonly CreateIndex: number
  readonly Meta?: Readonly<Record<string, string>> | null
}

/** What happened to a task. */
export interface TaskEvent {
  readonly Type: string
  readonly DisplayMessage: string
  readonly Details?: Readonly<Record<string, string>> | null
}

/** An allocation, as it stands in lists: one copy of a group. Times in nanoseconds. */
export interface AllocStub {
  readonly ID: string
  /** `job.group[3]` */
  readonly Name: string
  readonly JobID: string
  readonly TaskGroup: string
  readonly ClientStatus: 'pending' | 'running' | 'complete' | 'failed' | 'lost' | 'unknown'
  readonly DesiredStatus: 'run' | 'stop' | 'evict'
  readonly CreateTime: number
  readonly ModifyTime: number
  readonly TaskStates?: Readonly<Record<string, { readonly Events?: readonly TaskEvent[] | null }>> | null
}

/** Why a group could not be placed; each map counts nodes. */
export interface PlacementFailure {
  readonly NodesEvaluated: number
  readonly NodesExhausted: number
  readonly ConstraintFiltered?: Readonly<Record<string, number>> | null
  readonly DimensionExhausted?: Readonly<Record<string, number>> | null
  readonly QuotaExhausted?: readonly string[] | null
}

export interface Evaluation {
  readonly Status: string
  readonly ModifyIndex: number
  readonly FailedTGAllocs?: Readonly<Record<string, PlacementFailure>> | null
}

/** How many copies of its groups a job should have and has. */
export interface ScaleStatus {
  readonly JobStopped: boolean
  readonly TaskGroups: Readonly<Record<string, { readonly Desired: number }>>
}

/** The part of a job that is looked at. */
export interface JobSpec {
  readonly ParameterizedJob?: unknown
  readonly TaskGroups: readonly {
    readonly Name: string
    /** How deployments go; none without parallel ones. Durations in nanoseconds. */
    readonly Update?: { readonly MaxParallel: number; readonly MinHealthyTime: number } | null
    readonly Tasks: readonly { readonly Name: string; readonly KillTimeout: number }[]
  }[]
}

/** The dozen calls of Nomad's HTTP API that are needed, in one namespace and region. All throw as ApiClient.call(). */
export class NomadApi {
  readonly #client: ApiClient
  readonly #scope: Readonly<Record<string, string>>

  constructor(endpoint: ApiEndpoint, scope: Readonly<Record<string, string>>) {
    this.#client = new ApiClient(endpoint)
    this.#scope = scope
  }

  job(id: string, signal: AbortSignal): Promise<JobSpec> {
    return this.#call({ path: `/v1/job/${encodeURIComponent(id)}`, signal })
  }

  /** The children of a parameterized job, with the meta that they were dispatched with. */
  async children(job: string, signal: AbortSignal): Promise<readonly JobStub[]> {
    const query = { prefix: `${job}/dispatch-`, meta: 'true' }
    const stubs = await this.#call<readonly JobStub[]>({ path: '/v1/jobs', query, signal })
    return stubs.filter(({ ParentID }) => ParentID === job)
  }

  async dispatch(
    job: string,
    meta: Readonly<Record<string, string>>,
    once: string,
    signal: AbortSignal,
  ): Promise<void> {
    const path = `/v1/job/${encodeURIComponent(job)}/dispatch`
    await this.#call({
      method: 'POST',
      path,
      query: { idempotency_token: once },
      body: { Meta: meta },
      signal,
    })
  }

  /** @param purge forgets it, too */
  async deregister(job: string, purge: boolean, signal: AbortSignal): Promise<void> {
    const path = `/v1/job/${encodeURIComponent(job)}`
    await this.#call({ method: 'DELETE', path, query: { purge: `${purge}` }, signal })
  }

  /** The allocations of all children of a parameterized job. */
  async allocationsOfChildren(job: string, signal: AbortSignal): Promise<readonly AllocStub[]> {
    const prefix = `${job}/dispatch-`
    const query = { filter: `JobID contains ${JSON.stringify(prefix)}`, task_states: 'true' }
    const allocs = await this.#call<readonly AllocStub[]>({ path: '/v1/allocations', query, signal })
    return allocs.filter(({ JobID }) => JobID.startsWith(prefix))
  }

  allocations(job: string, signal: AbortSignal): Promise<readonly AllocStub[]> {
    return this.#call({ path: `/v1/job/${encodeURIComponent(job)}/allocations`, signal })
  }

  async stopAllocation(id: string, signal: AbortSignal): Promise<void> {
    await this.#call({ method: 'POST', path: `/v1/allocation/${id}/stop`, signal })
  }

  evaluations(job: string, signal: AbortSignal): Promise<readonly Evaluation[]> {
    return this.#call({ path: `/v1/job/${encodeURIComponent(job)}/evaluations`, signal })
  }

  scaleStatus(job: string, signal: AbortSignal): Promise<ScaleStatus> {
    return this.#call({ path: `/v1/job/${encodeURIComponent(job)}/scale`, signal })
  }

  async scale(job: string, group: string, count: number, signal: AbortSignal): Promise<void> {
    const path = `/v1/job/${encodeURIComponent(job)}/scale`
    const body = { Count: count, Target: { Group: group }, Message: 'brxy' }
    await this.#call({ method: 'POST', path, body, signal })
  }

  /** What happens to allocations and evaluations, a line each; resolves when the agent ends it. */
  events(onLine: (line: string) => void, signal: AbortSignal): Promise<void> {
    // A topic twice: URLSearchParams of an object can't say that.
    const query = { ...this.#scope, topic: 'Allocation' }
    return this.#client.lines({ path: '/v1/event/stream', query, signal }, onLine)
  }

  close(): void {
    this.#client.close()
  }

  #call<T>(call: ApiCall): Promise<T> {
    return this.#client.call<T>({ ...call, query: { ...this.#scope, ...call.query } })
  }
}
