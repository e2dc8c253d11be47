import type { Host } from '@brxy/scaler'
import { ApiError, isStatus } from '@brxy/scaler/api'
import type { DockerClient } from './client.ts'
import { LAUNCH_LABEL, labelFilter } from './names.ts'
import type { ContainerEnd } from './problem.ts'
import type { Json } from './shape.ts'

/** A container in a list. */
export interface Listed {
  readonly Id: string
  readonly Names: readonly string[]
  readonly State: string
  /** Seconds. */
  readonly Created: number
  readonly Labels: Readonly<Record<string, string>>
}

/** A container, looked at alone. */
export interface Inspected {
  readonly State: ContainerEnd & {
    readonly Status: string
    readonly StartedAt: string
    readonly FinishedAt: string
  }
  readonly Config: { readonly Labels: Readonly<Record<string, string>> | null }
}

/** The Engine's answer to a create that found no image. */
const NO_IMAGE = /no such image/i

/** The endpoints for containers, each with what its special answers mean. */
export class Containers {
  readonly #client: DockerClient
  readonly #host: Host
  /** Names of those that were told to stop and have not yet. */
  readonly #stopping = new Set<string>()

  constructor(client: DockerClient, host: Host) {
    this.#client = client
    this.#host = host
  }

  /** Also those that have ended. */
  list(labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<readonly Listed[]> {
    return this.#client.call({
      path: '/containers/json',
      query: { all: '1', filters: labelFilter(labels) },
      signal,
    })
  }

  /** null: there is none. */
  async inspect(name: string, signal?: AbortSignal): Promise<Inspected | null> {
    const call = { path: `/containers/${encodeURIComponent(name)}/json`, ...(signal && { signal }) }
    return this.#client.call<Inspected>(call).catch(unlessGone)
  }

  /** @throws ApiError */
  async create(name: string, body: Json): Promise<'created' | 'exists' | 'no-image'> {
    try {
      await this.#client.call({ method: 'POST', path: '/containers/create', query: { name }, body })
      return 'created'
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (error.status === 409) return 'exists'
      if (error.status === 404 && NO_IMAGE.test(error.message)) return 'no-image'
      throw error
    }
  }

  /** Starts one that never ran; a success also if it runs. @throws ApiError */
  async start(name: string): Promise<void> {
    await this.#client.call({ method: 'POST', path: `/containers/${encodeURIComponent(name)}/start` })
  }

  /**
   * Removes one that does not run. One that runs is stopped first, and is removed when it has: nobody waits for that.
   *
   * @param onGone it was stopped and removed
   * @throws ApiError
   */
  async remove(
    name: string,
    route: string,
    graceS: number,
    signal: AbortSignal,
    onGone: () => void,
  ): Promise<void> {
    if (this.#stopping.has(name) || (await this.#delete(name, signal))) return
    this.stop(name, route, graceS, async () => {
      await this.#delete(name)
      onGone()
    })
  }

  /** Tells one that runs to end. Nobody waits for that. @param onStopped it has ended */
  stop(name: string, route: string, graceS: number, onStopped: () => Promise<void> | void): void {
    if (this.#stopping.has(name)) return
    this.#stopping.add(name)
    const call = {
      method: 'POST',
      path: `/containers/${encodeURIComponent(name)}/stop`,
      query: { t: `${graceS}` },
      silenceMs: Number.POSITIVE_INFINITY,
    } as const
    this.#client
      .call(call)
      .catch(unlessGone)
      .then(onStopped)
      .catch((error: Error & { code?: string }) => {
        // The Engine goes on with it.
        if (error.code === 'scaler/closed') return
        // The edge asks again for what is still listed.
        this.#host.log('warn', 'container not stopped', { route, container: name, reason: error.message })
      })
      .finally(() => this.#stopping.delete(name))
  }

  /** @returns false if it runs */
  async #delete(name: string, signal?: AbortSignal): Promise<boolean> {
    const path = `/containers/${encodeURIComponent(name)}`
    try {
      // v: what it kept in anonymous volumes is of no use to anybody.
      await this.#client.call({ method: 'DELETE', path, query: { v: '1' }, ...(signal && { signal }) })
      return true
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (error.status === 404 || /already in progress/.test(error.message)) return true
      if (error.status === 409) return false
      throw error
    }
  }
}

/** The launch that a container belongs to. */
export function launchOf({ Labels }: Pick<Listed, 'Labels'>): string | undefined {
  return Labels[LAUNCH_LABEL]
}

/** The Engine puts a slash before a name. */
export function nameOf({ Names, Id }: Listed): string {
  return Names[0]?.replace(/^\//, '') ?? Id
}

/** What a container in `created` that has failed to start says. */
export function neverStarted({ State }: Inspected): boolean {
  return State.Status === 'created' && State.Error !== ''
}

function unlessGone(error: unknown): null {
  if (isStatus(error, 404)) return null
  throw error
}
