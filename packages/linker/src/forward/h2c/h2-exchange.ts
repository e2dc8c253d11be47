import type { ClientHttp2Stream } from 'node:http2'
import { FIELD, Http1Error, parseCanonicalRequest, type ResponseHead } from '@brxy/http1'
import {
  BODY_KNOWN,
  BODY_NONE,
  BODY_UNKNOWN,
  type BodyKind,
  type LinkerSession,
  OPEN_PASSIVE,
  type OpenRequest,
  REFUSE,
  RESET,
  type Stream,
} from '@brxy/protocol'
import { Exchange } from '../exchange.ts'
import type { Forwarder } from '../forwarder.ts'
import { relayHead } from '../relay-head.ts'
import { watchEndStream } from './end-stream.ts'
import { H2_ERROR, h2ErrorName } from './error-codes.ts'
import type { H2Connection, H2User } from './h2-connection.ts'
import { H2RequestRelay } from './h2-request-relay.ts'
import { type H2Fields, requestFields } from './request-fields.ts'
import { encodeTrailers, type RawFields, ResponseHeads } from './response-fields.ts'

const END_STREAM = 1
/**
 * A request that the application gave back unprocessed frees its slot after this pause: the same request, or the next
 * one, would be given back again at once.
 */
const UNPROCESSED_PAUSE_MS = 100

/**
 * One HTTP request at an application that speaks HTTP/2: a stream of its connection, from the OPEN until the slot is
 * free.
 *
 * If the client leaves first the application is told, by RST_STREAM(CANCEL). It may still be computing, and unlike over
 * HTTP/1.1 nothing would say when it is done; so the slot stays taken for `abortLingerBody`, whatever had been answered.
 */
export class H2Exchange extends Exchange implements H2User {
  readonly request: H2RequestRelay
  readonly #connection: H2Connection
  readonly #method: string
  readonly #fields: H2Fields
  readonly #heads: ResponseHeads
  #h2: ClientHttp2Stream | null = null
  #h2Error: Error | null = null
  /** What the connection had heard when this request began. */
  #heardBytes = 0
  #hasInterim = false
  #hasHead = false
  /** Whether the head announced a body, and what is left of one of known length; -1 if it is not known. */
  #hasBody = false
  #leftBytes = -1
  #trailers: Buffer | null = null
  /** END_STREAM has come. */
  #isComplete = false
  /** The response is in the tunnel, though maybe not sent yet. */
  #isAnswered = false
  #endSent = false

  /**
   * @param connect gives the connection, once the request is known to be one
   * @throws Http1Error for a head that is not canonical; then nothing was started
   */
  constructor(
    forwarder: Forwarder,
    session: LinkerSession,
    stream: Stream,
    open: OpenRequest,
    connect: () => H2Connection,
  ) {
    super(forwarder, session, stream, (open.bits & OPEN_PASSIVE) !== 0)
    const head = parseCanonicalRequest(open.buffer, open.from, open.to, forwarder.requestHead)
    this.#method = head.method
    this.#fields = requestFields(head, open.body, open.length)
    this.#heads = new ResponseHeads({ method: head.method })
    this.request = new H2RequestRelay(forwarder, this, stream, open.body)
    this.#connection = connect()
    this.#connection.join(this)
  }

  get streamId(): number {
    return this.#h2?.id ?? 0
  }

  // --- the connection (H2User) ---

  onReady(): void {
    try {
      this.#h2 = this.#connection.request(this.#fields, this.request.hasBody)
      if (this.#h2 === null) return this.onUnprocessed()
      this.#heardBytes = this.#connection.bytesRead
      this.#listen(this.#h2)
      this.request.attach(this.#h2)
    } catch (bug) {
      this.onBug(bug)
    }
  }

  onUnreachable(): void {
    if (this.lingers) this.close()
    else this.giveBack()
  }

  onUnprocessed(): void {
    if (this.isFreed || this.lingers || this.#isAnswered) return
    if (this.#hasHead || this.#hasInterim)
      return this.fail(
        RESET.APP_CLOSED,
        `${this.#method}: the application gave back what it had begun to answer`,
      )
    this.session.refuse(this.stream, REFUSE.NO_SLOT)
    this.linger(UNPROCESSED_PAUSE_MS)
  }

  onGone(spoke: boolean): void {
    if (this.lingers) return this.close()
    if (this.#h2 !== null) return this.#onClose(this.#h2)
    if (this.#isAnswered) return
    const { ending } = this.#connection
    const reason = spoke ? ending : `${ending} and spoke no HTTP/2 before: is --h2c right?`
    this.fail(RESET.APP_PROTOCOL, `${this.#method}: the application ${reason}`)
  }

  // --- the stream ---

  #listen(h2: ClientHttp2Stream): void {
    watchEndStream(h2, () => {
      this.#isComplete = true
    })
    // Comes before `close` if at all, and says no more.
    h2.on('error', (error) => {
      this.#h2Error = error
    })
    const onHead = (_: unknown, flags: number, fields: RawFields) => this.#onHead(h2, flags, fields)
    this.#on(h2, 'headers', onHead)
    this.#on(h2, 'response', onHead)
    this.#on(h2, 'trailers', (_: unknown, _flags: number, fields: RawFields) => this.#onTrailers(fields))
    this.#on(h2, 'end', () => {
      if (this.#isComplete && this.#hasHead) this.#answered()
      else this.#onBroken(h2)
    })
    this.#on(h2, 'close', () => this.#onClose(h2))
  }

  /** Hears an event as long as the stream is this exchange's. A bug of ours ends the exchange, and not the process. */
  #on<A extends unknown[]>(h2: ClientHttp2Stream, event: string, listener: (...args: A) => void): void {
    h2.on(event, (...args: unknown[]) => {
      if (this.#h2 !== h2) return
      try {
        listener(...(args as A))
      } catch (bug) {
        this.onBug(bug)
      }
    })
  }

  #onHead(h2: ClientHttp2Stream, flags: number, fields: RawFields): void {
    const isLast = (flags & END_STREAM) !== 0
    let head: ResponseHead
    try {
      head = this.#heads.parse(fields)
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error
      return this.#malformed(error.message)
    }
    if (head.interim) return this.#onInterim(head, isLast)
    this.forwarder.heedSlots(head)
    if (isLast && head.bodyKind === BODY_KNOWN) return this.#malformed('a Content-Length, and no body')
    this.#hasHead = true
    if (head.bodyKind === BODY_KNOWN) this.#leftBytes = head.bodyLength
    const body = isLast ? BODY_NONE : sentKind(head)
    this.#hasBody = body !== BODY_NONE
    relayHead(this.session, this.stream, head, false, body, Math.max(0, head.bodyLength))
    if (isLast) return this.#answered()
    // Only END_STREAM is left to come; it is not waited for any longer than it takes.
    if (!this.#hasBody) this.setTimer(this.forwarder.options.abortLingerBodyMs)
    // Not before: what is read is sent on, behind the head.
    this.#on(h2, 'data', (chunk: Buffer) => this.#onData(chunk))
  }

  #onInterim(head: ResponseHead, isLast: boolean): void {
    if (isLast) return this.#malformed('an interim head that ends the stream')
    this.#hasInterim = true
    // 100 was the edge's to send. Whatever else is interim is for the client.
    if (head.status !== 100) relayHead(this.session, this.stream, head, true, BODY_NONE, 0)
  }

  #onData(chunk: Buffer): void {
    // To HEAD, 204 and the like: the client has its whole answer.
    if (!this.#hasBody) return
    if (this.#leftBytes >= 0) {
      if (chunk.length > this.#leftBytes) return this.#malformed('more than its Content-Length')
      this.#leftBytes -= chunk.length
    }
    if (!this.stream.write(chunk, 0, chunk.length)) this.#h2?.pause()
  }

  #onTrailers(fields: RawFields): void {
    this.#isComplete = true
    try {
      this.#trailers = encodeTrailers(fields, this.forwarder.trailers)
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error
      this.#malformed(error.message)
    }
  }

  /** The stream is over for node:http2. If END_STREAM had come, what it had and was not read yet is the rest of the body. */
  #onClose(h2: ClientHttp2Stream): void {
    if (!this.#isComplete || !this.#hasHead) return this.#onBroken(h2)
    for (let chunk = h2.read(); chunk !== null && this.#h2 === h2; chunk = h2.read()) this.#onData(chunk)
    if (this.#h2 === h2) this.#answered()
  }

  #onBroken(h2: ClientHttp2Stream): void {
    const { rstCode, id } = h2
    // Without an id it was never sent.
    if (rstCode === H2_ERROR.REFUSED_STREAM || id === undefined) return this.onUnprocessed()
    const how = this.#connection.isOver
      ? this.#connection.ending
      : `reset the stream (${h2ErrorName(rstCode)}${this.#h2Error === null ? '' : `, ${this.#h2Error.message}`})`
    const when = this.#hasHead ? 'before its response was complete' : 'without an answer'
    const hint = rstCode === H2_ERROR.HTTP_1_1_REQUIRED ? ': is --h2c right?' : ''
    // A response that node:http2 finds malformed ends in the same code as one that the application calls so.
    const reset = rstCode === H2_ERROR.PROTOCOL_ERROR ? RESET.APP_PROTOCOL : RESET.APP_CLOSED
    this.fail(reset, `${this.#method}: the application ${how} ${when}${hint}`)
  }

  #malformed(what: string): void {
    this.fail(RESET.APP_PROTOCOL, `${this.#method}: the application's response: ${what}`)
  }

  #answered(): void {
    if (this.#leftBytes > 0) return this.#malformed('less than its Content-Length')
    this.#isAnswered = true
    this.stream.end(this.#trailers)
    this.disconnect()
    if (this.#endSent) this.close()
  }

  onBug(error: unknown): void {
    this.forwarder.events.onBug(error)
    this.stream.reset(RESET.INTERNAL)
    this.close()
  }

  // --- the tunnel ---

  onTunnelWritable(): void {
    this.#h2?.resume()
  }

  onEndSent(): void {
    this.#endSent = true
    if (this.#isAnswered) this.close()
  }

  /** The client is gone, or the session is: nobody waits for the response any more. */
  abandon(): void {
    if (this.isFreed || this.lingers) return
    if (this.#h2 === null) return this.close()
    // Not a byte since: the connection may be dead. node:http2 says nothing when it has given up an application that
    // breaks the rules of the connection (RFC 9113 5.4.1), and takes requests for it as before.
    if (this.#connection.bytesRead === this.#heardBytes) this.#connection.retire()
    this.linger(this.forwarder.options.abortLingerBodyMs)
  }

  /** The application is told that nobody waits, and the slot is free some time later, or when the connection is over. */
  protected override linger(ms: number): void {
    super.linger(ms)
    this.disconnect()
  }

  protected onTimeout(): void {
    this.close()
  }

  /** Resets the stream, unless it is over: the rest of the request, or of the response, is not wanted. */
  protected disconnect(): void {
    const h2 = this.#h2
    this.#h2 = null
    this.request.stop()
    if (h2 === null) return
    this.#connection.closed()
    if (h2.closed) h2.destroy()
    else h2.close(H2_ERROR.CANCEL)
  }

  protected override free(): void {
    this.#connection.leave(this)
    super.free()
  }
}

/**
 * How the body is announced to the edge. The tunnel ends one of known length with its last byte, so trailers that may
 * follow need one of unknown length.
 */
function sentKind(head: ResponseHead): BodyKind {
  if (head.bodyKind !== BODY_KNOWN) return head.bodyKind
  const typeAt = head.find(FIELD.CONTENT_TYPE)
  const isGrpc = typeAt !== -1 && head.value(typeAt).startsWith('application/grpc')
  return isGrpc || head.find(FIELD.TRAILER) !== -1 ? BODY_UNKNOWN : BODY_KNOWN
}
