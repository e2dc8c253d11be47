import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { BodyKind, Head, Http1Error, MessageSink, RequestHead, ResponseHead } from '@brxy/http1'
import { assert, type StreamHandler } from '@brxy/protocol'
import { CLIENT_ERRORS, type ClientErrorCode } from '../../error.ts'
import { admit, OwnAnswer, Refusal } from '../admit.ts'
import { ClientTimer } from '../client-timer.ts'
import type { Forwarded } from '../forwarded.ts'
import type { HttpClient } from '../http-client.ts'
import type { HttpExchange } from '../http-exchange.ts'
import type { Peer } from '../peer.ts'
import { CanonicalHead } from '../request-head.ts'
import type { Shared } from '../shared.ts'
import { WriteStall } from '../write-stall.ts'
import { Http2Response } from './http2-response.ts'
import type { RequestReader } from './request-reader.ts'
import { translateRequest, translateTrailers } from './translate-request.ts'

const { NGHTTP2_FLAG_END_STREAM } = constants

/** What the requests of one connection share. */
export interface Http2Host {
  readonly shared: Shared
  readonly peer: Peer
  readonly forwarded: Forwarded
  readonly reader: RequestReader
  /** The request is over, but for what its client has still to take. */
  onOver(): void
  /** Its client has given it up. */
  onGivenUp(): void
}

/** One stream of an HTTP/2 connection: one request, brokered as one of HTTP/1 is, and its response. */
export class Http2Request implements HttpClient, MessageSink<RequestHead> {
  readonly shared: Shared
  readonly peer: Peer
  readonly head: CanonicalHead
  readonly response: Http2Response
  readonly #host: Http2Host
  readonly #stream: ServerHttp2Stream
  readonly #timer: ClientTimer
  readonly #stall = new WriteStall()
  /** When to look whether the client takes its response. */
  #lookMs = Number.POSITIVE_INFINITY
  #takenBytes = 0
  #exchange: HttpExchange | null = null
  /** END_STREAM has come. */
  #isEnded = false
  #trailers: readonly string[] = []
  #isOver = false

  constructor(stream: ServerHttp2Stream, host: Http2Host) {
    this.#stream = stream
    this.#host = host
    this.shared = host.shared
    this.peer = host.peer
    this.head = new CanonicalHead(host.forwarded)
    this.response = new Http2Response(stream, host.shared.date, (bytes) => this.#onTaken(bytes))
    this.#timer = new ClientTimer(host.shared, (nowMs) => this.#guard(() => this.#onTimeout(nowMs)))
    // A stream that was reset says so with an error, and then closes.
    stream.on('error', () => {})
    // Said while the body is not being read, when nothing else is (Node waits for its end before `close`).
    stream.on('aborted', () => this.#guard(() => this.#onGone()))
    stream.on('close', () => this.#guard(() => this.#onGone()))
  }

  /** @param fields names and values in turn. @param flags of their HEADERS frame */
  begin(fields: readonly string[], flags: number): void {
    this.#guard(() => this.#begin(fields, flags))
  }

  #begin(fields: readonly string[], flags: number): void {
    this.#isEnded = (flags & NGHTTP2_FLAG_END_STREAM) !== 0
    const stream = this.#stream
    stream.on('data', (data: Buffer) =>
      this.#guard(() => this.#exchange?.onRequestData(data, 0, data.length)),
    )
    // @types/node leaves out the last argument (names and values in turn).
    stream.on('trailers', (_: IncomingHttpHeaders, __: number, ...more: unknown[]) => {
      this.#trailers = more[0] as string[]
    })
    stream.on('end', () => this.#guard(() => this.#onBodyEnd()))
    const bytes = translateRequest(fields, this.#isEnded)
    if (bytes === null) return this.#refuseMalformed()
    this.#host.reader.readHead(bytes, this)
  }

  // --- client -> edge ---

  onHead(head: RequestHead): void {
    this.response.begin(head)
    const admitted = admit(this, head)
    if (admitted instanceof Refusal) return this.#refuse(admitted)
    if (admitted instanceof OwnAnswer) return this.#answer(admitted)
    this.#exchange = admitted
    admitted.app.submit(admitted)
  }

  /** Bodies do not pass through the reader. */
  onData(): void {}

  onTrailers(fields: Head): void {
    this.#exchange?.onRequestTrailers(fields)
  }

  onEnd(): void {
    this.#exchange?.onRequestEnd()
  }

  onError(error: Http1Error): void {
    const pages = this.#exchange === null ? this.shared.errorPages : this.#exchange.app.settings.errorPages
    this.#refuse(new Refusal(error.code, error.status, true, pages))
  }

  #onBodyEnd(): void {
    this.#isEnded = true
    const exchange = this.#exchange
    if (exchange === null || exchange.requestEnded) return
    if (this.#trailers.length === 0) return exchange.onRequestEnd()
    const bytes = translateTrailers(this.#trailers)
    if (bytes === null) this.#refuseMalformed()
    else this.#host.reader.readTrailers(bytes, this)
  }

  #refuseMalformed(): void {
    const { status } = CLIENT_ERRORS['edge/http2-malformed']
    this.#refuse(new Refusal('edge/http2-malformed', status, true, this.shared.errorPages))
  }

  #answer({ status }: OwnAnswer): void {
    this.response.sendPlain(status, '', this.#isEnded)
    this.#over(null, null)
  }

  /** The edge answers without an application, or instead of one that has the request already. */
  #refuse(refusal: Refusal): void {
    const exchange = this.#exchange
    if (exchange !== null) {
      exchange.cancel()
      // With the response under way only an abort can say that the request was broken.
      if (exchange.status !== 0) return this.abort(exchange)
      exchange.status = this.response.statusOf(refusal.status)
    }
    this.response.sendError(refusal, this.head, refusal.pages, this.#isEnded)
    this.#over(exchange, refusal.code)
  }

  pauseInput(): void {
    this.#stream.pause()
  }

  resumeInput(): void {
    this.#stream.resume()
  }

  // --- edge -> client ---

  wakeAt(dueMs: number): void {
    this.#timer.wakeAt(Math.min(dueMs, this.#lookMs))
  }

  sendHead(exchange: HttpExchange, head: ResponseHead, body: BodyKind, length: number): void {
    this.#lookMs = exchange.answeredMs + WriteStall.lookMs(this.shared.options.timeouts.writeStallMs)
    this.response.sendHead(head, body, length, exchange.serverTiming)
  }

  /** An upgrade is HTTP/1.1's alone (RFC 9113 8.6), so no exchange of this client has one. */
  switchProtocol(): StreamHandler {
    assert(false, 'a request of HTTP/2 asks for no upgrade')
  }

  /** The response is complete. */
  sendEnd(exchange: HttpExchange): void {
    this.response.sendEnd(this.#isEnded)
    this.#over(exchange, null)
  }

  /** The exchange failed before its response head: the edge answers. */
  sendError(exchange: HttpExchange, code: ClientErrorCode, detail?: string, retryMs?: number): void {
    const { status } = CLIENT_ERRORS[code]
    exchange.status = this.response.statusOf(status)
    const { errorPages } = exchange.app.settings
    this.response.sendError({ code, status, detail, retryMs }, this.head, errorPages, this.#isEnded)
    this.#over(exchange, code)
  }

  /** The edge answers with a text, because its operator wants it so. */
  sendPlain(exchange: HttpExchange, status: number, body: string): void {
    exchange.status = status
    this.response.sendPlain(status, body, this.#isEnded)
    this.#over(exchange, null)
  }

  /** The response cannot be completed: the client must not take it for complete. */
  abort(exchange: HttpExchange, error = 'aborted'): void {
    this.#exchange = null
    this.response.abort()
    this.#over(exchange, error)
  }

  #onTimeout(nowMs: number): void {
    const exchange = this.#exchange
    if (exchange === null) return
    if (exchange.status === 0 || !this.#isStuck(exchange, nowMs)) return exchange.onTimeout()
    exchange.cancel()
    this.abort(exchange, 'client stuck')
  }

  /** Whether the client takes nothing of its response, while its other requests may well go on. */
  #isStuck(exchange: HttpExchange, nowMs: number): boolean {
    const { writeStallMs } = this.shared.options.timeouts
    this.#lookMs = nowMs + WriteStall.lookMs(writeStallMs)
    const mark = this.response.untakenBytes === 0 ? 0 : 1 + this.#takenBytes
    if (!this.#stall.look(mark, nowMs) && mark !== 0) exchange.moved(nowMs)
    return this.#stall.isStuck(writeStallMs, nowMs)
  }

  #onTaken(bytes: number): void {
    this.#takenBytes += bytes
    this.#guard(() => this.#exchange?.delivered(bytes, this.shared.wheel.now()))
  }

  // --- its end ---

  #over(exchange: HttpExchange | null, error: string | null): void {
    this.#exchange = null
    exchange?.report(error)
    if (this.#isOver) return
    this.#isOver = true
    this.#timer.clear()
    // What is left of the body is thrown away: a stream that nobody reads does not close.
    this.#stream.resume()
    this.#host.onOver()
  }

  /** The client has reset the stream, or its connection is gone; or all is over. */
  #onGone(): void {
    const exchange = this.#exchange
    this.#exchange = null
    exchange?.cancel()
    this.#over(exchange, 'client gone')
    if (exchange !== null) this.#host.onGivenUp()
  }

  /** Something of ours is wrong. It ends this request and nothing else. */
  #guard(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.shared.emit({ type: 'bug', error })
      const exchange = this.#exchange
      this.#exchange = null
      exchange?.cancel()
      this.response.abort()
      this.#over(exchange, 'edge/internal')
    }
  }
}
