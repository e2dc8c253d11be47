import {
  BODY_NONE,
  encodeFields,
  type Head,
  Http1Error,
  parseCanonicalFields,
  parseCanonicalResponse,
  type RequestHead,
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
    this.heldBytes = connection.head.length + HELD_OVERHEAD_BYTES
  }

  get isDone(): boolean {
    return this.#state === DONE
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
      this.#keep(buffer, from, to)
      const room = this.#app.broker.queue.grow(this, to - from)
      if (!room || this.#replayBytes >= this.#connection.shared.options.heldBodyBytes)
        this.#connection.pauseInput()
      return
    }
    if (!stream.answered) this.#keep(buffer, from, to)
    else if (this.#replayBytes > 0) this.#dropReplay()
    if (stream.localEnd) return
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
    this.#app.broker.withdraw(this)
    this.#stream?.reset(RESET.CANCELLED)
  }

  onResponseTimeout(): void {
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
      if (interim !== head.interim) throw new Http1Error('http1/not-canonical', 0, 502)
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
    this.#connection.sendHead(head, body, length)
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
    this.#connection.onResponseEnd(this)
  }

  onWritable(): void {
    this.#connection.resumeInput()
  }

  onReset(code: number): void {
    if (this.#state === RESPONDING) return this.#abort(null)
    this.#fail(RESET_ERRORS[code] ?? 'edge/app-closed')
  }

  onLost(): void {
    if (this.#state === RESPONDING) return this.#abort(null)
    // A request that killed an instance must not kill them all: once, and only what is safe to repeat.
    const safe = SAFE_METHODS.has(this.method) && !this.#redispatched && this.#stream?.answered !== true
    if (safe) {
      this.#redispatched = true
      this.#redispatch()
    } else {
      this.#fail('edge/tunnel-lost')
    }
  }

  /** Bytes of the response reached the client's socket. */
  delivered(bytes: number, nowMs: number): void {
    this.#stream?.consumed(bytes, nowMs)
  }

  // ---

  #redispatch(): void {
    this.avoid = this.#instance
    this.#instance = null
    this.#stream = null
    this.#state = WAITING
    this.heldSinceMs = this.#connection.shared.wheel.now()
    this.#app.resubmit(this)
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
    this.#app.broker.withdraw(this)
    this.#connection.sendError(this, code, detail, retryMs)
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
