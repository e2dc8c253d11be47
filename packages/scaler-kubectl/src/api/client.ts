import { Agent, type IncomingMessage, request as plainRequest } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Status } from '../objects.ts'
import { ApiError } from './error.ts'
import type { Transport } from './transport.ts'

/** Connections at once; further requests wait for one. */
const MAX_SOCKETS = 8
/** Largest answer that is read: thousands of pods. */
const MAX_BODY_BYTES = 64 * 1_048_576
/** Longest line of a watch: an object is at most 1.5 MiB. */
const MAX_LINE_BYTES = 4 * 1_048_576
const MAX_TRIES = 3
const RETRY_MS = 200
/** Longest pause that the API can ask for. */
const MAX_RETRY_MS = 5_000

export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Query parameters; undefined ones are left out. */
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly body?: object
  /** Of the body; application/json without. */
  readonly contentType?: string
  readonly accept?: string
}

/** Speaks to one API server: JSON in and out, a bounded number of connections, what is transient tried again. */
export class ApiClient {
  readonly #transport: Transport
  readonly #agents = {
    plain: new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
    secure: new SecureAgent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
  }

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /**
   * One request and its answer. All that this adapter does can be repeated: what is created has a name, what is
   * written has a version.
   *
   * @throws ApiError the API's refusal; anything else: it did not answer
   */
  async request<T>(path: string, request: ApiRequest, signal: AbortSignal): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#once<T>(path, request, signal)
      } catch (error) {
        if (tries === MAX_TRIES || signal.aborted) throw error
        if (error instanceof ApiError) {
          if (error.httpStatus === 401) this.#transport.refresh()
          else if (!error.isTransient) throw error
        } else if ((error as NodeJS.ErrnoException).code === undefined) throw error
        await sleep(pauseMs(error, tries), undefined, { signal })
      }
    }
  }

  /**
   * One request whose answer has no end: calls back for each line of it. Resolves when the server ends it.
   *
   * @throws as request() does, at the first mistake
   */
  async lines(path: string, request: ApiRequest, signal: AbortSignal, onLine: (line: string) => void) {
    const answer = await this.#open(path, request, signal, true)
    await checked(answer, describe(path, request))
    let pieces: Buffer[] = []
    let bytes = 0
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      let from = 0
      for (let to = chunk.indexOf(0x0a); to >= 0; to = chunk.indexOf(0x0a, from)) {
        pieces.push(chunk.subarray(from, to))
        onLine(Buffer.concat(pieces).toString('utf8'))
        pieces = []
        bytes = 0
        from = to + 1
      }
      bytes += chunk.length - from
      if (bytes > MAX_LINE_BYTES) throw new Error(`a line of ${path} is longer than ${MAX_LINE_BYTES} bytes`)
      if (from < chunk.length) pieces.push(chunk.subarray(from))
    }
  }

  async close(): Promise<void> {
    this.#agents.plain.destroy()
    this.#agents.secure.destroy()
    await this.#transport.close()
  }

  async #once<T>(path: string, request: ApiRequest, signal: AbortSignal): Promise<T> {
    const answer = await this.#open(path, request, signal, false)
    await checked(answer, describe(path, request))
    return JSON.parse(await text(answer)) as T
  }

  async #open(path: string, request: ApiRequest, signal: AbortSignal, alone: boolean) {
    const { secure, options } = await this.#transport.endpoint(signal)
    const { method = 'GET', body, contentType = 'application/json', accept = 'application/json' } = request
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    const headers = {
      ...options.headers,
      accept,
      'user-agent': 'brxy',
      ...(payload && { 'content-type': contentType, 'content-length': payload.length }),
    }
    // A watch keeps its connection for itself: it must not stand in the way of requests.
    const shared = secure ? this.#agents.secure : this.#agents.plain
    const agent = alone ? false : shared
    const send = secure ? secureRequest : plainRequest
    return new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = send(
        { ...options, method, path: `${path}${queryOf(request)}`, headers, agent, signal },
        resolve,
      )
      outgoing.once('error', reject)
      outgoing.end(payload)
    })
  }
}

async function checked(answer: IncomingMessage, what: string): Promise<void> {
  const { statusCode = 0, headers } = answer
  if (statusCode < 400) return
  const body = await text(answer)
  throw new ApiError(statusCode, statusOf(body, headers['retry-after']), what)
}

/** The API says it in a Status; what stands before it (a kubectl proxy, a load balancer) in plain text. */
function statusOf(body: string, retryAfter: string | undefined): Status {
  const seconds = Number(retryAfter)
  const details = Number.isFinite(seconds) ? { details: { retryAfterSeconds: seconds } } : {}
  try {
    const status: Status = JSON.parse(body)
    if (status.kind === 'Status') return { ...details, ...status }
  } catch {
    // Not JSON.
  }
  return { message: body.trim().slice(0, 1_024), ...details }
}

async function text(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) throw new Error(`an answer of the API is longer than ${MAX_BODY_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function pauseMs(error: unknown, tries: number): number {
  const asked = error instanceof ApiError ? error.status.details?.retryAfterSeconds : undefined
  return Math.min(MAX_RETRY_MS, asked === undefined ? RETRY_MS * 2 ** (tries - 1) : asked * 1_000)
}

function queryOf({ query = {} }: ApiRequest): string {
  const entries = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return entries.length === 0 ? '' : `?${new URLSearchParams(entries)}`
}

function describe(path: string, { method = 'GET' }: ApiRequest): string {
  return `${method} ${path}`
}
