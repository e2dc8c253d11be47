import {
  Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http'
import { request as httpsRequest, Agent as TlsAgent } from 'node:https'
import { ScalerError } from '../error.ts'
import { ApiError } from './api-error.ts'

/** Connections at a time, besides those that stream. */
const MAX_CONNECTIONS = 16
/** Largest answer, and largest line of a stream, that is read: a list of 10,000 containers has about 20 MiB. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024
/** Longest time without a byte, for calls that do not wait for anything. */
const SILENCE_MS = 25_000

/** Where the API of a platform is, and how it is talked to. */
export interface ApiEndpoint {
  /** In messages: `Nomad`. */
  readonly platform: string
  /** In messages, without secrets: `https://10.0.0.1:4646`, `unix:///var/run/docker.sock`. */
  readonly where: string
  /** Of the URL; absent for a socket. */
  readonly host?: string
  readonly port?: number
  /** Path of a Unix socket. */
  readonly socketPath?: string
  /** TLS, with these PEM texts; absent: none. */
  readonly tls?: {
    readonly ca?: string
    readonly cert?: string
    readonly key?: string
    readonly servername?: string
  }
  /** Fields of every request. Asked for each time, for tokens are renewed. @throws what the caller of call() then hears */
  readonly headers?: () => Readonly<Record<string, string>>
  /** What to do when nobody answers at all: `is the agent running?`. */
  readonly hint?: string
}

/** One call. */
export interface ApiCall {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** From the root: `/v1/jobs`. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  /** Longest time without a byte (default: 25 s for call(), none for lines()). */
  readonly silenceMs?: number
}

/**
 * A client of a platform's HTTP API, for adapters: JSON there and back, lines of a stream, errors as the contract wants
 * them. It knows nothing of any platform, and does no I/O before the first call.
 */
export class ApiClient {
  readonly #endpoint: ApiEndpoint
  readonly #agent: Agent
  readonly #requests = new Set<ClientRequest>()
  #isClosed = false

  constructor(endpoint: ApiEndpoint) {
    this.#endpoint = endpoint
    const pool = { keepAlive: true, maxSockets: MAX_CONNECTIONS, maxFreeSockets: MAX_CONNECTIONS }
    this.#agent = endpoint.tls === undefined ? new Agent(pool) : new TlsAgent({ ...pool, ...endpoint.tls })
  }

  /**
   * The answer's JSON; undefined if it has none.
   *
   * @throws ApiError for a status of 400 or more
   * @throws ScalerError `scaler/unavailable`, `scaler/denied`, `scaler/aborted`, `scaler/closed`
   */
  async call<T>(call: ApiCall): Promise<T> {
    const { silenceMs = SILENCE_MS } = call
    const response = await this.#exchange(call, silenceMs)
    try {
      return parseJson(await textOf(response)) as T
    } catch (error) {
      throw this.#failure(error, call.signal)
    }
  }

  /** Hands over each line of an answer as it comes, empty ones left out; resolves at its end. @throws as call() */
  async lines(call: ApiCall, onLine: (line: string) => void): Promise<void> {
    const response = await this.#exchange(call, call.silenceMs ?? Number.POSITIVE_INFINITY)
    let rest = ''
    try {
      for await (const chunk of response.setEncoding('utf8')) {
        const lines = `${rest}${chunk}`.split('\n')
        rest = lines.pop() ?? ''
        if (rest.length > MAX_ANSWER_BYTES) throw new Error(`a line is longer than ${MAX_ANSWER_BYTES} bytes`)
        for (const line of lines) if (line.trim() !== '') onLine(line)
      }
    } catch (error) {
      throw this.#failure(error, call.signal)
    }
    if (rest.trim() !== '') onLine(rest)
  }

  /** Ends every call under way. What the platform was asked to do goes on there. */
  close(): void {
    this.#isClosed = true
    for (const request of this.#requests) request.destroy()
    this.#agent.destroy()
  }

  async #exchange(call: ApiCall, silenceMs: number): Promise<IncomingMessage> {
    const response = await this.#send(call, silenceMs)
    const { statusCode = 0 } = response
    if (statusCode < 400) return response
    const text = await textOf(response).catch(() => '')
    throw new ApiError(statusCode, messageIn(text) ?? `${this.#endpoint.platform} answered ${statusCode}`)
  }

  async #send(call: ApiCall, silenceMs: number): Promise<IncomingMessage> {
    if (this.#isClosed) throw this.#closed()
    try {
      return await this.#attempt(call, silenceMs)
    } catch (error) {
      // An idle connection may be closed just as it is used again: then nothing of the request was read.
      if (!isStale(error) || this.#isClosed || call.signal?.aborted) throw this.#failure(error, call.signal)
    }
    return this.#attempt(call, silenceMs).catch((error) => {
      throw this.#failure(error, call.signal)
    })
  }

  #attempt(call: ApiCall, silenceMs: number): Promise<IncomingMessage> {
    const { host, port, socketPath, tls, headers: common } = this.#endpoint
    const { method = 'GET', path, query = {}, body, headers, signal } = call
    const search = new URLSearchParams(query).toString()
    const json = body === undefined ? undefined : JSON.stringify(body)
    const options: RequestOptions = {
      method,
      path: search === '' ? path : `${path}?${search}`,
      headers: { accept: 'application/json', ...common?.(), ...jsonFields(json), ...headers },
      ...(socketPath === undefined ? { host, port } : { socketPath, host: 'localhost' }),
      ...(signal === undefined ? {} : { signal }),
      // A call that waits has a connection of its own, or others would wait for it.
      ...(silenceMs === Number.POSITIVE_INFINITY
        ? { ...tls, agent: false }
        : { agent: this.#agent, timeout: silenceMs }),
    }
    return new Promise((resolve, reject) => {
      const request = (tls === undefined ? httpRequest : httpsRequest)(options, resolve)
      this.#requests.add(request)
      request.once('close', () => this.#requests.delete(request))
      request.once('timeout', () => request.destroy(new Error(`nothing was heard for ${silenceMs / 1000} s`)))
      request.once('error', (error) => reject(Object.assign(error, { isReused: request.reusedSocket })))
      request.end(json)
    })
  }

  #failure(error: unknown, signal: AbortSignal | undefined): unknown {
    if (error instanceof ScalerError || error instanceof ApiError) return error
    const cause = error as NodeJS.ErrnoException
    if (this.#isClosed) return this.#closed()
    if (signal?.aborted)
      return new ScalerError('scaler/aborted', 'the call was aborted', { cause: signal.reason })
    const { platform, where, hint } = this.#endpoint
    if (cause.code === 'EACCES')
      return new ScalerError('scaler/denied', `this user may not use ${where}`, { cause })
    const isAbsent = cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED' || cause.code === 'ENOTFOUND'
    const remedy = isAbsent && hint !== undefined ? `; ${hint}` : ''
    const message = `${platform} does not answer at ${where}: ${cause.message}${remedy}`
    return new ScalerError('scaler/unavailable', message, { cause })
  }

  #closed(): ScalerError {
    return new ScalerError('scaler/closed', `the scaler for ${this.#endpoint.platform} was closed`)
  }
}

function jsonFields(json: string | undefined): Record<string, string | number> {
  return json === undefined
    ? {}
    : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) }
}

function isStale(error: unknown): boolean {
  const { code, isReused } = error as { code?: string; isReused?: boolean }
  return isReused === true && (code === 'ECONNRESET' || code === 'EPIPE')
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_ANSWER_BYTES) throw new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Docker and Kubernetes say `{"message": ...}`, Nomad says it in plain text. */
function messageIn(text: string): string | undefined {
  const message = (parseJson(text) as { message?: unknown } | null | undefined)?.message
  if (typeof message === 'string' && message !== '') return message
  return text.trim() === '' ? undefined : text.trim().slice(0, 4096)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
