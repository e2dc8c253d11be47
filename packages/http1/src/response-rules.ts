import { createHash } from 'node:crypto'
import { equalsText } from './bytes.ts'
import { applyConnection, CONNECTION_CLOSE, CONNECTION_KEEP_ALIVE, CONNECTION_UPGRADE } from './connection.ts'
import { FIELD } from './field.ts'
import { parseContentLength, parseTransferEncoding } from './framing.ts'
import { BODY_KNOWN, BODY_NONE, BODY_UNKNOWN } from './request-head.ts'
import type { ResponseHead } from './response-head.ts'
import { isSameProtocol, parseUpgrade } from './upgrade.ts'

/** What of a request its response depends on. */
export interface ExpectedResponse {
  /** Method of the request: an answer to HEAD has no body. */
  readonly method: string
  /** Protocol that the request asked to switch to; '' or absent: a 101 is an error. */
  readonly upgrade?: string
  /** Sec-WebSocket-Key of the request: a 101 must carry the answer to it. */
  readonly websocketKey?: string
}

/**
 * What the fields of a complete response head mean together: fills in body, keep-alive and upgrade.
 * @throws Http1Error, each with status 502
 */
export function applyResponseRules(head: ResponseHead, expected: ExpectedResponse): void {
  const { status } = head
  const options = head.find(FIELD.CONNECTION) === -1 ? 0 : applyConnection(head)
  const length = parseContentLength(head, true)
  const encodingAt = head.find(FIELD.TRANSFER_ENCODING)
  if (encodingAt !== -1) {
    const lengthAt = head.find(FIELD.CONTENT_LENGTH)
    if (lengthAt !== -1) {
      throw head.fault('http1/ambiguous-framing', head.nameStart(Math.max(lengthAt, encodingAt)))
    }
    if (head.minorVersion === 0)
      throw head.fault('http1/transfer-encoding-in-1.0', head.nameStart(encodingAt))
    parseTransferEncoding(head)
  }
  head.keepAlive =
    (options & CONNECTION_CLOSE) === 0 && (head.minorVersion === 1 || (options & CONNECTION_KEEP_ALIVE) !== 0)

  if (status === 101) {
    checkSwitch(head, expected, (options & CONNECTION_UPGRADE) !== 0)
    head.upgrade = true
    head.keepAlive = false
  } else if (status < 200 || status === 204) {
    head.interim = status < 200
    // RFC 9112 6.1 forbids Transfer-Encoding here: whoever sends it may send chunks as well.
    if (encodingAt !== -1) head.keepAlive = false
  } else if (expected.method === 'HEAD' || status === 304) {
    head.bodyLength = length
  } else if (status === 205) {
    if (length > 0 || encodingAt !== -1) {
      throw head.fault(
        'http1/unexpected-body',
        head.nameStart(Math.max(head.find(FIELD.CONTENT_LENGTH), encodingAt)),
      )
    }
    // Without Content-Length, RFC 9112 6.3 has the body run until close; nobody will read one here.
    if (length === -1) head.keepAlive = false
  } else if (encodingAt !== -1) {
    head.bodyKind = BODY_UNKNOWN
    head.bodyLength = -1
  } else if (length === -1) {
    head.bodyKind = BODY_UNKNOWN
    head.bodyLength = -1
    head.closeDelimited = true
    head.keepAlive = false
  } else {
    head.bodyKind = length === 0 ? BODY_NONE : BODY_KNOWN
    head.bodyLength = length
  }
}

/** RFC 9110 7.8, RFC 6455 4.1: a 101 that was not asked for hands the client's bytes to a protocol nobody agreed on. */
function checkSwitch(head: ResponseHead, expected: ExpectedResponse, nominated: boolean): void {
  const asked = expected.upgrade ?? ''
  if (asked === '') throw head.fault('http1/bad-upgrade', head.start, 'not asked for')
  if (!nominated || !isSameProtocol(parseUpgrade(head), asked)) {
    throw head.fault('http1/bad-upgrade', head.start, `asked for ${asked}`)
  }
  if (expected.websocketKey === undefined) return
  const index = head.find(FIELD.SEC_WEBSOCKET_ACCEPT)
  const right =
    index !== -1 &&
    !head.isRepeated(FIELD.SEC_WEBSOCKET_ACCEPT) &&
    equalsText(
      head.buffer,
      head.valueStart(index),
      head.valueEnd(index),
      websocketAccept(expected.websocketKey),
    )
  if (!right) throw head.fault('http1/bad-upgrade', head.start, 'wrong Sec-WebSocket-Accept')
}

/** The Sec-WebSocket-Accept that answers a Sec-WebSocket-Key (RFC 6455 4.2.2). */
export function websocketAccept(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}
