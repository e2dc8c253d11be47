import { type Head, Http1Error, parseCanonicalFields } from '@brxy/http1'
import { type BodyKind, RESET, type Stream, type StreamHandler } from '@brxy/protocol'
import type { Forwarder } from './forwarder.ts'

/** Whose request it is. */
interface RelayOwner {
  fail(reset: number, reason: string): void
  abandon(): void
  onTunnelWritable(): void
  onEndSent(): void
}

/**
 * The request's way from the tunnel to the application, whatever is spoken there. What concerns the exchange as a whole
 * goes to its owner; bodies, trailers and the end are for HTTP/1.1 (request-relay.ts) and HTTP/2 (h2c/).
 */
export abstract class Relay<O extends RelayOwner> implements StreamHandler {
  protected readonly forwarder: Forwarder
  protected readonly exchange: O
  protected readonly body: BodyKind
  readonly #stream: Stream

  constructor(forwarder: Forwarder, exchange: O, stream: Stream, body: BodyKind) {
    this.forwarder = forwarder
    this.exchange = exchange
    this.#stream = stream
    this.body = body
  }

  abstract onData(buffer: Buffer, from: number, to: number): void
  abstract onTrailers(buffer: Buffer, from: number, to: number): void
  abstract onEnd(): void

  /** The application has taken so many bytes, or nobody wants them: the edge may send as many more. */
  protected consumed(bytes: number): void {
    this.#stream.consumed(bytes, this.forwarder.wheel.now())
  }

  /** @returns the fields, valid until the next are read; null if they are none, and the exchange has failed */
  protected readTrailers(buffer: Buffer, from: number, to: number): Head | null {
    const { trailers } = this.forwarder
    try {
      return parseCanonicalFields(buffer, from, to, trailers)
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error
      this.exchange.fail(RESET.BAD_HEAD, error.message)
      return null
    }
  }

  onWritable(): void {
    this.exchange.onTunnelWritable()
  }

  onEndSent(): void {
    this.exchange.onEndSent()
  }

  onReset(): void {
    this.exchange.abandon()
  }

  onLost(): void {
    this.exchange.abandon()
  }

  // A linker is never sent these two.
  onRefuse(): void {}
  onHead(): void {}
}
