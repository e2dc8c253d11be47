import { readFileSync } from 'node:fs'
import {
  Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http'
import { request as httpsRequest, Agent as TlsAgent } from 'node:https'
import { ScalerError } from '@brxy/scaler'
import { type Address, formatAddress, type TlsFiles } from './address.ts'

/** Connections to the Engine at a time, besides those that stream. */
const MAX_CONNECTIONS = 16
/** Largest answer that is read: a list of 10,000 containers has about 20 MiB. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024
/** Longest time without a byte from the Engine, for calls that do not wait for anything. */
const SILENCE_MS = 25_000
/** The newest version of the API that this code was written against; an older Engine says its own. */
const NEWEST_VERSION: readonly [number, number] = [1, 51]

/** One call. */
export interface Call {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  /** Below the version: `/containers/json`. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  /** Longest time without a byte; Infinity for calls that wait. */
  readonly silenceMs?: number
}

/** An answer that was no success: the Engine's own words. */
export class ApiError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/**
 * The Engine's HTTP API, of which about ten endpoints are needed. The version is that of the Engine, for 20.10 speaks up
 * to 1.41, and 29 refuses what is below 1.44.
 */
export class DockerClient {
  readonly #address: Address
  #agent: Agent | null = null
  #version: Promise<string> | null = null
  readonly #streams = new Set<ClientRequest>()
  #isClosed = false

  /** No I/O. */
  constructor(address: Address) {
    this.#address = address
  }

  /**
   * The answer's JSON; undefined if it has none.
   *
   * @throws ApiError for a status of 400 or more
   * @throws ScalerError `scaler/unavailable`, `scaler/denied`, `scaler/aborted`, `scaler/closed`
   */
  async call<T>(call: Call): Promise<T> {
    const text = (await this.bytes(call)).toString('utf8')
    return (text === '' ? undefined : parseJson(text)) as T
  }

  /** The same, of answers that are no JSON. */
  async bytes(call: Call): Promise<Buffer> {
    const response = await this.#send(call)
    try {
      return await bodyOf(response)
    } catch (error) {
      throw this.#failure(error, call.signal)
    }
  }

  /** Hands over each line of an answer as it comes; resolves at its end. */
  async lines(call: Call, onLine: (line: string) => void): Promise<void> {
    const response = await this.#send({ ...call, silenceMs: call.silenceMs ?? Number.POSITIVE_INFINITY })
    let rest = ''
    try {
      for await (const chunk of response.setEncoding('utf8')) {
        const lines = `${rest}${chunk}`.split('\n')
        rest = lines.pop() ?? ''
        if (rest.length > MAX_ANSWER_BYTES) throw new Error('a line is too long')
        for (const line of lines) if (line.trim() !== '') onLine(line)
      }
    } catch (error) {
      throw this.#failure(error, call.signal)
    }
    if (rest.trim() !== '') onLine(rest)
  }

  /** Ends every call under way. What the Engine was asked to do goes on. */
  close(): void {
    this.#isClosed = true
    for (const request of this.#streams) request.destroy()
    this.#agent?.destroy()
  }

  async #send(call: Call): Promise<IncomingMessage> {
    const { path, query = {} } = call
    const search = new URLSearchParams(query).toString()
    this.#version ??= this.#negotiate(call.signal)
    const version = await this.#version.catch((error) => {
      // The next call asks anew.
      this.#version = null
      throw error
    })
    const response = await this.#exchange(call, `/v${version}${path}${search === '' ? '' : `?${search}`}`)
    const { statusCode = 0 } = response
    if (statusCode < 400) return response
    const text = (await bodyOf(response).catch(() => Buffer.of())).toString('utf8')
    throw new ApiError(statusCode, messageIn(text) ?? `the Engine answered ${statusCode}`)
  }

  async #negotiate(signal: AbortSignal | undefined): Promise<string> {
    const response = await this.#exchange({ path: '/_ping', ...(signal && { signal }) }, '/_ping')
    response.resume()
    const theirs = String(response.headers['api-version'] ?? '')
      .split('.')
      .map(Number)
    const [major = 0, minor = 0] = theirs
    const isOlder = major < NEWEST_VERSION[0] || (major === NEWEST_VERSION[0] && minor < NEWEST_VERSION[1])
    if (theirs.length !== 2 || theirs.some(Number.isNaN))
      throw new ScalerError(
        'scaler/unavailable',
        `${formatAddress(this.#address)} does not answer as Docker does`,
      )
    return (isOlder ? theirs : NEWEST_VERSION).join('.')
  }

  async #exchange(call: Call, path: string): Promise<IncomingMessage> {
    if (this.#isClosed) throw new ScalerError('scaler/closed', 'the docker scaler was closed')
    try {
      return await this.#attempt(call, path)
    } catch (error) {
      // The Engine may close an idle connection just as it is used again. All calls can be repeated: what exists already is
      // answered with 409, what runs already with 304.
      if (!isStale(error) || this.#isClosed || call.signal?.aborted) throw this.#failure(error, call.signal)
      return await this.#attempt(call, path).catch((again) => {
        throw this.#failure(again, call.signal)
      })
    }
  }

  #attempt(
    { method = 'GET', body, headers = {}, signal, silenceMs = SILENCE_MS }: Call,
    path: string,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const json = body === undefined ? undefined : JSON.stringify(body)
      const options: RequestOptions = {
        ...this.#target(),
        method,
        path,
        headers: {
          ...headers,
          ...(json === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) }),
        },
        ...(signal === undefined ? {} : { signal }),
        // A call that waits has a connection of its own: others would wait for it.
        ...(silenceMs === Number.POSITIVE_INFINITY ? { agent: false } : { timeout: silenceMs }),
      }
      const send = this.#address.kind === 'tcp' && this.#address.tls !== null ? httpsRequest : httpRequest
      const request = send(options, resolve)
      this.#streams.add(request)
      request.once('close', () => this.#streams.delete(request))
      request.once('timeout', () => request.destroy(new Error(`nothing was heard for ${silenceMs / 1000} s`)))
      request.once('error', (error) => reject(Object.assign(error, { isReused: request.reusedSocket })))
      request.end(json)
    })
  }

  #target(): RequestOptions {
    const address = this.#address
    const pool = { keepAlive: true, maxSockets: MAX_CONNECTIONS, maxFreeSockets: MAX_CONNECTIONS }
    if (address.kind === 'unix') {
      this.#agent ??= new Agent(pool)
      return { socketPath: address.path, host: 'docker', agent: this.#agent }
    }
    const { host, port, tls } = address
    if (tls === null) this.#agent ??= new Agent(pool)
    const files = tls === null ? {} : filesOf(tls)
    this.#agent ??= new TlsAgent({ ...pool, ...files })
    return { host, port, ...files, agent: this.#agent }
  }

  #failure(error: unknown, signal: AbortSignal | undefined): unknown {
    if (error instanceof ScalerError || error instanceof ApiError) return error
    const cause = error as NodeJS.ErrnoException
    if (this.#isClosed) return new ScalerError('scaler/closed', 'the docker scaler was closed', { cause })
    if (signal?.aborted)
      return new ScalerError('scaler/aborted', 'the call was aborted', { cause: signal.reason })
    const where = formatAddress(this.#address)
    if (cause.code === 'EACCES')
      return new ScalerError(
        'scaler/denied',
        `may not use ${where}: run the edge as a user who may (group docker), which makes it root`,
        { cause },
      )
    const hint =
      cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED'
        ? '; is dockerd running, and is that its address?'
        : ''
    return new ScalerError(
      'scaler/unavailable',
      `Docker does not answer at ${where}: ${cause.message}${hint}`,
      { cause },
    )
  }
}

function isStale(error: unknown): boolean {
  const { code, isReused } = error as { code?: string; isReused?: boolean }
  return isReused === true && (code === 'ECONNRESET' || code === 'EPIPE')
}

function filesOf({ ca, cert, key }: TlsFiles): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  return {
    ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
    ...(cert === undefined ? {} : { cert: readFileSync(cert) }),
    ...(key === undefined ? {} : { key: readFileSync(key) }),
  }
}

async function bodyOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_ANSWER_BYTES) throw new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function messageIn(text: string): string | undefined {
  const message = (parseJson(text) as { message?: unknown } | undefined)?.message
  return typeof message === 'string' && message !== '' ? message : undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
