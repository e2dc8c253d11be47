import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import {
  BODY_KNOWN,
  BODY_NONE,
  BODY_UNKNOWN,
  type BodyKind,
  type Head,
  type RequestHead,
  ResponseDecoder,
  type ResponseHead,
} from '@brxy/http1'
import type { ErrorPages } from '../error-pages.ts'
import { type ErrorAnswer, errorResponse } from '../error-response.ts'
import type { HttpAnswer } from '../http-client.ts'
import type { HttpDate } from '../http-date.ts'
import { plainResponse } from '../plain-response.ts'
import type { CanonicalHead } from '../request-head.ts'
import { grpcError, isGrpc } from './grpc.ts'
import { translateFields, translateResponse } from './translate-response.ts'

const { NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = constants

/** The one response of one stream. What the stream does not take any more is dropped without a word. */
export class Http2Response implements HttpAnswer {
  readonly #stream: ServerHttp2Stream
  readonly #date: HttpDate
  readonly #onTaken: (bytes: number) => void
  #isHead = false
  #isGrpc = false
  /** Node asks for trailers when the body has gone, and sends the end of the stream with them. */
  #asksForTrailers = false
  #trailers: OutgoingHttpHeaders = {}
  #isRequestEnded = true
  /** Bytes of the body that the kernel has not taken. */
  untakenBytes = 0

  /** @param onTaken the kernel took so many bytes of the body: the client's window had room for them */
  constructor(stream: ServerHttp2Stream, date: HttpDate, onTaken: (bytes: number) => void) {
    this.#stream = stream
    this.#date = date
    this.#onTaken = onTaken
    stream.on('wantTrailers', () => this.#onWantTrailers())
  }

  /** What the head of a request says about its response. */
  begin(request: RequestHead): void {
    this.#isHead = request.isHead
    this.#isGrpc = isGrpc(request)
  }

  get #isOver(): boolean {
    return this.#stream.destroyed || this.#stream.closed
  }

  sendContinue(): void {
    if (!this.#isOver) this.#stream.additionalHeaders({ ':status': 100 })
  }

  sendInterim(head: ResponseHead): void {
    // 100 is the edge's own to say.
    if (!this.#isOver && head.status !== 100) this.#stream.additionalHeaders(translateResponse(head))
  }

  /**
   * @param length as in the HEAD frame: without a body, what GET would have had (HEAD, 304), or 0
   * @param timing what is said of the time that the request waited, or empty
   */
  sendHead(head: ResponseHead, body: BodyKind, length: number, timing: string): void {
    const fields = translateResponse(head)
    const isLengthOnly = (this.#isHead || head.status === 304) && length > 0
    if (body === BODY_KNOWN || isLengthOnly) fields['content-length'] = length
    fields.date ??= this.#date.text
    if (timing !== '') {
      const theirs = fields['server-timing']
      fields['server-timing'] = theirs === undefined ? timing : `${theirs}, ${timing}`
    }
    this.#respond(fields, body)
  }

  #respond(fields: OutgoingHttpHeaders, body: BodyKind): void {
    if (this.#isOver) return
    // Only such a body has trailers in HTTP/1.1.
    this.#asksForTrailers = body === BODY_UNKNOWN
    // END_STREAM with the head is what gRPC knows as Trailers-Only.
    this.#stream.respond(fields, { endStream: body === BODY_NONE, waitForTrailers: this.#asksForTrailers })
  }

  sendBody(buffer: Buffer, from: number, to: number): void {
    if (this.#isOver) return
    const bytes = to - from
    this.untakenBytes += bytes
    this.#stream.write(Buffer.from(buffer.subarray(from, to)), () => {
      this.untakenBytes -= bytes
      this.#onTaken(bytes)
    })
  }

  /** HTTP/2 needs no `TE: trailers` to say that a client understands them. */
  sendTrailers(fields: Head): void {
    this.#trailers = translateFields(fields)
  }

  /** @param isRequestEnded false: what is still to come of the request is not wanted (RFC 9113 8.1) */
  sendEnd(isRequestEnded: boolean): void {
    if (this.#isOver) return
    this.#isRequestEnded = isRequestEnded
    this.#stream.end()
    if (!isRequestEnded && !this.#asksForTrailers) this.#stream.close(NGHTTP2_NO_ERROR)
  }

  #onWantTrailers(): void {
    if (this.#isOver) return
    const stream = this.#stream
    stream.sendTrailers(this.#trailers)
    // Node sends them in an immediate of its own, before this one.
    if (!this.#isRequestEnded) setImmediate(() => stream.close(NGHTTP2_NO_ERROR))
  }

  /** An answer of the edge's own, to its end. @param pages the operator's own, for clients that want a page */
  sendError(
    answer: ErrorAnswer,
    request: CanonicalHead,
    pages: ErrorPages | null,
    isRequestEnded: boolean,
  ): void {
    if (this.#isGrpc) this.#respond(grpcError(answer, this.#date.text), BODY_NONE)
    else this.#sendOwn(errorResponse(answer, request, this.#shape, pages))
    this.sendEnd(isRequestEnded)
  }

  /** A text that an operator configured, to its end. */
  sendPlain(status: number, body: string, isRequestEnded: boolean): void {
    this.#sendOwn(plainResponse(status, body, this.#shape))
    this.sendEnd(isRequestEnded)
  }

  /** Says 200 to a call of gRPC, whose errors are in its fields. @returns what the client sees of `status` */
  statusOf(status: number): number {
    return this.#isGrpc ? 200 : status
  }

  /** It cannot be completed, and must not look so. */
  abort(): void {
    if (!this.#isOver) this.#stream.close(NGHTTP2_INTERNAL_ERROR)
  }

  get #shape() {
    return { isHead: this.#isHead, close: false, keepAlive: false, date: this.#date.text }
  }

  /** The edge's own answers are made once, as HTTP/1.1, and go the way of an application's. */
  #sendOwn(response: Buffer): void {
    const decoder = new ResponseDecoder()
    decoder.begin({ method: this.#isHead ? 'HEAD' : 'GET' })
    const sink = {
      onHead: (head: ResponseHead) => this.sendHead(head, head.bodyKind, Math.max(head.bodyLength, 0), ''),
      onData: (buffer: Buffer, from: number, to: number) => this.sendBody(buffer, from, to),
      onTrailers() {},
      onEnd() {},
      onError(error: Error) {
        throw error
      },
    }
    for (let at = 0; at < response.length; ) at = decoder.push(response, at, response.length, sink)
  }
}
