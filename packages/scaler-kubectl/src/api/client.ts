import { setTimeout as sleep } from 'node:timers/promises'
import { ScalerError } from '@brxy/scaler'
import { type ApiCall, ApiClient, ApiError } from '@brxy/scaler/api'
import { isTransient, statusIn } from './error.ts'
import type { Transport } from './transport.ts'

const MAX_TRIES = 3
const RETRY_MS = 200
/** Longest pause that the API can ask for. */
const MAX_RETRY_MS = 5_000

/** What is asked of a path. */
export type KubeRequest = Pick<ApiCall, 'method' | 'query' | 'body' | 'headers'>

/** Speaks to one API server over a transport; what is transient is tried again. */
export class KubeClient {
  readonly #transport: Transport
  readonly #client: ApiClient

  constructor(transport: Transport) {
    this.#transport = transport
    this.#client = new ApiClient({
      platform: 'Kubernetes',
      target: (signal = new AbortController().signal) => transport.target(signal),
    })
  }

  /**
   * One request and its answer. All that this adapter does can be repeated: what is created has a name, what is
   * written has a version.
   *
   * @throws ApiError the API's refusal
   * @throws ScalerError as ApiClient.call(): it did not answer
   */
  async request<T>(path: string, request: KubeRequest, signal: AbortSignal): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#client.call<T>({ ...request, path, signal })
      } catch (error) {
        if (tries === MAX_TRIES || signal.aborted || !this.#isWorthAnother(error)) throw error
        await sleep(pauseMs(error, tries), undefined, { signal })
      }
    }
  }

  /**
   * One request whose answer has no end: calls back for each line of it. Resolves when the server ends it.
   *
   * @throws as request() does, at the first mistake
   */
  async lines(path: string, request: KubeRequest, signal: AbortSignal, onLine: (line: string) => void) {
    await this.#client.lines({ ...request, path, signal }, onLine)
  }

  async close(): Promise<void> {
    this.#client.close()
    await this.#transport.close()
  }

  #isWorthAnother(error: unknown): boolean {
    if (!(error instanceof ApiError))
      return error instanceof ScalerError && error.code === 'scaler/unavailable'
    if (error.status === 401) this.#transport.refresh()
    return error.status === 401 || isTransient(error)
  }
}

function pauseMs(error: unknown, tries: number): number {
  const asked = error instanceof ApiError ? retryAfterMs(error) : undefined
  return Math.min(MAX_RETRY_MS, asked ?? RETRY_MS * 2 ** (tries - 1))
}

/** The API says it in a Status; what stands before it (a load balancer) only in a field. */
function retryAfterMs(error: ApiError): number | undefined {
  const seconds = statusIn(error).details?.retryAfterSeconds
  return seconds === undefined ? error.retryAfterMs : seconds * 1_000
}
