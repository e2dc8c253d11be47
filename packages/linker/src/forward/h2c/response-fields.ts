import {
  type ExpectedResponse,
  encodeFields,
  FIELD,
  fieldOf,
  fieldSet,
  type Head,
  Http1Error,
  isFieldValue,
  isToken,
  type MessageSink,
  parseCanonicalFields,
  ResponseDecoder,
  type ResponseHead,
} from '@brxy/http1'

/** They say how an HTTP/1.1 message is framed; in HTTP/2 a message with one is malformed (RFC 9113 8.2.2). */
const CONNECTION_SPECIFIC = fieldSet(
  FIELD.CONNECTION,
  FIELD.KEEP_ALIVE,
  FIELD.PROXY_CONNECTION,
  FIELD.TRANSFER_ENCODING,
  FIELD.UPGRADE,
)

/** Names and values in turn, as node:http2 hands them over; `:status` is among them. */
export type RawFields = readonly string[]

/**
 * The heads of one response, interim ones and the final one, under the rules of http1: they are written as HTTP/1.1
 * and decoded strictly, so whatever an application may say over HTTP/1.1 it may say here, and no more.
 */
export class ResponseHeads implements MessageSink<ResponseHead> {
  readonly #decoder = new ResponseDecoder()
  #head: ResponseHead | null = null
  #error: Http1Error | null = null

  constructor(expected: ExpectedResponse) {
    this.#decoder.begin(expected)
  }

  /**
   * @returns a view that is valid until the next call
   * @throws Http1Error, 502
   */
  parse(fields: RawFields): ResponseHead {
    const status = fields[fields.indexOf(':status') + 1] ?? ''
    if (!/^\d{3}$/.test(status)) throw new Http1Error('http1/bad-status-line', 0, 502, 'no :status')
    // HTTP/2 has no reason phrase.
    const head = Buffer.from(`HTTP/1.1 ${status} \r\n${fieldLines(fields)}\r\n`, 'latin1')
    this.#decoder.push(head, 0, head.length, this)
    if (this.#error !== null) throw this.#error
    return this.#head as ResponseHead
  }

  onHead(head: ResponseHead): void {
    this.#head = head
  }

  onError(error: Http1Error): void {
    this.#error = error
  }

  // Only heads are decoded here.
  onData(): void {}
  onTrailers(): void {}
  onEnd(): void {}
}

/**
 * The payload of a TRAILERS frame from a trailer section; null if nothing of it may pass.
 * @param view is overwritten
 * @throws Http1Error
 */
export function encodeTrailers(fields: RawFields, view: Head): Buffer | null {
  const lines = Buffer.from(fieldLines(fields), 'latin1')
  parseCanonicalFields(lines, 0, lines.length, view)
  const out = Buffer.allocUnsafe(lines.length)
  const end = encodeFields(view, out, 0)
  return end === 0 ? null : out.subarray(0, end)
}

/** @throws Http1Error for what would be another message as HTTP/1.1 than it is as HTTP/2 */
function fieldLines(fields: RawFields): string {
  let lines = ''
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at] as string
    const value = fields[at + 1] as string
    if (name === ':status') continue
    if (!isToken(name) || !isFieldValue(value) || CONNECTION_SPECIFIC[fieldOf(name)] === 1)
      throw new Http1Error('http1/not-canonical', lines.length, 502, JSON.stringify(name.slice(0, 100)))
    lines += `${name}: ${value}\r\n`
  }
  return lines
}
