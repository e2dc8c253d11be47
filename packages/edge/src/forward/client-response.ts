import {
  type ClientResponseFraming,
  CRLF,
  type Head,
  LAST_CHUNK,
  type RequestHead,
  type ResponseHead,
  roomFor,
  writeChunkHead,
  writeClientResponse,
  writeTrailers,
} from '@brxy/http1'
import { BODY_KNOWN, BODY_NONE, BODY_UNKNOWN, type BodyKind } from '@brxy/protocol'
import type { SocketWriter, WriterOwner } from '@brxy/protocol/transport'
import type { ErrorPages } from './error-pages.ts'
import { type ErrorAnswer, type ErrorShape, errorResponse } from './error-response.ts'
import type { HttpAnswer } from './http-client.ts'
import type { HttpDate } from './http-date.ts'
import { plainResponse } from './plain-response.ts'
import type { CanonicalHead } from './request-head.ts'

/** Room that a chunk header needs at most. */
const CHUNK_HEAD_BYTES = 16
const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n')

/** What decides whether the connection can be used again, beside what the client wants. */
export interface ResponseSituation {
  /** The request was read to its end. Otherwise what is left of it cannot be told from the next one. */
  readonly requestEnded: boolean
  /** No further response is sent on the connection. */
  readonly isLast: boolean
  /** What is said of the time that the request waited, or empty. */
  readonly serverTiming: string
}

/** The responses of one client connection, one after another, with framing made anew (RFC 9112 6). */
export class ClientResponse implements HttpAnswer {
  /** Whether the connection is kept after this response. */
  keepAlive = true
  /** Only the end of the connection ends the body, so that it looks complete after any FIN. */
  isCloseDelimited = false
  /** Response bytes that went to the socket and are not yet credited. */
  undelivered = 0
  readonly #owner: WriterOwner
  readonly #writer: SocketWriter
  readonly #date: HttpDate
  #minorVersion: 0 | 1 = 1
  #isHead = false
  #teTrailers = false
  /** One object for all responses of the connection. */
  readonly #framing: { -readonly [K in keyof ClientResponseFraming]: ClientResponseFraming[K] } = {
    clientMinorVersion: 1,
    contentLength: -1,
    chunked: false,
    connection: 'default',
    upgrade: '',
    date: null,
  }

  constructor(owner: WriterOwner, writer: SocketWriter, date: HttpDate) {
    this.#owner = owner
    this.#writer = writer
    this.#date = date
  }

  /** The next request is waited for; nothing is known of it, should it be malformed. */
  reset(): void {
    this.keepAlive = true
    this.isCloseDelimited = false
    this.undelivered = 0
    this.#minorVersion = 1
    this.#isHead = false
    this.#teTrailers = false
  }

  /** What the head of a request says about its response. */
  begin(request: RequestHead): void {
    this.keepAlive = request.keepAlive
    this.#minorVersion = request.minorVersion
    this.#isHead = request.isHead
    this.#teTrailers = request.teTrailers
  }

  /** http1 hears no 1.0 client ask. */
  sendContinue(): void {
    this.#writer.append(this.#owner, CONTINUE, 0, CONTINUE.length)
  }

  sendInterim(head: ResponseHead): void {
    // 1.0 clients do not know interim responses (RFC 9110 15.2); 100 is the edge's own to say.
    if (this.#minorVersion === 0 || head.status === 100) return
    const framing = this.#framing
    framing.contentLength = -1
    framing.chunked = false
    framing.connection = 'default'
    framing.date = null
    this.#writeHead(head, null)
  }

  /**
   * The last thing that is HTTP on this connection.
   * @param head a 101
   * @param protocol to which the connection is switched
   */
  sendSwitch(head: ResponseHead, protocol: string, serverTiming: string): void {
    const framing = this.#framing
    framing.contentLength = -1
    framing.chunked = false
    framing.connection = 'upgrade'
    framing.upgrade = protocol
    framing.date = null
    this.#writeHead(head, timingField(serverTiming))
  }

  /** @param length as in the HEAD frame: without a body, what GET would have had (HEAD, 304), or 0. */
  sendHead(head: ResponseHead, body: BodyKind, length: number, situation: ResponseSituation): void {
    const framing = this.#framing
    const isUnknown = body === BODY_UNKNOWN
    framing.clientMinorVersion = this.#minorVersion
    framing.chunked = isUnknown && this.#minorVersion === 1
    this.isCloseDelimited = isUnknown && this.#minorVersion === 0
    framing.contentLength = -1
    // Without a body the length is for HEAD and 304 alone: said of anything else, the next answer would be taken for it.
    const isLengthOnly = body === BODY_NONE && (this.#isHead || head.status === 304)
    if (body === BODY_KNOWN || (isLengthOnly && length > 0)) framing.contentLength = length
    else if (body === BODY_NONE && !isLengthOnly) framing.contentLength = 0
    if (this.isCloseDelimited || !situation.requestEnded || situation.isLast) this.keepAlive = false
    framing.connection = !this.keepAlive ? 'close' : this.#minorVersion === 0 ? 'keep-alive' : 'default'
    framing.date = this.#date.text
    this.#writeHead(head, timingField(situation.serverTiming))
  }

  sendBody(buffer: Buffer, from: number, to: number): void {
    const writer = this.#writer
    const owner = this.#owner
    this.undelivered += to - from
    if (!this.#framing.chunked) {
      writer.append(owner, buffer, from, to)
      return
    }
    const at = writer.room(owner, CHUNK_HEAD_BYTES)
    writer.advance(writeChunkHead(to - from, writer.buffer, at))
    writer.append(owner, buffer, from, to)
    writer.append(owner, CRLF, 0, CRLF.length)
  }

  sendTrailers(fields: Head): void {
    if (!this.#framing.chunked || !this.#teTrailers) return
    const writer = this.#writer
    const at = writer.room(this.#owner, fields.fieldsEnd - fields.fieldsStart + LAST_CHUNK.length)
    writer.advance(writeTrailers(fields, writer.buffer, at))
    // The last chunk has gone out with them.
    this.#framing.chunked = false
  }

  sendEnd(): void {
    if (this.#framing.chunked) this.#writer.append(this.#owner, LAST_CHUNK, 0, LAST_CHUNK.length)
    this.#framing.chunked = false
  }

  /** @param pages the operator's own, for clients that want a page */
  sendError(answer: ErrorAnswer, request: CanonicalHead, isLast: boolean, pages: ErrorPages | null): void {
    this.#sendOwn(errorResponse(answer, request, this.#shape(isLast), pages))
  }

  sendPlain(status: number, body: string, isLast: boolean): void {
    this.#sendOwn(plainResponse(status, body, this.#shape(isLast)))
  }

  /** A whole response of the edge's own. It leaves at once: this is not the path to be fast on. */
  #sendOwn(response: Buffer): void {
    this.#writer.append(this.#owner, response, 0, response.length)
    this.#writer.flush()
  }

  #shape(isLast: boolean): ErrorShape {
    if (isLast) this.keepAlive = false
    return {
      isHead: this.#isHead,
      close: !this.keepAlive,
      keepAlive: this.#minorVersion === 0 && this.keepAlive,
      date: this.#date.text,
    }
  }

  #writeHead(head: ResponseHead, extra: Buffer | null): void {
    const writer = this.#writer
    const at = writer.room(this.#owner, roomFor(head, extra))
    writer.advance(writeClientResponse(head, this.#framing, null, extra, writer.buffer, at))
  }
}

function timingField(value: string): Buffer | null {
  return value === '' ? null : Buffer.from(`Server-Timing: ${value}\r\n`)
}
