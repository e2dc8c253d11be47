/** What a code of {@link HTTP1_ERRORS} means. */
export interface Http1ErrorInfo {
  /** Status a server answers when a request causes it. Any fault of a response is a 502 instead. */
  readonly status: number
  /** One sentence: what is required, so that the reader knows what to change. */
  readonly doc: string
}

/**
 * Every code that this package raises. Match codes, never texts.
 * Sources: RFC 9110, RFC 9112; the limits are those of `RequestLimits` and `ResponseLimits`.
 */
export const HTTP1_ERRORS = {
  // Request line, RFC 9112 3
  'http1/bad-empty-line': { status: 400, doc: 'At most one CRLF may come before a request line.' },
  'http1/bad-method': { status: 400, doc: 'A method is a token, followed by exactly one space.' },
  'http1/method-too-long': { status: 400, doc: 'The method is longer than maxMethodBytes.' },
  'http1/method-not-implemented': { status: 501, doc: 'CONNECT and TRACE are not implemented.' },
  'http1/bad-target': {
    status: 400,
    doc: 'A target is a path, an http(s) URL, or * for OPTIONS, of visible ASCII without #, then one space.',
  },
  'http1/request-line-too-long': { status: 414, doc: 'The request line is longer than maxRequestLineBytes.' },
  'http1/bad-version': { status: 400, doc: 'The request line ends with HTTP/ digit . digit CRLF.' },
  'http1/version-not-supported': { status: 505, doc: 'Only HTTP/1.0 and HTTP/1.1 are spoken here.' },
  // Status line, RFC 9112 4
  'http1/bad-status-line': {
    status: 502,
    doc: 'A status line is HTTP/1.0 or HTTP/1.1, a space, three digits, and optionally a space and a reason.',
  },
  'http1/bad-status': { status: 502, doc: 'A status is 100 to 599.' },
  'http1/too-many-interim-heads': { status: 502, doc: 'More interim (1xx) heads than maxInterimHeads.' },
  'http1/bad-upgrade': {
    status: 502,
    doc: 'A 101 needs a request that asked, the same protocol, and the right Sec-WebSocket-Accept.',
  },
  'http1/unexpected-body': { status: 502, doc: 'A 205 response has no body (RFC 9110 15.3.6).' },
  'http1/unsolicited': { status: 502, doc: 'Bytes arrived although no response was expected.' },
  // Fields, RFC 9112 5
  'http1/bad-field-name': { status: 400, doc: 'A field line is a token, directly followed by a colon.' },
  'http1/bad-field-value': { status: 400, doc: 'A field value has no control characters but tab.' },
  'http1/obs-fold': { status: 400, doc: 'A field value is not continued on the next line.' },
  'http1/bare-cr': { status: 400, doc: 'A CR must be followed by LF.' },
  'http1/bare-lf': { status: 400, doc: 'A line ends with CRLF, not with LF alone.' },
  'http1/underscore-name': {
    status: 400,
    doc: 'A field name with _ is refused, or is one that some servers read as a framing field.',
  },
  'http1/too-many-fields': { status: 431, doc: 'More fields than maxFields.' },
  'http1/head-too-large': { status: 431, doc: 'The head is larger than maxHeadBytes.' },
  // What the fields mean together
  'http1/missing-host': { status: 400, doc: 'An HTTP/1.1 request has a Host field.' },
  'http1/duplicate-host': { status: 400, doc: 'A request has one Host field.' },
  'http1/bad-host': { status: 400, doc: 'Host is a name or [IPv6] and optionally a port.' },
  'http1/host-mismatch': { status: 400, doc: 'The authority of an absolute target equals Host.' },
  'http1/bad-content-length': {
    status: 400,
    doc: 'Content-Length is decimal digits without a leading zero, at most 2^53 - 1.',
  },
  'http1/duplicate-content-length': { status: 400, doc: 'A message has one Content-Length.' },
  'http1/bad-transfer-encoding': { status: 400, doc: 'Transfer-Encoding is exactly chunked, in one field.' },
  'http1/unsupported-transfer-encoding': {
    status: 501,
    doc: 'No transfer coding but chunked is implemented.',
  },
  'http1/transfer-encoding-in-1.0': { status: 400, doc: 'HTTP/1.0 has no Transfer-Encoding.' },
  'http1/ambiguous-framing': {
    status: 400,
    doc: 'A message has Content-Length or Transfer-Encoding, not both.',
  },
  'http1/bad-connection': {
    status: 400,
    doc: 'Connection is a list of at most 64 tokens that names neither Host nor a framing field.',
  },
  'http1/expectation-failed': { status: 417, doc: 'The only expectation is 100-continue.' },
  // Chunked bodies, RFC 9112 7.1
  'http1/bad-chunk-size': { status: 400, doc: 'A chunk size is 1 to 14 hex digits, at most 2^53 - 1.' },
  'http1/bad-chunk-extension': { status: 400, doc: 'A chunk extension is ;name or ;name=value, no spaces.' },
  'http1/chunk-line-too-long': { status: 400, doc: 'A chunk line is longer than maxChunkLineBytes.' },
  'http1/chunk-extensions-too-large': {
    status: 400,
    doc: 'The chunk extensions of the message are larger than maxChunkExtensionBytes.',
  },
  'http1/bad-chunk-end': { status: 400, doc: 'Chunk data is followed by CRLF.' },
  'http1/forbidden-trailer': { status: 400, doc: 'Host and framing fields are not allowed in trailers.' },
  'http1/too-many-trailer-fields': { status: 431, doc: 'More trailer fields than maxTrailerFields.' },
  'http1/trailers-too-large': { status: 431, doc: 'The trailer section is larger than maxTrailerBytes.' },
  // The rest
  'http1/incomplete': { status: 400, doc: 'The connection ended inside a message.' },
  'http1/not-canonical': {
    status: 400,
    doc: 'A canonical head is one HTTP/1.1 head, with Host if a request, without framing and hop-by-hop fields.',
  },
  'http1/bad-argument': {
    status: 500,
    doc: 'A writer was given a name, value or length that it cannot write.',
  },
} as const satisfies Record<string, Http1ErrorInfo>

/** A key of {@link HTTP1_ERRORS}. */
export type Http1ErrorCode = keyof typeof HTTP1_ERRORS

const BRAND = Symbol.for('brxy.error')

/**
 * A message that is refused, or an argument that cannot be written.
 * Carries the brand of every brxy error, so `isBrxyError` of @brxy/protocol knows it without an import.
 */
export class Http1Error extends Error {
  override readonly name = 'BrxyError'
  /** Documented in {@link HTTP1_ERRORS}. */
  readonly code: Http1ErrorCode
  /** What a server answers: 400 to 505 for a fault of the client, 502 for one of the application. */
  readonly status: number
  /** Offset in bytes of the fault, counted from the first byte of the message. */
  readonly offset: number
  /** The same bytes would be refused again. */
  readonly retryable = false

  /** `status` defaults to that of the code; `detail` is appended to the message and must hold no secret. */
  constructor(code: Http1ErrorCode, offset: number, status?: number, detail?: string) {
    super(`${HTTP1_ERRORS[code].doc} At byte ${offset}${detail === undefined ? '' : `: ${detail}`}.`)
    this.code = code
    this.offset = offset
    this.status = status ?? HTTP1_ERRORS[code].status
    Object.defineProperty(this, BRAND, { value: true })
  }
}
