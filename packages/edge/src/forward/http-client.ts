import type { Head, ResponseHead } from '@brxy/http1'
import type { BodyKind, Stream, StreamHandler } from '@brxy/protocol'
import type { ClientErrorCode } from '../error.ts'
import type { HttpExchange } from './http-exchange.ts'
import type { Peer } from './peer.ts'
import type { CanonicalHead } from './request-head.ts'
import type { Shared } from './shared.ts'

/** Where an answer goes, once its head is known. Nothing is kept: all of it must be written, or copied, before it returns. */
export interface HttpAnswer {
  /** Tells a client that asked (`Expect: 100-continue`) to send its body. */
  sendContinue(): void
  sendInterim(head: ResponseHead): void
  sendBody(buffer: Buffer, from: number, to: number): void
  sendTrailers(fields: Head): void
}

/** One side of an HttpExchange: who asked, in whatever version of HTTP. */
export interface HttpClient {
  readonly shared: Shared
  /** Who asks. */
  readonly peer: Peer
  /** Canonical head of the request. */
  readonly head: CanonicalHead
  readonly response: HttpAnswer

  /** Calls the exchange's onTimeout() at that time and no other, or somewhat later; Infinity: not at all. */
  wakeAt(dueMs: number): void
  /** No more of the request's body is taken until resumeInput(). */
  pauseInput(): void
  resumeInput(): void

  /** @param length as in the HEAD frame: without a body, what GET would have had (HEAD, 304), or 0. */
  sendHead(exchange: HttpExchange, head: ResponseHead, body: BodyKind, length: number): void
  /** @returns who hears of the stream from now on */
  switchProtocol(exchange: HttpExchange, head: ResponseHead, stream: Stream): StreamHandler
  /** The response is complete. */
  sendEnd(exchange: HttpExchange): void
  /** The exchange failed before its response head: the edge answers. */
  sendError(exchange: HttpExchange, code: ClientErrorCode, detail?: string, retryMs?: number): void
  /** The edge answers with a text, because its operator wants it so. */
  sendPlain(exchange: HttpExchange, status: number, body: string): void
  /**
   * The response cannot be completed: the client must not take it for complete.
   * @param error what became of it, for people who watch; default: `aborted`
   */
  abort(exchange: HttpExchange, error?: string): void
}
