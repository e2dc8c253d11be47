import { CRLF, LAST_CHUNK, writeChunkHead, writeTrailers } from '@brxy/http1'
import { BODY_NONE, BODY_UNKNOWN, type BodyKind, type Stream } from '@brxy/protocol'
import type { AppExchange } from './app-exchange.ts'
import type { Forwarder } from './forwarder.ts'
import { Relay } from './relay.ts'

/** Room that a chunk header needs at most. */
const CHUNK_HEAD_BYTES = 16

/** The request's way to an application that speaks HTTP/1.1: the body with framing made anew, and its end. */
export class RequestRelay extends Relay<AppExchange> {
  /** Body bytes at the connection for which no credit was given yet. */
  #uncredited = 0
  /** The application has been sent the whole request. */
  isWritten: boolean

  constructor(forwarder: Forwarder, exchange: AppExchange, stream: Stream, body: BodyKind) {
    super(forwarder, exchange, stream, body)
    this.isWritten = body === BODY_NONE
  }

  onData(buffer: Buffer, from: number, to: number): void {
    const { connection } = this.exchange
    if (connection === null || this.isWritten) {
      // Nobody wants the rest of the upload, or what follows an upgrade that was declined; the application must not
      // take it for a request. But the edge must not wait for credit.
      this.consumed(to - from)
      return
    }
    this.#uncredited += to - from
    if (this.body !== BODY_UNKNOWN) {
      connection.write(buffer, from, to)
      return
    }
    const { writer } = this.forwarder
    const at = writer.room(connection, CHUNK_HEAD_BYTES)
    writer.advance(writeChunkHead(to - from, writer.buffer, at))
    connection.write(buffer, from, to)
    connection.write(CRLF, 0, CRLF.length)
  }

  onTrailers(buffer: Buffer, from: number, to: number): void {
    const { connection } = this.exchange
    // Trailers go with chunks; a body of known length has nothing to carry them.
    if (this.body !== BODY_UNKNOWN || connection === null) return
    const trailers = this.readTrailers(buffer, from, to)
    if (trailers === null) return
    const { writer } = this.forwarder
    const at = writer.room(connection, to - from + LAST_CHUNK.length)
    writer.advance(writeTrailers(trailers, writer.buffer, at))
    this.isWritten = true
  }

  onEnd(): void {
    if (this.isWritten) return
    this.isWritten = true
    const { connection } = this.exchange
    if (this.body === BODY_UNKNOWN) connection?.write(LAST_CHUNK, 0, LAST_CHUNK.length)
  }

  /** The application's socket has taken everything, or will never take it: the edge may send more. */
  credit(): void {
    if (this.#uncredited === 0) return
    const bytes = this.#uncredited
    this.#uncredited = 0
    this.consumed(bytes)
  }
}
