import {
  BODY_NONE,
  encodeFields,
  type Head,
  Http1Error,
  parseCanonicalFields,
  parseCanonicalResponse,
  type RequestHead,
  type ResponseHead,
} from '@brxy/http1'
import { type BodyKind, RESET, type Stream, type StreamHandler } from '@brxy/protocol'
import type { Problem } from '@brxy/scaler'
import type { App } from '../app.ts'
import type { Brokered } from '../broker.ts'
import type { ClientErrorCode } from '../error.ts'
import type { Held } from '../hold/queue.ts'
import type { Instance } from '../tunnel/instance.ts'
import type { ClientConnection } from './client-connection.ts'

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Statuses whose responses have no content (RFC 9110 15.3.5, 15.3.6, 15.4.5). */
const BODYLESS: ReadonlySet<number> = new Set([204, 205, 304])

/** What a held request occupies beside its head and body. */
const HELD_OVERHEAD_BYTES = 1024

const WAITING = 0
const RUNNING = 1
const RESPONDING = 2
const DONE = 3

/**
 * One request and its response: from the client's head to the last byte of the answer. It is held, given to an
 * instance, perhaps given to another one, and relays bodies both ways.
 */
export class Exchange implements StreamHandler, Brokered<Instance> {
  readonly arrival: number
  readonly method: string
  readonly bodyKind: BodyKind
  readonly bodyLength: number
  readonly startedMs: number
  heldBytes: number
  heldSinceMs: number
  holdUntilMs: number
  heldNext: Held | null = null
  heldPrevious: Held | null = null
  isHeld = false
  avoid: Instance | null = null
  /** The client has sent the whole request. */
  requestEnded: boolean
  /** Status sent to the client; 0 before. */
  status = 0

  readonly #connection: ClientConnection
  readonly #app: App
  #expectContinue: boolean
  #instance: Instance | null = null
  #stream: Stream | null = null
  #state: typeof WAITING | typeof RUNNING | typeof RESPONDING | typeof DONE = WAITING
  /** Body bytes that may have to be sent (again): all of a held request's, and what went out unanswered. */
  #replay: Buffer[] = []
  #replayBytes = 0
  #trailers: Buffer | null = null
  #heldMs = 0
  #redispatched = false

  constructor(connection: ClientConnection, app: App, head: RequestHead, nowMs: number) {
    const { shared } = connection
    this.#connection = connection
    this.#app = app
    this.arrival = shared.nextArrival()
    this.method = head.method
    this.bodyKind = head.bodyKind
    this.bodyLength = head.bodyLength
    this.#expectContinue = head.expectContinue
    this.requestEnded = head.bodyKind === BODY_NONE
    this.startedMs = nowMs
    this.heldSinceMs = nowMs
    this.holdUntilMs = nowMs + shared.options.holdMs
    this.heldBytes = this.#headBytes
  }

  get app(): App {
    return this.#app
  }

  get instance(): Instance | null {
    return this.#instance
  }

  /** How long it waited for a grant so far. */
  get heldMs(): number {
    return this.#heldMs
  }

  // --- from the broker ---

  /** A grant was spent for it: it goes to the instance now. */
  dispatchTo(instance: Instance, nowMs: number): void {
    const { head } = this.#connection
    this.#state = RUNNING
    this.#instance = instance
    this.#heldMs += nowMs - this.heldSinceMs
    const stream = instance.open(this, this.bodyKind, this.bodyLength, head.buffer, head.length)
    this.#stream = stream
    this.#connection.awaitResponse()
    if (this.#expectContinue) {
      this.#expectContinue = false
      this.#connection.sendContinue()
    }
    let writable = true
    for (const chunk of this.#replay) writable = stream.write(chunk, 0, chunk.length)
    if (this.requestEnded) stream.end(this.#trailers)
    if (writable) this.#connection.resumeInput()
    else this.#connection.pauseInput()
  }

  onHoldTimeout(): void {
    this.#fail('edge/hold-timeout')
  }

  onCannotStart(problem: Problem, retryMs: number): void {
    this.#fail('edge/cannot-start', problem.code, retryMs)
  }

  /** The edge is stopping or the queue is full. */
  refuse(code: ClientErrorCode, retryMs?: number): void {
    this.#fail(code, undefined, retryMs)
  }

  // --- from the client ---

  onRequestData(buffer: Buffer, from: number, to: number): void {
    if (this.#state === DONE) return
    const stream = this.#stream
    if (stream === null) {
      if (!this.#app.broker.queue.grow(this, to - from)) {
        this.#fail('edge/hold-full')
        return
      }
      this.#keep(buffer, from, to)
      this.#connection.awaitGrant(this.#replayBytes, to - from)
      return
    }
    if (!stream.answered) this.#keep(buffer, from, to)
    else if (this.#replayBytes > 0) this.#dropReplay()
    if (stream.localEnd) return
    // The application may begin to answer when it has the whole request.
    if (this.#state === RUNNING) this.#connection.awaitResponse()
    if (!stream.write(buffer, from, to)) this.#connection.pauseInput()
  }

  onRequestTrailers(fields: Head): void {
    const out = Buffer.allocUnsafe(fields.fieldsEnd - fields.fieldsStart)
    this.#trailers = out.subarray(0, encodeFields(fields, out, 0))
  }

  onRequestEnd(): void {
    this.requestEnded = true
    this.#stream?.end(this.#trailers)
  }

  /** The client is gone, or sent something that is no HTTP: the request is over, through to the application. */
  cancel(): void {
    if (this.#state === DONE) return
    this.#state = DONE
    this.#app.withdraw(this)
    this.#stream?.reset(RESET.CANCELLED)
  }

  /** What the connection's timer waited for has not come. */
  onTimeout(): void {
    if (this.#state === WAITING) this.#connection.resumeInput()
    if (this.#state !== RUNNING) return
    this.#stream?.reset(RESET.TIMEOUT)
    this.#fail('edge/response-timeout')
  }

  // --- from the tunnel (StreamHandler) ---

  onRefuse(_reason: number): void {
    this.#redispatch()
  }

  onHead(interim: boolean, body: BodyKind, length: number, buffer: Buffer, from: number, to: number): void {
    const head = this.#connection.shared.responseHead
    try {
      parseCanonicalResponse(buffer, from, to, head)
      this.#check(head, interim, body)
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error
      this.#stream?.reset(RESET.BAD_HEAD)
      this.#fail('edge/app-protocol')
      return
    }
    if (interim) {
      this.#connection.sendInterim(head)
      return
    }
    this.#dropReplay()
    this.#state = RESPONDING
    this.status = head.status
    this.#connection.sendHead(this, head, body, length)
  }

  onData(buffer: Buffer, from: number, to: number): void {
    this.#connection.sendBody(buffer, from, to)
  }

  onTrailers(buffer: Buffer, from: number, to: number): void {
    const fields = this.#connection.shared.trailers
    try {
      parseCanonicalFields(buffer, from, to, fields)
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error
      this.#abort(RESET.BAD_HEAD)
      return
    }
    this.#connection.sendTrailers(fields)
  }

  onEnd(): void {
    if (this.#state === DONE) return
    this.#state = DONE
    // What is left of the upload is not wanted any more.
    if (!this.requestEnded) this.#stream?.reset(RESET.NO_ERROR)
    this.#instance?.served()
    this.#connection.sendEnd(this)
  }

  onWritable(): void {
    this.#connection.resumeInput()
  }

  onReset(code: number): void {
    if (this.#state === RESPONDING) return this.#abort(null)
    this.#fail(RESET_ERRORS[code] ?? 'edge/app-closed')
  }

  onLost(): void {
    // Its other streams hear of the end one by one, and the session's owner last.
    if (this.#instance !== null) this.#app.lost(this.#instance)
    if (this.#state === RESPONDING) return this.#abort(null)
    // A request that killed an instance must not kill them all: once, and only what is safe to repeat.
    const isSafe = SAFE_METHODS.has(this.method) && !this.#redispatched && this.#stream?.answered !== true
    if (!isSafe) return this.#fail('edge/tunnel-lost')
    this.#redispatched = true
    this.#redispatch()
  }

  /** Bytes of the response reached the client's socket. */
  delivered(bytes: number, nowMs: number): void {
    this.#stream?.consumed(bytes, nowMs)
  }

  // ---

  /** A response head that is canonical may still be one that this request cannot have. */
  #check(head: ResponseHead, interim: boolean, body: BodyKind): void {
    const isBodyless = this.method === 'HEAD' || BODYLESS.has(head.status)
    // A body that the client does not expect would be read as the next response (RFC 9112 6.3).
    if (interim !== head.interim || head.upgrade || (isBodyless && body !== BODY_NONE)) {
      throw new Http1Error('http1/not-canonical', 0, 502)
    }
  }

  /** Back to its place in the queue. It was admitted before, so only its age bounds how often. */
  #redispatch(): void {
    const nowMs = this.#connection.shared.wheel.now()
    this.avoid = this.#instance
    this.#instance = null
    this.#stream = null
    this.#state = WAITING
    this.heldSinceMs = nowMs
    this.heldBytes = this.#headBytes + this.#replayBytes
    if (nowMs >= this.holdUntilMs) return this.#fail('edge/hold-timeout')
    this.#connection.awaitGrant(this.#replayBytes, 0)
    this.#app.resubmit(this)
  }

  get #headBytes(): number {
    return this.#connection.head.length + HELD_OVERHEAD_BYTES
  }

  #keep(buffer: Buffer, from: number, to: number): void {
    this.#replay.push(Buffer.from(buffer.subarray(from, to)))
    this.#replayBytes += to - from
  }

  #dropReplay(): void {
    this.#replay = []
    this.#replayBytes = 0
  }

  #fail(code: ClientErrorCode, detail?: string, retryMs?: number): void {
    if (this.#state === DONE) return
    if (this.#state === WAITING) this.#heldMs += this.#connection.shared.wheel.now() - this.heldSinceMs
    this.#state = DONE
    this.#app.withdraw(this)
    this.#connection.sendError(this, code, detail, retryMs)
  }

  /** For people who watch. @param error a code, or what became of it; null if all went well. */
  report(error: string | null): void {
    const { shared, head } = this.#connection
    if (!shared.wantsRequests) return
    shared.emit({
      type: 'request',
      app: this.#app.route,
      instance: this.#instance?.label ?? null,
      method: this.method,
      target: head.target,
      status: this.status,
      tookMs: shared.wheel.now() - this.startedMs,
      heldMs: this.#heldMs,
      error,
    })
  }

  /** After the response head only an abort says that the body is not complete. */
  #abort(reset: number | null): void {
    if (this.#state === DONE) return
    this.#state = DONE
    if (reset !== null) this.#stream?.reset(reset)
    this.#connection.abort(this)
  }
}

/** What the client is told about a RESET before the response head. */
const RESET_ERRORS: Readonly<Record<number, ClientErrorCode>> = {
  [RESET.BODY_LENGTH]: 'edge/app-incomplete',
  [RESET.APP_CLOSED]: 'edge/app-closed',
  [RESET.APP_PROTOCOL]: 'edge/app-protocol',
  [RESET.BAD_HEAD]: 'edge/app-protocol',
  [RESET.TIMEOUT]: 'edge/response-timeout',
}
