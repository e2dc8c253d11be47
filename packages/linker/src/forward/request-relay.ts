import {
  CRLF,
  Http1Error,
  LAST_CHUNK,
  parseCanonicalFields,
  writeChunkHead,
  writeTrailers,
} from '@brxy/http1'
import {
  BODY_NONE,
  BODY_UNKNOWN,
  type BodyKind,
  RESET,
  type Stream,
  type StreamHandler,
} from '@brxy/protocol'
import type { AppExchange } from './app-exchange.ts'
import type { Forwarder } from './forwarder.ts'

/** Room that a chunk header needs at most. */
const CHUNK_HEAD_BYTES = 16

/** The request's way from the tunnel to the application: the body with framing made anew, and its end. */
export class RequestRelay implements StreamHandler {
  readonly #forwarder: Forwarder
  readonly #exchange: AppExchange
  readonly #stream: Stream
  readonly #body: BodyKind
  /** Body bytes at the connection for which no credit was given yet. */
  #uncredited = 0
  /** The application has been sent the whole request. */
  isWritten: boolean

  constructor(forwarder: Forwarder, exchange: AppExchange, stream: Stream, body: BodyKind) {
    this.#forwarder = forwarder
    this.#exchange = exchange
    this.#stream = stream
    this.#body = body
    this.isWritten = body === BODY_NONE
  }

  onData(buffer: Buffer, from: number, to: number): void {
    const { connection } = this.#exchange
    if (connection === null || this.isWritten) {
      // Nobody wants the rest of the upload, or what follows an upgrade that was declined; the application must not
      // take it for a request. But the edge must not wait for credit.
      this.#stream.consumed(to - from, this.#forwarder.wheel.now())
      return
    }
    this.#uncredited += to - from
    if (this.#body !== BODY_UNKNOWN) {
      connection.write(buffer, from, to)
      return
    }
    const { writer } = this.#forwarder
    const at = writer.room(connection, CHUNK_HEAD_BYTES)
    writer.advance(writeChunkHead(to - from, writer.buffer, at))
    connection.write(buffer, from, to)
    connection.write(CRLF, 0, CRLF.length)
  }

  onTrailers(buffer: Buffer, from: number, to: number): void {
    const { connection } = this.#exchange
    // Trailers go with chunks; a body of known length has nothing to carry them.
    if (this.#body !== BODY_UNKNOWN || connection === null) return
    const { writer, trailers } = this.#forwarder
    try {
      parseCanonicalFields(buffer, from, to, trailers)
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error
      this.#exchange.fail(RESET.BAD_HEAD, error.message)
      return
    }
    const at = writer.room(connection, to - from + LAST_CHUNK.length)
    writer.advance(writeTrailers(trailers, writer.buffer, at))
    this.isWritten = true
  }

  onEnd(): void {
    if (this.isWritten) return
    this.isWritten = true
    const { connection } = this.#exchange
    if (this.#body === BODY_UNKNOWN) connection?.write(LAST_CHUNK, 0, LAST_CHUNK.length)
  }

  /** The application's socket has taken everything, or will never take it: the edge may send more. */
  credit(): void {
    if (this.#uncredited === 0) return
    const bytes = this.#uncredited
    this.#uncredited = 0
    this.#stream.consumed(bytes, this.#forwarder.wheel.now())
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
}
