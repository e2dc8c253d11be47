import { CLASS, COMMA, equalsLower, HTAB, SP, TOKEN } from './bytes.ts'
import { applyConnection, CONNECTION_CLOSE, CONNECTION_KEEP_ALIVE, CONNECTION_UPGRADE } from './connection.ts'
import { FIELD } from './field.ts'
import { parseContentLength, parseTransferEncoding } from './framing.ts'
import { parseHost } from './host.ts'
import { BODY_KNOWN, BODY_NONE, BODY_UNKNOWN, type RequestHead, TARGET_ABSOLUTE } from './request-head.ts'
import { schemePort } from './target.ts'
import { parseUpgrade } from './upgrade.ts'

/**
 * What the fields of a complete request head mean together: fills in host key, body, keep-alive, expectation,
 * trailers and upgrade. The order of the checks is fixed, so that a head with several faults has one answer.
 * @throws Http1Error
 */
export function applyRequestRules(head: RequestHead): void {
  const options = head.find(FIELD.CONNECTION) === -1 ? 0 : applyConnection(head)
  applyHost(head)
  applyFraming(head)
  head.keepAlive =
    (options & CONNECTION_CLOSE) === 0 && (head.minorVersion === 1 || (options & CONNECTION_KEEP_ALIVE) !== 0)
  if (head.find(FIELD.EXPECT) !== -1) applyExpect(head)
  head.teTrailers = head.minorVersion === 1 && head.find(FIELD.TE) !== -1 && offersTrailers(head)
  if (
    (options & CONNECTION_UPGRADE) !== 0 &&
    head.minorVersion === 1 &&
    head.method === 'GET' &&
    head.bodyKind === BODY_NONE
  ) {
    head.upgrade = parseUpgrade(head)
  }
}

/** RFC 9112 3.2, 3.2.2; RFC 9110 7.2. */
function applyHost(head: RequestHead): void {
  const index = head.find(FIELD.HOST)
  if (index === -1) {
    if (head.minorVersion === 1) throw head.fault('http1/missing-host', head.fieldsEnd)
    if (head.targetForm === TARGET_ABSOLUTE)
      throw head.fault('http1/host-mismatch', head.authorityStart, 'no Host')
    return
  }
  const second = head.next(index)
  if (second !== -1) throw head.fault('http1/duplicate-host', head.nameStart(second))
  const host = head.parseHostBytes(head.valueStart(index), head.valueEnd(index))
  if (host === null) throw head.fault('http1/bad-host', head.valueStart(index))
  head.hostKey = host.key
  if (head.targetForm === TARGET_ABSOLUTE) checkAuthority(head, host.port)
}

function checkAuthority(head: RequestHead, hostPort: number): void {
  const authority = parseHost(head.buffer.toString('latin1', head.authorityStart, head.authorityEnd))
  if (authority === null) throw head.fault('http1/bad-target', head.authorityStart, 'bad authority')
  const port = schemePort(head)
  const samePort = (authority.port === -1 ? port : authority.port) === (hostPort === -1 ? port : hostPort)
  if (authority.key !== head.hostKey || !samePort)
    throw head.fault('http1/host-mismatch', head.authorityStart)
}

/** RFC 9112 6.3, without what it tolerates for the sake of old peers. */
function applyFraming(head: RequestHead): void {
  const encodingAt = head.find(FIELD.TRANSFER_ENCODING)
  if (encodingAt !== -1) {
    const lengthAt = head.find(FIELD.CONTENT_LENGTH)
    if (lengthAt !== -1) {
      throw head.fault('http1/ambiguous-framing', head.nameStart(Math.max(lengthAt, encodingAt)))
    }
    if (head.minorVersion === 0)
      throw head.fault('http1/transfer-encoding-in-1.0', head.nameStart(encodingAt))
    parseTransferEncoding(head)
    head.bodyKind = BODY_UNKNOWN
    head.bodyLength = -1
    return
  }
  const length = parseContentLength(head, false)
  // A body of length 0 is no body: nothing will come, and whoever forwards the head writes Content-Length by method.
  head.bodyKind = length > 0 ? BODY_KNOWN : BODY_NONE
  head.bodyLength = Math.max(length, 0)
}

/** RFC 9110 10.1.1. A 1.0 client does not know 100 (Continue), so its expectation is ignored. */
function applyExpect(head: RequestHead): void {
  const index = head.find(FIELD.EXPECT)
  const known = equalsLower(head.buffer, head.valueStart(index), head.valueEnd(index), '100-continue')
  const second = head.next(index)
  if (!known || second !== -1) {
    throw head.fault('http1/expectation-failed', head.nameStart(known ? second : index))
  }
  head.expectContinue = head.minorVersion === 1 && head.bodyKind !== BODY_NONE
}

/** Whether `trailers` is a member of TE (RFC 9110 10.1.4). A TE that makes no sense offers nothing. */
function offersTrailers(head: RequestHead): boolean {
  const { buffer } = head
  for (let index = head.find(FIELD.TE); index !== -1; index = head.next(index)) {
    const end = head.valueEnd(index)
    let p = head.valueStart(index)
    while (p < end) {
      const start = p
      while (p < end && (CLASS[buffer[p]] & TOKEN) !== 0) p++
      const tokenEnd = p
      while (p < end && (buffer[p] === SP || buffer[p] === HTAB)) p++
      if ((p === end || buffer[p] === COMMA) && equalsLower(buffer, start, tokenEnd, 'trailers')) return true
      while (p < end && buffer[p] !== COMMA) p++
      p++
      while (p < end && (buffer[p] === SP || buffer[p] === HTAB)) p++
    }
  }
  return false
}
