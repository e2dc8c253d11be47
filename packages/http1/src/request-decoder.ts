import { BodyDecoder } from './body-decoder.ts'
import { Http1Error } from './error.ts'
import { FieldScanner } from './field-scanner.ts'
import { HeadReader } from './head-reader.ts'
import { DEFAULT_REQUEST_LIMITS, type RequestLimits, withDefaults } from './limits.ts'
import { BODY_KNOWN, BODY_NONE, RequestHead } from './request-head.ts'
import { RequestLineScanner } from './request-line-scanner.ts'
import { applyRequestRules } from './request-rules.ts'
import type { MessageSink } from './sink.ts'

const IN_HEAD = 0
const IN_BODY = 1
const ENDED = 2
const FAILED = 3

/**
 * Decodes the requests of one client connection (RFC 9112). Bytes in, calls of a {@link MessageSink} out; no socket,
 * no timer. It stops at the end of each head that a body follows, and at the end of each request, and goes on with
 * the next request only after {@link begin}: whoever pipelines waits in the caller's buffer.
 */
export class RequestDecoder {
  readonly #head = new RequestHead()
  readonly #line: RequestLineScanner
  readonly #reader: HeadReader<RequestHead>
  readonly #body: BodyDecoder
  #state = IN_HEAD

  /** @throws RangeError if a limit makes no sense */
  constructor(limits?: Partial<RequestLimits>) {
    const all = limits === undefined ? DEFAULT_REQUEST_LIMITS : withDefaults(DEFAULT_REQUEST_LIMITS, limits)
    this.#line = new RequestLineScanner(all)
    this.#reader = new HeadReader(
      this.#head,
      this.#line,
      new FieldScanner(all.maxFields, 'http1/too-many-fields', all.underscores),
      all.maxHeadBytes,
      'http1/head-too-large',
    )
    this.#body = new BodyDecoder(all, all.underscores, 0)
    this.#reader.begin(0)
  }

  /** Between requests, without a byte of the next one (the one empty line that may come before it is none). */
  get idle(): boolean {
    return this.#state === ENDED || (this.#state === IN_HEAD && this.#line.untouched)
  }

  /** A request was refused; `push` takes no more bytes. */
  get failed(): boolean {
    return this.#state === FAILED
  }

  /**
   * Starts the next request. Legal whenever `idle`: after `onEnd`, and to no effect before the first and when repeated.
   * @throws Error inside a request or after a failure: a bug of the caller
   */
  begin(): void {
    if (this.#state === IN_HEAD && this.#line.untouched) return
    if (this.#state !== ENDED) throw new Error('RequestDecoder.begin() is legal only after onEnd')
    this.#state = IN_HEAD
    this.#reader.begin(0)
  }

  /**
   * Takes bytes from buffer[from, to) and returns the offset after the last one taken: less than `to` after a head
   * with a body, after the end of a request, and before `begin` (then nothing is taken). After a refusal it is `to`
   * once, and `from` in every later call.
   */
  push(buffer: Buffer, from: number, to: number, sink: MessageSink<RequestHead>): number {
    switch (this.#state) {
      case IN_HEAD:
        return this.#pushHead(buffer, from, to, sink)
      case IN_BODY: {
        const p = this.#body.push(buffer, from, to, sink)
        if (this.#body.error !== null) this.#fail(this.#body.error, sink)
        else if (this.#body.ended) this.#end(sink)
        return p
      }
      default:
        return from
    }
  }

  /** The client closed its side. Between requests that is nothing; inside one `onError` `http1/incomplete`. */
  eof(sink: MessageSink<RequestHead>): void {
    if (this.idle || this.#state === FAILED) return
    const offset = this.#state === IN_BODY ? this.#body.offset : this.#reader.offset
    this.#fail(new Http1Error('http1/incomplete', offset), sink)
  }

  #pushHead(buffer: Buffer, from: number, to: number, sink: MessageSink<RequestHead>): number {
    const head = this.#head
    let p = from
    try {
      p = this.#reader.read(buffer, from, to)
      if (!this.#reader.complete) return p
      applyRequestRules(head)
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error
      this.#fail(error, sink)
      return to
    }
    if (head.bodyKind === BODY_NONE) {
      sink.onHead(head)
      this.#end(sink)
      return p
    }
    this.#state = IN_BODY
    if (head.bodyKind === BODY_KNOWN) this.#body.beginKnown(head.bodyLength, this.#reader.offset)
    else this.#body.beginChunked(this.#reader.offset)
    sink.onHead(head)
    return p
  }

  #end(sink: MessageSink<RequestHead>): void {
    this.#state = ENDED
    sink.onEnd()
  }

  #fail(error: Http1Error, sink: MessageSink<RequestHead>): void {
    this.#state = FAILED
    this.#body.end()
    sink.onError(error)
  }
}
