import type { Server, Socket } from 'node:net'
import {
  type BodyKind,
  type Head,
  type Http1Error,
  type MessageSink,
  RequestDecoder,
  type RequestHead,
  type ResponseHead,
} from '@brxy/http1'
import type { WriterOwner } from '@brxy/protocol/transport'
import { CLIENT_ERRORS, type ClientErrorCode } from '../error.ts'
import { admit, Refusal } from './admit.ts'
import { ClientResponse } from './client-response.ts'
import { ClientTimer } from './client-timer.ts'
import type { Exchange } from './exchange.ts'
import { Linger } from './linger.ts'
import { peerAddress } from './peer-address.ts'
import { CanonicalHead } from './request-head.ts'
import type { Shared } from './shared.ts'

/** Bytes of the next requests that wait unparsed; then the socket is not read (HTTP.md "pipelining"). */
const MAX_PIPELINED_BYTES = 64 * 1024
/** Response bytes that a client has not taken; while there are more its next request waits. */
const MAX_UNTAKEN_BYTES = 64 * 1024

/**
 * One client connection, HTTP/1: requests one after another, each brokered afresh. It owns the socket and its
 * timer and decides nothing about where a request goes.
 */
export class ClientConnection implements MessageSink<RequestHead>, WriterOwner {
  readonly socket: Socket
  /** The listener that it came by. */
  readonly server: Server
  readonly shared: Shared
  /** Canonical head of the request under way. */
  readonly head: CanonicalHead
  readonly response: ClientResponse
  readonly #onClosed: (connection: ClientConnection) => void
  readonly #decoder = new RequestDecoder()
  readonly #timer: ClientTimer
  /** No more requests are read. */
  #ended = false
  #isRetired = false
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
  #refusal: Refusal | null = null

  constructor(
    socket: Socket,
    server: Server,
    shared: Shared,
    onClosed: (connection: ClientConnection) => void,
  ) {
    this.socket = socket
    this.server = server
    this.shared = shared
    this.#onClosed = onClosed
    this.head = new CanonicalHead(peerAddress(socket.remoteAddress), 'http')
    this.response = new ClientResponse(this, shared.writer, shared.date)
    this.#timer = new ClientTimer(shared, () => this.#onTimeout())
    this.#timer.awaitRequest()
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

  /** Its listener is gone: the next response is the last one. */
  retire(): void {
    this.#isRetired = true
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
        if (this.#refusal !== null) this.#answerRefusal()
        else if (this.#beginAfterPush) this.#begin()
      }
    } catch (error) {
      this.#onBug(error)
    }
    this.#pumping = false
    if (this.#ended) return
    if (this.#input !== null && this.#input.length >= MAX_PIPELINED_BYTES) this.pauseInput()
    else if (this.#exchange === null) this.#unpause()
    if (this.#exchange === null && !this.#decoder.idle) this.#timer.awaitHead()
  }

  /** Whether the next bytes have to wait. */
  #isWaiting(): boolean {
    const exchange = this.#exchange
    // Who sends requests and reads no responses must not fill the memory with them.
    if (exchange === null) return this.socket.writableLength > MAX_UNTAKEN_BYTES
    return exchange.requestEnded || this.#paused
  }

  onHead(head: RequestHead): void {
    this.response.begin(head)
    const admitted = admit(this, head)
    if (admitted instanceof Refusal) return this.#refuse(admitted)
    this.#exchange = admitted
    this.#timer.clear()
    admitted.app.submit(admitted)
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
    const pages = exchange === null ? this.shared.errorPages : exchange.app.settings.errorPages
    this.#refuse(new Refusal(error.code, error.status, true, pages))
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

  /** @param lastReadBytes of the body that came last. */
  awaitGrant(bufferedBytes: number, lastReadBytes: number): void {
    if (this.#timer.awaitGrant(bufferedBytes, lastReadBytes)) this.pauseInput()
  }

  awaitResponse(responseMs: number): void {
    this.#timer.awaitResponse(responseMs)
  }

  sendHead(exchange: Exchange, head: ResponseHead, body: BodyKind, length: number): void {
    this.#timer.clear()
    const { requestEnded, heldMs } = exchange
    this.response.sendHead(head, body, length, { requestEnded, isLast: this.#isLast, heldMs })
  }

  /** The response is complete. */
  sendEnd(exchange: Exchange): void {
    this.response.sendEnd()
    this.#done(exchange, null)
  }

  /** The exchange failed before its response head: the edge answers. */
  sendError(exchange: Exchange, code: ClientErrorCode, detail?: string, retryMs?: number): void {
    const { status } = CLIENT_ERRORS[code]
    this.#beginOwn(exchange, status)
    const { errorPages } = exchange.app.settings
    this.response.sendError({ code, status, detail, retryMs }, this.head, this.#isLast, errorPages)
    this.#done(exchange, code)
  }

  /** The edge answers with a text, because its operator wants it so. */
  sendPlain(exchange: Exchange, status: number, body: string): void {
    this.#beginOwn(exchange, status)
    this.response.sendPlain(status, body, this.#isLast)
    this.#done(exchange, null)
  }

  #beginOwn(exchange: Exchange, status: number): void {
    exchange.status = status
    // A body that was not read to its end cannot be skipped safely.
    if (!exchange.requestEnded) this.response.keepAlive = false
  }

  /** The response cannot be completed: the client must not take it for complete. */
  abort(exchange: Exchange): void {
    this.#exchange = null
    this.#ended = true
    exchange.report('aborted')
    this.shared.writer.flush()
    // A close-delimited body looks complete after FIN; only RST says that it is not.
    if (this.response.isCloseDelimited) this.socket.resetAndDestroy()
    else this.socket.destroy()
  }

  /** What the kernel has taken counts as delivered: it opens the window of the stream, and the way for more requests. */
  readonly onWritten = () => {
    const response = this.response
    if (this.socket.writableLength > 0 || this.#ended) return
    const bytes = response.undelivered
    response.undelivered = 0
    if (this.#exchange === null) this.resumeInput()
    else if (bytes > 0) this.#exchange.delivered(bytes, this.shared.wheel.now())
  }

  /** Whether the connection ends with this response, whatever the client wants. */
  get #isLast(): boolean {
    return this.shared.isDraining || this.#isRetired
  }

  #done(exchange: Exchange, error: string | null): void {
    exchange.report(error)
    this.#exchange = null
    if (!this.response.keepAlive || this.#isLast) return this.#finish()
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
    this.response.reset()
    this.head.clear()
    this.#timer.awaitRequest()
  }

  // --- refusals without an exchange ---

  /** Answers after the decoder has returned, for it must not be called from within its own sink. */
  #refuse(refusal: Refusal): void {
    this.#refusal = refusal
    if (refusal.close) this.response.keepAlive = false
  }

  #answerRefusal(): void {
    const refusal = this.#refusal
    if (refusal === null) return
    this.#refusal = null
    this.#exchange = null
    this.response.sendError(refusal, this.head, this.#isLast, refusal.pages)
    if (this.response.keepAlive) this.#begin()
    else this.#finish()
  }

  /** Something of ours is wrong. It ends this connection and nothing else. */
  #onBug(error: unknown): void {
    this.shared.emit({ type: 'bug', error })
    const exchange = this.#exchange
    const pages = exchange === null ? this.shared.errorPages : exchange.app.settings.errorPages
    this.#exchange = null
    exchange?.cancel()
    if (this.#ended || (exchange !== null && exchange.status !== 0)) {
      this.#ended = true
      this.socket.destroy()
      return
    }
    const code = 'edge/internal'
    this.response.keepAlive = false
    this.response.sendError({ code, status: CLIENT_ERRORS[code].status }, this.head, false, pages)
    this.#finish()
  }

  // --- connection ---

  #onTimeout(): void {
    try {
      if (this.#exchange !== null) return this.#exchange.onTimeout()
      if (!this.#timer.awaitsHead) return this.#finish()
      const { status } = CLIENT_ERRORS['edge/head-timeout']
      this.#refuse(new Refusal('edge/head-timeout', status, true, this.shared.errorPages))
      this.#answerRefusal()
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
    this.#timer.clear()
    this.#ended = true
    this.#input = null
    this.#linger = new Linger(this.socket, this.shared.wheel)
    if (this.shared.isDraining) this.#linger.hurry()
  }

  #onClose(): void {
    this.#ended = true
    this.#timer.clear()
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
