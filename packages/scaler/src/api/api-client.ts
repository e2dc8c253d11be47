import {
  Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http'
import { request as httpsRequest, Agent as TlsAgent } from 'node:https'
import { ScalerError } from '../error.ts'
import { type ApiAnswer, bodyOf, jsonIn, linesOf, refusalIn } from './api-answer.ts'
import type { ApiEndpoint, ApiTarget } from './api-endpoint.ts'
import { ApiError } from './api-error.ts'

/** Connections at a time, besides those that stream. */
const MAX_CONNECTIONS = 16
/** Longest time without a byte, for calls that do not wait for anything. */
const SILENCE_MS = 25_000
/** TLS alerts of RFC 8446 6.2 about what a client shows, as OpenSSL has them in its codes. */
const CERTIFICATE_REFUSED =
  /^ERR_SSL_\w+_ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|ACCESS_DENIED)$/

/** One call. */
export interface ApiCall {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** From the root: `/v1/jobs`. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** Beside `accept`, `content-type` and `content-length`, or instead of them. */
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  /** Longest time without a byte (default: 25 s, of lines() none); Infinity for calls that wait. */
  readonly silenceMs?: number
}

/**
 * A client of a platform's HTTP API, for adapters: JSON there and back, lines of a stream, errors as the contract wants
 * them. It knows nothing of any platform, and does no I/O before the first call.
 */
export class ApiClient {
  readonly #endpoint: ApiEndpoint
  readonly #agents = {
    plain: new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS, maxFreeSockets: MAX_CONNECTIONS }),
    secure: new TlsAgent({ keepAlive: true, maxSockets: MAX_CONNECTIONS, maxFreeSockets: MAX_CONNECTIONS }),
  }
  readonly #requests = new Set<ClientRequest>()
  #isClosed = false

  constructor(endpoint: ApiEndpoint) {
    this.#endpoint = endpoint
  }

  /**
   * The answer's JSON; undefined if it has none.
   *
   * @throws ApiError for a status of 400 or more
   * @throws ScalerError `scaler/unavailable`, `scaler/denied`, `scaler/aborted`, `scaler/closed`
   */
  call<T>(call: ApiCall): Promise<T> {
    return this.#exchange(call, SILENCE_MS, async (response) => jsonIn(await bodyOf(response)) as T)
  }

  /** The same, of an answer that need not be JSON, with its fields. @throws as call() */
  answer(call: ApiCall): Promise<ApiAnswer> {
    return this.#exchange(call, SILENCE_MS, async (response) => ({
      headers: response.headers,
      body: await bodyOf(response),
    }))
  }

  /** Hands over each line of an answer as it comes, empty ones left out; resolves at its end. @throws as call() */
  lines(call: ApiCall, onLine: (line: string) => void): Promise<void> {
    return this.#exchange(call, Number.POSITIVE_INFINITY, (response) => linesOf(response, onLine))
  }

  /** Ends every call under way. What the platform was asked to do goes on there. */
  close(): void {
    this.#isClosed = true
    for (const request of this.#requests) request.destroy()
    this.#agents.plain.destroy()
    this.#agents.secure.destroy()
  }

  /** @param silenceMs where the call says nothing */
  async #exchange<T>(
    call: ApiCall,
    silenceMs: number,
    read: (response: IncomingMessage) => Promise<T>,
  ): Promise<T> {
    const { platform } = this.#endpoint
    const { method = 'GET', path, signal } = call
    let where: string | undefined
    try {
      if (this.#isClosed) throw this.#closed()
      const target = await this.#endpoint.target(signal)
      where = target.where
      const response = await this.#send({ silenceMs, ...call }, target)
      if ((response.statusCode ?? 0) < 400) return await read(response)
      const body = await bodyOf(response).catch(() => Buffer.of())
      throw refusalIn(platform, `${method} ${path}`, response, body)
    } catch (error) {
      throw this.#failure(error, signal, where)
    }
  }

  async #send(call: ApiCall, target: ApiTarget): Promise<IncomingMessage> {
    try {
      return await this.#attempt(call, target)
    } catch (error) {
      // An idle connection may be closed just as it is used again: then nothing of the request was read.
      if (!isStale(error) || call.signal?.aborted) throw error
      return this.#attempt(call, target)
    }
  }

  #attempt(call: ApiCall, target: ApiTarget): Promise<IncomingMessage> {
    if (this.#isClosed) throw this.#closed()
    const { host, port, socketPath, tls, headers: common } = target
    const { method = 'GET', path, query = {}, body, headers, signal, silenceMs } = call
    const search = new URLSearchParams(query).toString()
    const json = body === undefined ? undefined : JSON.stringify(body)
    const options: RequestOptions = {
      method,
      path: search === '' ? path : `${path}?${search}`,
      headers: {
        accept: 'application/json',
        'user-agent': 'brxy',
        ...common,
        ...jsonFields(json),
        ...headers,
      },
      ...(socketPath === undefined ? { host, port } : { socketPath, host: 'localhost' }),
      ...tls,
      ...(signal === undefined ? {} : { signal }),
      // A call that waits has a connection of its own, or others would wait for it.
      ...(silenceMs === Number.POSITIVE_INFINITY
        ? { agent: false }
        : { agent: tls === undefined ? this.#agents.plain : this.#agents.secure, timeout: silenceMs }),
    }
    return new Promise((resolve, reject) => {
      const request = (tls === undefined ? httpRequest : httpsRequest)(options, resolve)
      this.#requests.add(request)
      request.once('close', () => this.#requests.delete(request))
      request.once('timeout', () =>
        request.destroy(new Error(`nothing was heard for ${(silenceMs ?? 0) / 1000} s`)),
      )
      request.once('error', (error) => reject(Object.assign(error, { isReused: request.reusedSocket })))
      request.end(json)
    })
  }

  #failure(error: unknown, signal: AbortSignal | undefined, where: string | undefined): unknown {
    if (error instanceof ScalerError || error instanceof ApiError) return error
    const cause = error as NodeJS.ErrnoException
    if (this.#isClosed) return this.#closed()
    if (signal?.aborted)
      return new ScalerError('scaler/aborted', 'the call was aborted', { cause: signal.reason })
    const { platform, hint, accessHint } = this.#endpoint
    if (where === undefined)
      return new ScalerError('scaler/unavailable', `${platform} cannot be reached: ${cause.message}`, {
        cause,
      })
    if (cause.code === 'EACCES') {
      const remedy = accessHint === undefined ? '' : `: ${accessHint}`
      return new ScalerError('scaler/denied', `this user may not use ${where}${remedy}`, { cause })
    }
    if (CERTIFICATE_REFUSED.test(cause.code ?? '')) {
      const message = `${platform} at ${where} refuses the client certificate, or asks for one: ${cause.message}`
      return new ScalerError('scaler/denied', message, { cause })
    }
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
