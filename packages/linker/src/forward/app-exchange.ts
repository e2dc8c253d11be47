import {
  type ExpectedResponse,
  encodeFields,
  type Head,
  type Http1Error,
  parseCanonicalRequest,
  type ResponseHead,
} from '@brxy/http1'
import {
  BODY_NONE,
  BODY_UNKNOWN,
  type LinkerSession,
  OPEN_PASSIVE,
  type OpenRequest,
  RESET,
  type Stream,
} from '@brxy/protocol'
import type { AppConnection, HttpUser } from './app-connection.ts'
import { allowsReuse, encodeAppRequest, expectedResponse, SAFE_METHODS, upgradeOf } from './app-request.ts'
import { Exchange } from './exchange.ts'
import type { Forwarder } from './forwarder.ts'
import { OpaqueExchange } from './opaque-exchange.ts'
import { relayHead } from './relay-head.ts'
import { RequestRelay } from './request-relay.ts'

/**
 * One HTTP request at the application: takes a connection, relays the response into the tunnel, and decides whether
 * the connection may be used again. After a 101 an OpaqueExchange has its stream, its connection and its slot.
 *
 * If the client leaves first the exchange lingers: the application may still be computing, and until it is done its
 * slot stays taken (DESIGN section 5).
 */
export class AppExchange extends Exchange implements HttpUser {
  readonly request: RequestRelay
  /** null once it is over, or serves somebody else. */
  connection: AppConnection | null = null
  readonly #expected: ExpectedResponse
  readonly #mayReuse: boolean
  /** Whether the request may be sent again on another connection. */
  readonly #mayRetry: boolean
  readonly #head: Buffer
  /** Tells whose connection it is; null: nobody asks. */
  readonly #preface: Buffer | null
  /** The whole request had been written when the response began. */
  #wasWritten = false
  #hasHead = false
  /** It was sent before, on a kept connection that ended: the application may have seen all of it. */
  #wasSent = false
  /** The response allows the connection to be kept. */
  #canPool = false
  #endSent = false

  /** @throws Http1Error for a head that is not canonical; then nothing was started */
  constructor(forwarder: Forwarder, session: LinkerSession, stream: Stream, open: OpenRequest) {
    super(forwarder, session, stream, (open.bits & OPEN_PASSIVE) !== 0)
    const head = parseCanonicalRequest(open.buffer, open.from, open.to, forwarder.requestHead)
    const upgrade = upgradeOf(head, open)
    const body = upgrade === '' ? open.body : BODY_NONE
    this.#expected = expectedResponse(head, upgrade)
    this.#preface = forwarder.preface(open)
    // One that may become something else is the first and last request of its connection; so is one of a connection
    // that was said to be its client's.
    this.#mayReuse =
      upgrade === '' &&
      this.#preface === null &&
      allowsReuse(forwarder.options.appReuse, head.method, body !== BODY_NONE)
    this.#mayRetry = body === BODY_NONE && SAFE_METHODS.has(head.method)
    this.#head = encodeAppRequest(head, open, upgrade, this.#mayReuse)
    this.request = new RequestRelay(forwarder, this, stream, body)
    this.connection = this.#connect(upgrade === '' && this.#preface === null)
  }

  get #method(): string {
    return this.#expected.method
  }

  #connect(reusable: boolean): AppConnection {
    const { pool, wheel, options } = this.forwarder
    const connection = pool.take(SAFE_METHODS.has(this.#method), reusable)
    connection.use(this, this.#expected, wheel.now())
    const preface = this.#preface
    if (preface !== null) connection.write(preface, 0, preface.length)
    connection.write(this.#head, 0, this.#head.length)
    if (!connection.isConnected) this.setTimer(options.appConnectMs)
    return connection
  }

  // --- the application's connection ---

  onConnected(): void {
    if (!this.lingers) this.clearTimer()
  }

  onDrained(): void {
    this.request.credit()
  }

  onHead(head: ResponseHead): void {
    const { interim, status } = head
    if (!interim) this.forwarder.heedSlots(head)
    if (head.upgrade && !this.lingers) return this.#onSwitch(head)
    if (!interim) this.#hasHead = true
    if (this.lingers) {
      // It computes no more; what it still sends is not worth the wait.
      if (!interim) this.setTimer(this.forwarder.options.abortLingerBodyMs)
      return
    }
    if (interim) {
      // 100 was the edge's to send. Whatever else is interim is for the client.
      if (status !== 100) relayHead(this.session, this.stream, head, true, BODY_NONE, 0)
      return
    }
    this.#wasWritten = this.request.isWritten && this.connection?.isDrained === true
    this.#canPool = head.keepAlive
    relayHead(this.session, this.stream, head, false, head.bodyKind, Math.max(0, head.bodyLength))
  }

  /** 101: from here the bytes mean nothing to HTTP. (If the client has left, the 101 is the whole response.) */
  #onSwitch(head: ResponseHead): void {
    const { forwarder, session, stream, isPassive } = this
    const connection = this.connection as AppConnection
    relayHead(session, stream, head, false, BODY_UNKNOWN, 0)
    this.connection = null
    stream.handler = new OpaqueExchange(forwarder, session, stream, isPassive, connection)
  }

  onData(buffer: Buffer, from: number, to: number): void {
    const { connection } = this
    if (this.lingers || connection === null) return
    if (!this.stream.write(buffer, from, to)) connection.socket.pause()
    if (this.stream.retained) connection.keepReadBuffer()
  }

  onTrailers(fields: Head): void {
    if (this.lingers) return
    const out = Buffer.allocUnsafe(fields.fieldsEnd - fields.fieldsStart)
    this.stream.end(out.subarray(0, encodeFields(fields, out, 0)))
  }

  onEnd(): void {
    const { pool } = this.forwarder
    const connection = this.connection as AppConnection
    const isClean = this.#canPool && this.#wasWritten && this.#mayReuse && !this.lingers
    this.connection = null
    if (isClean) pool.put(connection)
    else pool.discard(connection)
    if (this.lingers) return this.free()
    // Of an early response: nobody wants the rest of the upload, and the edge must not wait for credit.
    this.request.credit()
    this.stream.end()
    if (this.#endSent) this.free()
  }

  onError(error: Http1Error): void {
    if (this.lingers) return this.close()
    const reset = error.code === 'http1/incomplete' ? RESET.APP_CLOSED : RESET.APP_PROTOCOL
    this.fail(reset, `${this.#method}: the application's response: ${error.message}`)
  }

  isCutOff(): boolean {
    return this.forwarder.events.isAppFailing()
  }

  onGone(error: Error | null): void {
    const connection = this.connection as AppConnection
    if (this.lingers) return this.close()
    if (!connection.isConnected) return this.giveBack()
    this.forwarder.pool.discard(connection)
    if (connection.useCount > 1 && !connection.hasAnswered && this.#mayRetry) {
      // A kept connection that the application had closed meanwhile: nothing was answered, nothing was changed.
      this.#wasSent = true
      this.connection = this.#connect(false)
      return
    }
    const how = error === null ? 'closed the connection' : `broke the connection (${error.message})`
    const when = this.#hasHead ? 'before its response was complete' : 'without an answer'
    this.fail(RESET.APP_CLOSED, `${this.#method}: the application ${how} ${when}`)
  }

  /** A REFUSE would have it sent to one instance after another, and it may be what ended this application. */
  protected override giveBack(): void {
    if (!this.#wasSent) return super.giveBack()
    const reason = `${this.#method}: the application closed a kept connection and accepts no other one`
    this.fail(RESET.APP_CLOSED, reason)
  }

  onBug(error: unknown): void {
    this.forwarder.events.onBug(error)
    this.stream.reset(RESET.INTERNAL)
    this.close()
  }

  // --- the tunnel ---

  onTunnelWritable(): void {
    this.connection?.socket.resume()
  }

  onEndSent(): void {
    this.#endSent = true
    if (this.connection === null) this.free()
  }

  /** The client is gone, or the session is: nobody waits for the response any more. */
  abandon(): void {
    if (this.isFreed || this.lingers) return
    const { connection } = this
    if (connection === null || !connection.isConnected) return this.close()
    const { abortLingerMs, abortLingerBodyMs } = this.forwarder.options
    this.linger(this.#hasHead ? abortLingerBodyMs : abortLingerMs)
    connection.halfClose()
    connection.socket.resume()
  }

  protected disconnect(): void {
    const { connection } = this
    this.connection = null
    if (connection !== null) this.forwarder.pool.discard(connection)
  }

  protected onTimeout(): void {
    if (this.lingers) this.close()
    else this.giveBack()
  }
}
