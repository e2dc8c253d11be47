import type { ClientHttp2Stream } from 'node:http2'
import { Http1Error, parseCanonicalFields } from '@brxy/http1'
import { BODY_NONE, type BodyKind, RESET, type Stream, type StreamHandler } from '@brxy/protocol'
import type { Forwarder } from '../forwarder.ts'
import type { H2Exchange } from './h2-exchange.ts'
import { type H2Fields, trailerFields } from './request-fields.ts'

/**
 * The request's way from the tunnel to a stream of the application: its body, its trailers, its end. Credit returns to
 * the edge when node:http2 has sent the bytes, which the application's window allows or not.
 */
export class H2RequestRelay implements StreamHandler {
  readonly #forwarder: Forwarder
  readonly #exchange: H2Exchange
  readonly #stream: Stream
  readonly #body: BodyKind
  #h2: ClientHttp2Stream | null = null
  /** What came before the application was ready; the window of the tunnel's stream bounds it. */
  #early: Buffer[] = []
  #trailers: H2Fields = {}
  #hasEnded = false
  #isStopped = false

  constructor(forwarder: Forwarder, exchange: H2Exchange, stream: Stream, body: BodyKind) {
    this.#forwarder = forwarder
    this.#exchange = exchange
    this.#stream = stream
    this.#body = body
  }

  get hasBody(): boolean {
    return this.#body !== BODY_NONE
  }

  /** The application has the head: what comes goes there. */
  attach(h2: ClientHttp2Stream): void {
    if (!this.hasBody) return
    this.#h2 = h2
    h2.on('wantTrailers', () => {
      if (!this.#isStopped && !h2.closed && !h2.destroyed) h2.sendTrailers(this.#trailers)
    })
    const early = this.#early
    this.#early = []
    for (const data of early) this.#write(h2, data)
    if (this.#hasEnded) h2.end()
  }

  /** Nothing more goes to the application. */
  stop(): void {
    this.#isStopped = true
    this.#h2 = null
    for (const data of this.#early) this.#credit(data.length)
    this.#early = []
  }

  onData(buffer: Buffer, from: number, to: number): void {
    // Nobody wants the rest of an upload; but the edge must not wait for credit.
    if (this.#isStopped) return this.#credit(to - from)
    const data = Buffer.from(buffer.subarray(from, to))
    if (this.#h2 === null) this.#early.push(data)
    else this.#write(this.#h2, data)
  }

  onTrailers(buffer: Buffer, from: number, to: number): void {
    const { trailers } = this.#forwarder
    try {
      this.#trailers = trailerFields(parseCanonicalFields(buffer, from, to, trailers))
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error
      this.#exchange.fail(RESET.BAD_HEAD, error.message)
    }
  }

  onEnd(): void {
    this.#hasEnded = true
    this.#h2?.end()
  }

  onWritable(): void {
    this.#exchange.onTunnelWritable()
  }

  onEndSent(): void {
    this.#exchange.onEndSent()
  }

  onReset(): void {
    this.#exchange.abandon()
  }

  onLost(): void {
    this.#exchange.abandon()
  }

  // A linker is never sent these two.
  onRefuse(): void {}
  onHead(): void {}

  #write(h2: ClientHttp2Stream, data: Buffer): void {
    // The application may have reset the stream, which its exchange hears in a moment.
    if (h2.closed || h2.destroyed) this.#credit(data.length)
    else h2.write(data, () => this.#credit(data.length))
  }

  #credit(bytes: number): void {
    this.#stream.consumed(bytes, this.#forwarder.wheel.now())
  }
}
