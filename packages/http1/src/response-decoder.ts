import { BodyDecoder } from './body-decoder.ts'
import { Http1Error } from './error.ts'
import { FieldScanner } from './field-scanner.ts'
import { HeadReader } from './head-reader.ts'
import { DEFAULT_RESPONSE_LIMITS, type ResponseLimits, withDefaults } from './limits.ts'
import { BODY_KNOWN, BODY_NONE } from './request-head.ts'
import { ResponseHead } from './response-head.ts'
import { applyResponseRules, type ExpectedResponse } from './response-rules.ts'
import type { MessageSink } from './sink.ts'
import { StatusLineScanner } from './status-line-scanner.ts'

const IDLE = 0
const IN_HEAD = 1
const IN_BODY = 2
const FAILED = 3

/**
 * Decodes the responses of one application connection (RFC 9112). {@link begin} comes before each response, because
 * what it means depends on the request; bytes without it are an error. Interim (1xx) heads are handed over with
 * `interim` set, and counted; 100 as well, it is the caller who swallows that. After a 101 the decoder has ended, and
 * the bytes it did not take belong to the new protocol.
 */
export class ResponseDecoder {
  readonly #head = new ResponseHead()
  readonly #reader: HeadReader<ResponseHead>
  readonly #body: BodyDecoder
  readonly #maxInterimHeads: number
  #expected: ExpectedResponse = { method: 'GET' }
  #interimHeads = 0
  #state = IDLE

  /** @throws RangeError if a limit makes no sense */
  constructor(limits?: Partial<ResponseLimits>) {
    const all = limits === undefined ? DEFAULT_RESPONSE_LIMITS : withDefaults(DEFAULT_RESPONSE_LIMITS, limits)
    this.#maxInterimHeads = all.maxInterimHeads
    this.#reader = new HeadReader(
      this.#head,
      new StatusLineScanner(),
      // No CGI stands between an application and its client: names with `_` pass.
      new FieldScanner(all.maxFields, 'http1/too-many-fields', 'pass'),
      all.maxHeadBytes,
      'http1/head-too-large',
    )
    this.#body = new BodyDecoder(all, 'pass', 502)
  }

  /** No response is expected: before the first `begin`, and after `onEnd`. */
  get idle(): boolean {
    return this.#state === IDLE
  }

  /** A response is expected, and no byte of it was seen. */
  get silent(): boolean {
    return this.#state === IN_HEAD && this.#interimHeads === 0 && this.#reader.fresh
  }

  /** A response was refused; `push` takes no more bytes. */
  get failed(): boolean {
    return this.#state === FAILED
  }

  /**
   * Expects the response to a request. The object is kept until its end.
   * @throws Error unless idle: a bug of the caller
   */
  begin(expected: ExpectedResponse): void {
    if (this.#state !== IDLE)
      throw new Error('ResponseDecoder.begin() is legal only before the first response or after onEnd')
    this.#expected = expected
    this.#interimHeads = 0
    this.#state = IN_HEAD
    this.#reader.begin(0)
  }

  /**
   * Takes bytes from buffer[from, to) and returns the offset after the last one taken: less than `to` after a final
   * head with a body and after the end of a response. Bytes pushed while none is expected are `http1/unsolicited`.
   * After a refusal it is `to` once, and `from` in every later call.
   */
  push(buffer: Buffer, from: number, to: number, sink: MessageSink<ResponseHead>): number {
    switch (this.#state) {
      case IN_HEAD:
        return this.#pushHead(buffer, from, to, sink)
      case IN_BODY: {
        const p = this.#body.push(buffer, from, to, sink)
        if (this.#body.error !== null) this.#fail(this.#body.error, sink)
        else if (this.#body.ended) this.#end(sink)
        return p
      }
      case IDLE:
        if (from === to) return from
        this.#fail(new Http1Error('http1/unsolicited', 0), sink)
        return to
      default:
        return from
    }
  }

  /** The application closed its side: ends a close-delimited body; inside any other response `http1/incomplete`. */
  eof(sink: MessageSink<ResponseHead>): void {
    if (this.#state === IDLE || this.#state === FAILED) return
    if (this.#state === IN_BODY && this.#body.untilClose) {
      this.#body.end()
      this.#end(sink)
      return
    }
    const offset = this.#state === IN_BODY ? this.#body.offset : this.#reader.offset
    this.#fail(new Http1Error('http1/incomplete', offset, 502), sink)
  }

  #pushHead(buffer: Buffer, from: number, to: number, sink: MessageSink<ResponseHead>): number {
    const head = this.#head
    let p = from
    for (;;) {
      try {
        p = this.#reader.read(buffer, p, to)
        if (!this.#reader.complete) return p
        applyResponseRules(head, this.#expected)
        if (head.interim && ++this.#interimHeads > this.#maxInterimHeads) {
          throw head.fault('http1/too-many-interim-heads', head.start)
        }
      } catch (error) {
        if (!(error instanceof Http1Error)) throw error
        this.#fail(error, sink)
        return to
      }
      if (!head.interim) break
      sink.onHead(head)
      this.#reader.begin(this.#reader.offset)
    }
    if (head.bodyKind === BODY_NONE) {
      sink.onHead(head)
      this.#end(sink)
      return p
    }
    this.#state = IN_BODY
    if (head.bodyKind === BODY_KNOWN) this.#body.beginKnown(head.bodyLength, this.#reader.offset)
    else if (head.closeDelimited) this.#body.beginUntilClose(this.#reader.offset)
    else this.#body.beginChunked(this.#reader.offset)
    sink.onHead(head)
    return p
  }

  #end(sink: MessageSink<ResponseHead>): void {
    this.#state = IDLE
    sink.onEnd()
  }

  #fail(error: Http1Error, sink: MessageSink<ResponseHead>): void {
    this.#state = FAILED
    this.#body.end()
    sink.onError(error)
  }
}
