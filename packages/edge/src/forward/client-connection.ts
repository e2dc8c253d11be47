import type { Socket } from 'node:net'
import {
  type BodyKind,
  type ClientResponseFraming,
  CRLF,
  type Head,
  type Http1Error,
  LAST_CHUNK,
  type MessageSink,
  RequestDecoder,
  type RequestHead,
  type ResponseHead,
  roomFor,
  writeChunkHead,
  writeClientResponse,
  writeTrailers,
} from '@brxy/http1'
import { BODY_KNOWN, BODY_NONE, BODY_UNKNOWN } from '@brxy/protocol'
import { WheelTimer, type WriterOwner } from '@brxy/protocol/transport'
import { CLIENT_ERRORS, type ClientErrorCode } from '../error.ts'
import { type ErrorAnswer, errorResponse } from './error-response.ts'
import { Exchange } from './exchange.ts'
import { CanonicalHead } from './request-head.ts'
import type { Shared } from './shared.ts'

/** Bytes of the next requests that wait unparsed; then the socket is not read (HTTP.md "pipelining"). */
const MAX_PIPELINED_BYTES = 64 * 1024
/** Room that a chunk header needs at most. */
const CHUNK_HEAD_BYTES = 16
/** How long what a refused client still sends is read and thrown away, so that it can read the answer. */
const LINGER_MS = 10_000
const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n')

const READING = 0
const LINGERING = 1
const CLOSED = 2

/**
 * One client connection, HTTP/1: requests one after another, each brokered afresh; responses with framing made
 * anew. It owns the socket and decides nothing about where a request goes.
 */
export class ClientConnection implements MessageSink<RequestHead>, WriterOwner {
  readonly socket: Socket
  readonly shared: Shared
  /** Canonical head of the request under way. */
  readonly head: CanonicalHead
  readonly #onClosed: (connection: ClientConnection) => void
  readonly #decoder = new RequestDecoder()
  readonly #timer: WheelTimer
  /** The framing of the response under way; one object for all responses of the connection. */
  readonly #framing: { -readonly [K in keyof ClientResponseFraming]: ClientResponseFraming[K] } = {
    clientMinorVersion: 1,
    contentLength: -1,
    chunked: false,
    connection: 'default',
    date: null,
  }
  #state: typeof READING | typeof LINGERING | typeof CLOSED = READING
  #exchange: Exchange | null = null
  /** Input that waits: the rest of a read after a request, and what is pipelined behind it. */
  #input: Buffer | null = null
  #paused = false
  #pumping = false
  #beginAfterPush = false
  /** When the first byte of an unfinished head came; -1 for none. */
  #headSinceMs = -1
  #failure: { answer: ErrorAnswer; close: boolean } | null = null
  // What the request under way says about its response.
  #minorVersion: 0 | 1 = 1
  #keepAlive = true
  #isHead = false
  #teTrailers = false
  #closeDelimited = false
  /** Response bytes that went to the socket and are not yet credited. */
  #undelivered = 0

  constructor(socket: Socket, shared: Shared, onClosed: (connection: ClientConnection) => void) {
    this.socket = socket
    this.shared = shared
    this.#onClosed = onClosed
    this.head = new CanonicalHead(plainAddress(socket.remoteAddress), 'http')
    this.#timer = new WheelTimer(() => this.#onTimeout())
    this.#awaitNext()
    socket.on('data', (data) => this.#onInput(data))
    socket.on('drain', () => this.#credit())
    socket.on('end', () => this.#onEnd())
    socket.on('error', () => {})
    socket.on('close', () => this.#onClose())
  }

  /** The edge drains: an idle connection closes now, a busy one after its response. */
  drain(): void {
    if (this.#exchange === null && this.#decoder.idle) this.#finish()
  }

  /** The edge stops: nothing is waited for. */
  destroy(): void {
    this.socket.destroy()
  }

  // --- client -> edge ---

  #onInput(data: Buffer): void {
    if (this.#state !== READING) return
    this.#input = this.#input === null ? data : Buffer.concat([this.#input, data])
    this.#pump()
  }

  /** Feeds the decoder until it waits for more bytes or for the response. */
  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    while (this.#input !== null && this.#state === READING && !this.#isWaiting()) {
      const input = this.#input
      const used = this.#decoder.push(input, 0, input.length, this)
      // A sink call may have paused the input or closed the connection.
      this.#input = used === input.length ? null : input.subarray(used)
      if (this.#failure !== null) this.#answerFailure()
      else if (this.#beginAfterPush) this.#begin()
    }
    this.#pumping = false
    if (this.#state !== READING) return
    if (this.#input !== null && this.#input.length >= MAX_PIPELINED_BYTES) this.pauseInput()
    if (this.#exchange === null && !this.#decoder.idle) this.#awaitHead()
  }

  /** Whether the next bytes have to wait: a request is complete and its response is not, or the body is blocked. */
  #isWaiting(): boolean {
    const exchange = this.#exchange
    return exchange !== null && (exchange.requestEnded || this.#paused)
  }

  onHead(head: RequestHead): void {
    this.#minorVersion = head.minorVersion
    this.#keepAlive = head.keepAlive
    this.#isHead = head.isHead
    this.#teTrailers = head.teTrailers
    // Upgrades are not forwarded yet: the application sees an ordinary request.
    head.upgrade = ''
    if (!this.head.write(head)) return this.#refuse('http1/head-too-large', 431, true)
    const app = this.shared.isDraining ? 'edge/draining' : this.shared.router.route(head.hostKey)
    if (typeof app === 'string')
      return this.#refuse(app, CLIENT_ERRORS[app].status, head.bodyKind !== BODY_NONE)
    const exchange = new Exchange(this, app, head, this.shared.wheel.now())
    this.#exchange = exchange
    this.shared.wheel.clear(this.#timer)
    app.submit(exchange)
  }

  onData(buffer: Buffer, from: number, to: number): void {
    this.#exchange?.onRequestData(buffer, from, to)
  }

  onTrailers(fields: Head): void {
    this.#exchange?.onRequestTrailers(fields)
  }

  onEnd(): void {
    const exchange = this.#exchange
    if (exchange !== null) exchange.onRequestEnd()
  }

  onError(error: Http1Error): void {
    const exchange = this.#exchange
    if (exchange !== null && exchange.status !== 0) {
      // The response is under way: only an abort can say that the request was broken.
      exchange.cancel()
      this.abort(exchange)
      return
    }
    exchange?.cancel()
    this.#refuse(error.code, error.status, true)
  }

  pauseInput(): void {
    if (this.#paused) return
    this.#paused = true
    this.socket.pause()
  }

  resumeInput(): void {
    if (!this.#paused) return
    this.#paused = false
    this.socket.resume()
    if (this.#input !== null) this.#pump()
  }

  // --- edge -> client ---

  /** The request was given to an instance: from now on the application is waited for. */
  awaitResponse(): void {
    this.shared.wheel.set(this.#timer, this.shared.wheel.now() + this.shared.options.responseMs)
  }

  sendContinue(): void {
    if (this.#minorVersion === 1) this.shared.writer.append(this, CONTINUE, 0, CONTINUE.length)
  }

  sendInterim(head: ResponseHead): void {
    // 1.0 clients do not know interim responses (RFC 9110 15.2).
    if (this.#minorVersion === 0 || head.status === 100) return
    const framing = this.#framing
    framing.contentLength = -1
    framing.chunked = false
    framing.connection = 'default'
    framing.date = null
    this.#writeHead(head)
  }

  sendHead(head: ResponseHead, body: BodyKind, length: number): void {
    this.shared.wheel.clear(this.#timer)
    const exchange = this.#exchange
    const framing = this.#framing
    const unknown = body === BODY_UNKNOWN
    framing.clientMinorVersion = this.#minorVersion
    framing.chunked = unknown && this.#minorVersion === 1
    this.#closeDelimited = unknown && this.#minorVersion === 0
    // A bodyless answer carries a length only where it tells what GET would have had (HEAD, 304).
    framing.contentLength = body === BODY_KNOWN || (body === BODY_NONE && length > 0) ? length : -1
    if (body === BODY_NONE && length === 0 && !this.#isHead && head.status !== 304) framing.contentLength = 0
    if (this.#closeDelimited || exchange?.requestEnded !== true || this.shared.isDraining)
      this.#keepAlive = false
    framing.connection = this.#keepAlive ? (this.#minorVersion === 0 ? 'keep-alive' : 'default') : 'close'
    framing.date = this.shared.date.text
    this.#writeHead(head)
  }

  sendBody(buffer: Buffer, from: number, to: number): void {
    const { writer } = this.shared
    this.#undelivered += to - from
    if (this.#framing.chunked) {
      const at = writer.room(this, CHUNK_HEAD_BYTES)
      writer.advance(writeChunkHead(to - from, writer.buffer, at))
      writer.append(this, buffer, from, to)
      writer.append(this, CRLF, 0, CRLF.length)
    } else {
      writer.append(this, buffer, from, to)
    }
  }

  sendTrailers(fields: Head): void {
    if (!this.#framing.chunked || !this.#teTrailers) return
    const { writer } = this.shared
    const at = writer.room(this, fields.fieldsEnd - fields.fieldsStart + LAST_CHUNK.length)
    writer.advance(writeTrailers(fields, writer.buffer, at))
    // The last chunk has gone out with them.
    this.#framing.chunked = false
  }

  /** The response is complete. */
  onResponseEnd(exchange: Exchange): void {
    if (this.#framing.chunked) this.shared.writer.append(this, LAST_CHUNK, 0, LAST_CHUNK.length)
    this.#framing.chunked = false
    this.#done(exchange, null)
  }

  /** The exchange failed before its response head: the edge answers. */
  sendError(exchange: Exchange, code: ClientErrorCode, detail?: string, retryMs?: number): void {
    const { status } = CLIENT_ERRORS[code]
    exchange.status = status
    // A body that was not read to its end cannot be skipped safely.
    if (!exchange.requestEnded) this.#keepAlive = false
    this.#writeError({ code, status, detail, retryMs }, !this.#keepAlive || this.shared.isDraining)
    this.#done(exchange, code)
  }

  /** The response cannot be completed: the client must not take it for complete. */
  abort(exchange: Exchange): void {
    this.#report(exchange, 'aborted')
    this.#state = CLOSED
    this.shared.writer.flush()
    // A close-delimited body looks complete after FIN; only RST says that it is not.
    if (this.#closeDelimited) this.socket.resetAndDestroy()
    else this.socket.destroy()
  }

  onFlushed(): void {
    this.#credit()
  }

  /** What the kernel has taken counts as delivered, and opens the window of the stream again. */
  #credit(): void {
    if (this.#undelivered === 0 || this.socket.writableLength > 0) return
    const bytes = this.#undelivered
    this.#undelivered = 0
    this.#exchange?.delivered(bytes, this.shared.wheel.now())
  }

  #writeHead(head: ResponseHead): void {
    const { writer } = this.shared
    const at = writer.room(this, roomFor(head, null))
    writer.advance(writeClientResponse(head, this.#framing, null, null, writer.buffer, at))
  }

  #done(exchange: Exchange, error: string | null): void {
    this.#report(exchange, error)
    this.#exchange = null
    this.#undelivered = 0
    if (!this.#keepAlive || this.shared.isDraining) return this.#finish()
    // Inside a push the decoder is not done with this request yet; #pump begins the next one.
    if (this.#pumping) {
      this.#beginAfterPush = true
      return
    }
    this.#begin()
    this.resumeInput()
    if (this.#input !== null) this.#pump()
  }

  #begin(): void {
    this.#beginAfterPush = false
    this.#headSinceMs = -1
    this.#decoder.begin()
    this.#awaitNext()
  }

  #report(exchange: Exchange, error: string | null): void {
    if (!this.shared.wantsRequests) return
    this.shared.emit({
      type: 'request',
      app: exchange.app.route,
      instance: exchange.instance?.label ?? null,
      method: exchange.method,
      target: this.head.target,
      status: exchange.status,
      tookMs: this.shared.wheel.now() - exchange.startedMs,
      heldMs: exchange.heldMs,
      error,
    })
  }

  // --- refusals without an exchange ---

  /** Answers after the decoder has returned, for it must not be called from within its own sink. */
  #refuse(code: string, status: number, close: boolean): void {
    this.#failure = { answer: { code, status }, close }
  }

  #answerFailure(): void {
    const failure = this.#failure
    if (failure === null) return
    this.#failure = null
    this.#exchange = null
    if (failure.close) this.#keepAlive = false
    this.#writeError(failure.answer, !this.#keepAlive)
    if (this.#keepAlive && !this.shared.isDraining) {
      this.#begin()
    } else {
      this.#finish()
    }
  }

  #writeError(answer: ErrorAnswer, close: boolean): void {
    const response = errorResponse(answer, this.head, {
      isHead: this.#isHead,
      close,
      keepAlive: this.#minorVersion === 0 && !close,
      date: this.shared.date.text,
    })
    this.shared.writer.append(this, response, 0, response.length)
  }

  // --- connection ---

  #awaitNext(): void {
    this.shared.wheel.set(this.#timer, this.shared.wheel.now() + this.shared.options.keepAliveMs)
  }

  #awaitHead(): void {
    // Set once, at the first byte: a head that trickles in does not extend it.
    if (this.#headSinceMs >= 0) return
    this.#headSinceMs = this.shared.wheel.now()
    this.shared.wheel.set(this.#timer, this.#headSinceMs + this.shared.options.headMs)
  }

  #onTimeout(): void {
    if (this.#state === LINGERING) {
      this.socket.destroy()
    } else if (this.#exchange !== null) {
      this.#exchange.onResponseTimeout()
    } else if (this.#decoder.idle) {
      this.#finish()
    } else {
      this.#keepAlive = false
      this.#writeError({ code: 'edge/head-timeout', status: CLIENT_ERRORS['edge/head-timeout'].status }, true)
      this.#finish()
    }
  }

  /** A client that sends FIN has ended its request (HTTP.md "client FIN"). */
  #onEnd(): void {
    if (this.#exchange !== null) {
      this.#exchange.cancel()
      this.socket.destroy()
    } else if (this.#state === READING) {
      this.#finish()
    }
  }

  /**
   * FIN; what still comes is thrown away, for closing at once would RST the answer away. A client that does not
   * close as well is cut.
   */
  #finish(): void {
    this.shared.writer.flush()
    this.socket.end()
    this.#state = LINGERING
    this.#input = null
    this.shared.wheel.set(this.#timer, this.shared.wheel.now() + LINGER_MS)
    this.socket.resume()
  }

  #onClose(): void {
    this.#state = CLOSED
    this.shared.wheel.clear(this.#timer)
    const exchange = this.#exchange
    this.#exchange = null
    if (exchange !== null && !exchange.isDone) {
      exchange.cancel()
      this.#report(exchange, 'client gone')
    }
    this.#onClosed(this)
  }
}

/** ::ffff:10.0.0.1 -> 10.0.0.1 */
function plainAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown'
  return address.startsWith('::ffff:') ? address.slice(7) : address
}
