import type { Server, Socket } from 'node:net'
import type { BodyKind, Head, Http1Error, RequestHead, ResponseHead } from '@brxy/http1'
import type { Stream } from '@brxy/protocol'
import type { WriterOwner } from '@brxy/protocol/transport'
import { CLIENT_ERRORS, type ClientErrorCode } from '../error.ts'
import { schemeOf } from '../tls/scheme.ts'
import { admit, OwnAnswer, Refusal } from './admit.ts'
import { ClientResponse } from './client-response.ts'
import { ClientTimer } from './client-timer.ts'
import type { HttpClient } from './http-client.ts'
import type { HttpExchange } from './http-exchange.ts'
import { Linger } from './linger.ts'
import { OpaqueRelay } from './opaque-relay.ts'
import { cut, keepOpen } from './opaque-socket.ts'
import type { Peer } from './peer.ts'
import { CanonicalHead } from './request-head.ts'
import { RequestReader, type RequestReaderOwner } from './request-reader.ts'
import type { Shared } from './shared.ts'
import { WriteProgress } from './write-progress.ts'

/** Response bytes that a client has not taken; while there are more its next request waits. */
const MAX_UNTAKEN_BYTES = 64 * 1024

/**
 * One client connection, HTTP/1: requests one after another, each brokered afresh, until one of them becomes something
 * else. It owns the socket and its timer and decides nothing about where a request goes.
 */
export class ClientConnection implements HttpClient, RequestReaderOwner, WriterOwner {
  readonly socket: Socket
  /** The listener that it came by. */
  readonly server: Server
  readonly peer: Peer
  readonly shared: Shared
  readonly head: CanonicalHead
  readonly response: ClientResponse
  readonly #onClosed: (connection: ClientConnection) => void
  readonly #reader: RequestReader
  readonly #timer: ClientTimer
  readonly #progress: WriteProgress
  /** No more requests are read. */
  #ended = false
  /** The client has sent FIN, and what it had asked for before is still served. */
  #clientEnded = false
  #isRetired = false
  /** How the connection ends, unless at once. */
  #linger: Linger | null = null
  #exchange: HttpExchange | null = null
  /** After a 101 it carries the bytes, and no more requests come. */
  #relay: OpaqueRelay | null = null
  /** The response was complete while the decoder was still inside the request. */
  #beginAfterRead = false
  /** To be answered when the decoder has returned. */
  #refusal: Refusal | OwnAnswer | null = null

  constructor(
    socket: Socket,
    server: Server,
    peer: Peer,
    shared: Shared,
    onClosed: (connection: ClientConnection) => void,
  ) {
    this.socket = socket
    this.server = server
    this.peer = peer
    this.shared = shared
    this.#onClosed = onClosed
    this.head = new CanonicalHead(shared.forwarded(peer, schemeOf(socket)))
    this.#reader = new RequestReader(socket, this)
    this.response = new ClientResponse(this, shared.writer, shared.date)
    this.#timer = new ClientTimer(shared, (nowMs) => this.#onTimeout(nowMs))
    this.#progress = new WriteProgress(socket, shared)
    this.#timer.awaitRequest()
    socket.on('data', (data) => this.#onInput(data))
    socket.on('end', () => this.#onEnd())
    socket.on('error', () => {})
    socket.on('close', () => this.#onClose())
  }

  /** The edge drains: an idle connection closes now, a busy one after its response. */
  drain(): void {
    if (this.#ended) this.#linger?.hurry()
    else if (this.#exchange === null && this.#reader.isIdle) this.#finish()
  }

  /** Its listener is gone: the next response is the last one. */
  retire(): void {
    this.#isRetired = true
  }

  /** What speaks here is not HTTP/1: whoever asks has the socket from now on. @returns false if it has ended */
  cede(): boolean {
    if (this.#ended) return false
    this.#ended = true
    this.#timer.clear()
    this.socket.pause().removeAllListeners('data').removeAllListeners('end')
    return true
  }

  /** The edge stops: nothing is waited for. */
  destroy(): void {
    if (this.#relay !== null) this.#relay.abort('edge/draining')
    this.socket.destroy()
  }

  // --- client -> edge ---

  #onInput(data: Buffer): void {
    if (this.#ended) {
      this.#linger?.onInput(data.length)
      return
    }
    if (this.#relay !== null) return this.#relay.onClientData(data)
    this.#reader.add(data)
    this.#afterRead()
  }

  /** What waits unparsed may be read now. */
  #read(): void {
    if (this.#reader.isReading) return
    this.#reader.read()
    this.#afterRead()
  }

  #afterRead(): void {
    if (this.#ended) return
    if (this.#clientEnded && this.#exchange === null && !this.isBusy()) return this.#finish()
    if (!this.#reader.pauseIfFull() && this.#exchange === null) this.#reader.resume()
    if (this.#exchange === null && !this.#reader.isIdle) this.#timer.awaitHead()
  }

  isBusy(): boolean {
    if (this.#ended) return true
    const exchange = this.#exchange
    // Who sends requests and reads no responses must not fill the memory with them.
    if (exchange === null) return this.socket.writableLength > MAX_UNTAKEN_BYTES
    return exchange.requestEnded || this.#reader.isPaused
  }

  onRead(): void {
    if (this.#refusal !== null) this.#answerRefusal()
    else if (this.#beginAfterRead) this.#begin()
  }

  onHead(head: RequestHead): void {
    this.response.begin(head)
    const admitted = admit(this, head)
    if (admitted instanceof Refusal || admitted instanceof OwnAnswer) return this.#refuse(admitted)
    this.#exchange = admitted
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
    this.#reader.pause()
  }

  resumeInput(): void {
    this.#reader.resume()
    if (this.#reader.hasWaiting) this.#read()
  }

  // --- edge -> client: HttpClient says what each means ---

  wakeAt(dueMs: number): void {
    this.#timer.wakeAt(Math.min(dueMs, this.#progress.lookMs))
  }

  sendHead(exchange: HttpExchange, head: ResponseHead, body: BodyKind, length: number): void {
    const { requestEnded, serverTiming, answeredMs } = exchange
    this.#progress.begin(answeredMs)
    // Nothing else would find out that it has vanished.
    if (exchange.app.settings.options.streamIdleMs === 0) keepOpen(this.socket)
    this.response.sendHead(head, body, length, { requestEnded, isLast: this.#isLast, serverTiming })
  }

  /**
   * 101: what waits here unparsed, and all that follows, goes to the stream.
   * @returns who hears of the stream from now on
   */
  switchProtocol(exchange: HttpExchange, head: ResponseHead, stream: Stream): OpaqueRelay {
    this.#timer.clear()
    this.response.sendSwitch(head, exchange.upgrade, exchange.serverTiming)
    const waiting = this.#reader.take()
    this.#reader.resume()
    keepOpen(this.socket)
    this.#relay = new OpaqueRelay(this.socket, this.shared, {
      onOver: (error) => this.#onSwitchedOver(error),
    })
    this.#relay.carry(stream)
    if (waiting !== null) this.#relay.onClientData(waiting)
    if (this.#clientEnded) this.#relay.onClientEnd()
    return this.#relay
  }

  #onSwitchedOver(error: string | null): void {
    this.#ended = true
    this.#exchange?.report(error)
    this.#exchange = null
  }

  sendEnd(exchange: HttpExchange): void {
    this.response.sendEnd()
    this.#done(exchange, null)
  }

  sendError(exchange: HttpExchange, code: ClientErrorCode, detail?: string, retryMs?: number): void {
    const { status } = CLIENT_ERRORS[code]
    this.#beginOwn(exchange, status)
    const { errorPages } = exchange.app.settings
    this.response.sendError({ code, status, detail, retryMs }, this.head, this.#isLast, errorPages)
    this.#done(exchange, code)
  }

  sendPlain(exchange: HttpExchange, status: number, body: string): void {
    this.#beginOwn(exchange, status)
    this.response.sendPlain(status, body, this.#isLast)
    this.#done(exchange, null)
  }

  #beginOwn(exchange: HttpExchange, status: number): void {
    exchange.status = status
    // A body that was not read to its end cannot be skipped safely.
    if (!exchange.requestEnded) this.response.keepAlive = false
  }

  abort(exchange: HttpExchange, error = 'aborted'): void {
    this.#exchange = null
    this.#ended = true
    exchange.report(error)
    this.shared.writer.flush()
    // A close-delimited body looks complete after FIN; only RST says that it is not.
    if (this.response.isCloseDelimited) cut(this.socket)
    else this.socket.destroy()
  }

  /** What the kernel has taken counts as delivered: it opens the window of the stream, and the way for more requests. */
  readonly onWritten = () => {
    const response = this.response
    this.#progress.onWritten()
    if (this.socket.writableLength > 0 || this.#ended) return
    const bytes = response.undelivered
    response.undelivered = 0
    if (this.#exchange === null) this.resumeInput()
    else if (bytes > 0) this.#exchange.delivered(bytes, this.shared.wheel.now())
  }

  /** Whether the connection ends with this response, whatever the client wants. */
  get #isLast(): boolean {
    return this.shared.isDraining || this.#isRetired || (this.#clientEnded && !this.#reader.hasWaiting)
  }

  #done(exchange: HttpExchange, error: string | null): void {
    exchange.report(error)
    this.#exchange = null
    if (!this.response.keepAlive || this.#isLast) return this.#finish()
    // Inside the decoder: it is not done with this request yet. onRead begins the next one.
    if (this.#reader.isReading) {
      this.#beginAfterRead = true
      return
    }
    this.#begin()
    this.resumeInput()
  }

  #begin(): void {
    this.#beginAfterRead = false
    this.#reader.begin()
    this.response.reset()
    this.head.clear()
    this.#progress.end()
    this.#timer.awaitRequest()
  }

  // --- refusals without an exchange ---

  /** Answers after the decoder has returned, for it must not be called from within its own sink. */
  #refuse(refusal: Refusal | OwnAnswer): void {
    this.#refusal = refusal
    if (refusal.close) this.response.keepAlive = false
  }

  #answerRefusal(): void {
    const refusal = this.#refusal
    if (refusal === null) return
    this.#refusal = null
    this.#exchange = null
    if (refusal instanceof OwnAnswer) this.response.sendPlain(refusal.status, '', this.#isLast)
    else this.response.sendError(refusal, this.head, this.#isLast, refusal.pages)
    if (this.response.keepAlive) this.#begin()
    else this.#finish()
  }

  /** Something of ours is wrong. It ends this connection and nothing else. */
  onBug(error: unknown): void {
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

  #onTimeout(nowMs: number): void {
    try {
      const exchange = this.#exchange
      if (exchange !== null) {
        const taking = exchange.status === 0 ? 'waits' : this.#progress.look(nowMs)
        if (taking === 'stuck') {
          exchange.cancel()
          // By RST: what the kernel keeps for such a client, it would keep for long after a FIN.
          cut(this.socket)
          return this.abort(exchange, 'client stuck')
        }
        if (taking === 'takes') exchange.moved(nowMs)
        return exchange.onTimeout()
      }
      if (!this.#timer.awaitsHead) return this.#finish()
      const { status } = CLIENT_ERRORS['edge/head-timeout']
      this.#refuse(new Refusal('edge/head-timeout', status, true, this.shared.errorPages))
      this.#answerRefusal()
    } catch (error) {
      this.onBug(error)
    }
  }

  /** A client that sends FIN has ended its request, unless its app says otherwise (`halfClose`). */
  #onEnd(): void {
    if (this.#relay !== null) {
      this.#relay.onClientEnd()
    } else if (this.#exchange !== null) {
      const { requestEnded, app } = this.#exchange
      this.#clientEnded = requestEnded && app.settings.options.halfClose === 'serve'
      if (this.#clientEnded) return
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
    this.#reader.take()
    this.#linger = new Linger(this.socket, this.shared)
    if (this.shared.isDraining) this.#linger.hurry()
  }

  #onClose(): void {
    this.#relay?.onClientClosed()
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
