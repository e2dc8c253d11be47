import type { Socket } from 'node:net'
import {
  type BodyKind,
  type Head,
  type Http1Error,
  type MessageSink,
  RequestDecoder,
  type RequestHead,
  type ResponseHead,
} from '@brxy/http1'
import { BODY_NONE } from '@brxy/protocol'
import { WheelTimer, type WriterOwner } from '@brxy/protocol/transport'
import { CLIENT_ERRORS, type ClientErrorCode } from '../error.ts'
import { ClientResponse } from './client-response.ts'
import { Exchange } from './exchange.ts'
import { Linger } from './linger.ts'
import { CanonicalHead } from './request-head.ts'
import type { Shared } from './shared.ts'

/** Bytes of the next requests that wait unparsed; then the socket is not read (HTTP.md "pipelining"). */
const MAX_PIPELINED_BYTES = 64 * 1024
/** Response bytes that a client has not taken; while there are more its next request waits. */
const MAX_UNTAKEN_BYTES = 64 * 1024
/** Beyond `heldBodyBytes` the body of a held request is read on so slowly, up to so many times as much. */
const HELD_BYTES_PER_MS = 16
const HELD_FACTOR = 4

/**
 * One client connection, HTTP/1: requests one after another, each brokered afresh. It owns the socket and its
 * timer and decides nothing about where a request goes.
 *
 * The one timer is that of what is waited for: the next request, the rest of a head, a moment to read on from a
 * held request, the response head.
 */
export class ClientConnection implements MessageSink<RequestHead>, WriterOwner {
  readonly socket: Socket
  readonly shared: Shared
  /** Canonical head of the request under way. */
  readonly head: CanonicalHead
  readonly #onClosed: (connection: ClientConnection) => void
  readonly #decoder = new RequestDecoder()
  readonly #response: ClientResponse
  readonly #timer: WheelTimer
  /** No more requests are read. */
  #ended = false
  /** How the connection ends, unless at once. */
  #linger: Linger | null = null
  #exchange: Exchange | null = null
  /** Input that waits: the rest of a read after a request, and what is pipelined behind it. */
  #input: Buffer | null = null
  #paused = false
  #pumping = false
  /** The response was complete while the decoder was still inside the request. */
  #beginAfterPush = false
  /** A refusal to be answered when the decoder has returned. */
  #failure: { code: string; status: number } | null = null
  /** Whether the timer is that of a head that has begun. */
  #awaitsHead = false

  constructor(socket: Socket, shared: Shared, onClosed: (connection: ClientConnection) => void) {
    this.socket = socket
    this.shared = shared
    this.#onClosed = onClosed
    this.head = new CanonicalHead(plainAddress(socket.remoteAddress), 'http')
    this.#response = new ClientResponse(this, shared.writer, shared.date)
    this.#timer = new WheelTimer(() => this.#onTimeout())
    this.#setTimer(shared.options.keepAliveMs)
    socket.on('data', (data) => this.#onInput(data))
    socket.on('end', () => this.#onEnd())
    socket.on('error', () => {})
    socket.on('close', () => this.#onClose())
  }

  /** The edge drains: an idle connection closes now, a busy one after its response. */
  drain(): void {
    if (this.#ended) this.#linger?.hurry()
    else if (this.#exchange === null && this.#decoder.idle) this.#finish()
  }

  /** The edge stops: nothing is waited for. */
  destroy(): void {
    this.socket.destroy()
  }

  // --- client -> edge ---

  #onInput(data: Buffer): void {
    if (this.#ended) {
      this.#linger?.onInput(data.length)
      return
    }
    this.#input = this.#input === null ? data : Buffer.concat([this.#input, data])
    this.#pump()
  }

  /** Feeds the decoder until it waits for more bytes, for the response, or for the client to take responses. */
  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    try {
      while (this.#input !== null && !this.#ended && !this.#isWaiting()) {
        const input = this.#input
        const used = this.#decoder.push(input, 0, input.length, this)
        // A sink call may have ended the connection.
        this.#input = used === input.length || this.#ended ? null : input.subarray(used)
        if (this.#failure !== null) this.#answerFailure()
        else if (this.#beginAfterPush) this.#begin()
      }
    } catch (error) {
      this.#onBug(error)
    }
    this.#pumping = false
    if (this.#ended) return
    if (this.#input !== null && this.#input.length >= MAX_PIPELINED_BYTES) this.pauseInput()
    else if (this.#exchange === null) this.#unpause()
    if (this.#exchange === null && !this.#decoder.idle) this.#awaitHead()
  }

  /** Whether the next bytes have to wait. */
  #isWaiting(): boolean {
    const exchange = this.#exchange
    // Who sends requests and reads no responses must not fill the memory with them.
    if (exchange === null) return this.socket.writableLength > MAX_UNTAKEN_BYTES
    return exchange.requestEnded || this.#paused
  }

  onHead(head: RequestHead): void {
    this.#response.begin(head)
    // Upgrades are not forwarded yet: the application sees an ordinary request.
    head.upgrade = ''
    if (!this.head.write(head)) return this.#refuse('http1/head-too-large', 431, true)
    // Only an HTTP/1.0 client may leave it out, and no app is the default one.
    if (head.hostKey === '') return this.#refuse('http1/missing-host', 400, true)
    const app = this.shared.isDraining ? 'edge/draining' : this.shared.router.route(head.hostKey)
    if (typeof app === 'string')
      return this.#refuse(app, CLIENT_ERRORS[app].status, head.bodyKind !== BODY_NONE)
    const exchange = new Exchange(this, app, head, this.shared.wheel.now())
    this.#exchange = exchange
    this.#awaitsHead = false
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
    this.#exchange?.onRequestEnd()
  }

  onError(error: Http1Error): void {
    const exchange = this.#exchange
    if (exchange !== null) {
      exchange.cancel()
      // With the response under way only an abort can say that the request was broken.
      if (exchange.status !== 0) return this.abort(exchange)
      exchange.status = error.status
      exchange.report(error.code)
    }
    this.#refuse(error.code, error.status, true)
  }

  pauseInput(): void {
    if (this.#paused) return
    this.#paused = true
    this.socket.pause()
  }

  resumeInput(): void {
    this.#unpause()
    if (this.#input !== null) this.#pump()
  }

  #unpause(): void {
    if (!this.#paused) return
    this.#paused = false
    this.socket.resume()
  }

  // --- edge -> client ---

  /**
   * The request waits for a grant, with so much of its body buffered. Beyond a bound it is read slowly, for Node says
   * nothing of a client that has gone while its socket is not read; and then not at all.
   */
  awaitGrant(bufferedBytes: number, lastReadBytes: number): void {
    const { heldBodyBytes } = this.shared.options
    this.shared.wheel.clear(this.#timer)
    if (bufferedBytes < heldBodyBytes) return
    this.pauseInput()
    if (bufferedBytes < heldBodyBytes * HELD_FACTOR) this.#setTimer(lastReadBytes / HELD_BYTES_PER_MS)
  }

  /** The request, or more of its body, was given to an instance: from now on the application is waited for. */
  awaitResponse(): void {
    this.#setTimer(this.shared.options.responseMs)
  }

  sendContinue(): void {
    this.#response.sendContinue()
  }

  sendInterim(head: ResponseHead): void {
    this.#response.sendInterim(head)
  }

  sendHead(exchange: Exchange, head: ResponseHead, body: BodyKind, length: number): void {
    this.shared.wheel.clear(this.#timer)
    const { requestEnded, heldMs } = exchange
    const { isDraining } = this.shared
    this.#response.sendHead(head, body, length, { requestEnded, isDraining, heldMs })
  }

  sendBody(buffer: Buffer, from: number, to: number): void {
    this.#response.sendBody(buffer, from, to)
  }

  sendTrailers(fields: Head): void {
    this.#response.sendTrailers(fields)
  }

  /** The response is complete. */
  sendEnd(exchange: Exchange): void {
    this.#response.sendEnd()
    this.#done(exchange, null)
  }

  /** The exchange failed before its response head: the edge answers. */
  sendError(exchange: Exchange, code: ClientErrorCode, detail?: string, retryMs?: number): void {
    const { status } = CLIENT_ERRORS[code]
    exchange.status = status
    // A body that was not read to its end cannot be skipped safely.
    if (!exchange.requestEnded) this.#response.keepAlive = false
    this.#response.sendError({ code, status, detail, retryMs }, this.head, this.shared.isDraining)
    this.#done(exchange, code)
  }

  /** The response cannot be completed: the client must not take it for complete. */
  abort(exchange: Exchange): void {
    this.#exchange = null
    this.#ended = true
    exchange.report('aborted')
    this.shared.writer.flush()
    // A close-delimited body looks complete after FIN; only RST says that it is not.
    if (this.#response.isCloseDelimited) this.socket.resetAndDestroy()
    else this.socket.destroy()
  }

  /** What the kernel has taken counts as delivered: it opens the window of the stream, and the way for more requests. */
  readonly onWritten = () => {
    const response = this.#response
    if (this.socket.writableLength > 0 || this.#ended) return
    const bytes = response.undelivered
    response.undelivered = 0
    if (this.#exchange === null) this.resumeInput()
    else if (bytes > 0) this.#exchange.delivered(bytes, this.shared.wheel.now())
  }

  #done(exchange: Exchange, error: string | null): void {
    exchange.report(error)
    this.#exchange = null
    if (!this.#response.keepAlive || this.shared.isDraining) return this.#finish()
    // Inside a push the decoder is not done with this request yet; #pump begins the next one.
    if (this.#pumping) {
      this.#beginAfterPush = true
      return
    }
    this.#begin()
    this.resumeInput()
  }

  #begin(): void {
    this.#beginAfterPush = false
    this.#decoder.begin()
    this.#response.reset()
    this.head.clear()
    this.#setTimer(this.shared.options.keepAliveMs)
  }

  // --- refusals without an exchange ---

  /** Answers after the decoder has returned, for it must not be called from within its own sink. */
  #refuse(code: string, status: number, close: boolean): void {
    this.#failure = { code, status }
    if (close) this.#response.keepAlive = false
  }

  #answerFailure(): void {
    const failure = this.#failure
    if (failure === null) return
    this.#failure = null
    this.#exchange = null
    this.#response.sendError(failure, this.head, this.shared.isDraining)
    if (this.#response.keepAlive) this.#begin()
    else this.#finish()
  }

  /** Something of ours is wrong. It ends this connection and nothing else. */
  #onBug(error: unknown): void {
    this.shared.emit({ type: 'bug', error })
    const exchange = this.#exchange
    this.#exchange = null
    exchange?.cancel()
    if (this.#ended || (exchange !== null && exchange.status !== 0)) {
      this.#ended = true
      this.socket.destroy()
      return
    }
    const code = 'edge/internal'
    this.#response.keepAlive = false
    this.#response.sendError({ code, status: CLIENT_ERRORS[code].status }, this.head, false)
    this.#finish()
  }

  // --- connection ---

  #setTimer(ms: number): void {
    this.#awaitsHead = false
    this.shared.wheel.set(this.#timer, this.shared.wheel.now() + ms)
  }

  #awaitHead(): void {
    // Set once, at the first byte: a head that trickles in does not extend it.
    if (this.#awaitsHead) return
    this.#setTimer(this.shared.options.headMs)
    this.#awaitsHead = true
  }

  #onTimeout(): void {
    try {
      if (this.#exchange !== null) return this.#exchange.onTimeout()
      if (!this.#awaitsHead) return this.#finish()
      this.#refuse('edge/head-timeout', CLIENT_ERRORS['edge/head-timeout'].status, true)
      this.#answerFailure()
    } catch (error) {
      this.#onBug(error)
    }
  }

  /** A client that sends FIN has ended its request (HTTP.md "client FIN"). */
  #onEnd(): void {
    if (this.#exchange !== null) {
      this.#abandon()
      this.socket.destroy()
    } else if (!this.#ended) {
      this.#finish()
    }
  }

  /** No more requests: the connection ends behind what has been written. */
  #finish(): void {
    this.shared.writer.flush()
    this.shared.wheel.clear(this.#timer)
    this.#ended = true
    this.#input = null
    this.#linger = new Linger(this.socket, this.shared.wheel)
    if (this.shared.isDraining) this.#linger.hurry()
  }

  #onClose(): void {
    this.#ended = true
    this.shared.wheel.clear(this.#timer)
    this.#abandon()
    this.#onClosed(this)
  }

  /** The client is gone: its request is over. */
  #abandon(): void {
    const exchange = this.#exchange
    if (exchange === null) return
    this.#exchange = null
    exchange.cancel()
    exchange.report('client gone')
  }
}

/** ::ffff:10.0.0.1 -> 10.0.0.1 */
function plainAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown'
  return address.startsWith('::ffff:') ? address.slice(7) : address
}
