import { CR, equalsText } from './bytes.ts'
import { FIELD, type FieldSet } from './field.ts'
import { FieldScanner } from './field-scanner.ts'
import type { Head } from './head.ts'
import type { StartLineScanner } from './head-reader.ts'
import { HOP_BY_HOP, NOT_IN_CANONICAL_REQUEST } from './hop-by-hop.ts'
import { DEFAULT_REQUEST_LIMITS, MAX_CANONICAL_FIELDS, MAX_CANONICAL_HEAD_BYTES } from './limits.ts'
import { type RequestHead, TARGET_ABSOLUTE } from './request-head.ts'
import { RequestLineScanner } from './request-line-scanner.ts'
import type { ResponseHead } from './response-head.ts'
import { StatusLineScanner } from './status-line-scanner.ts'
import { applyTrailerRules } from './trailers.ts'
import { parseUpgrade } from './upgrade.ts'

const VERSION_LINE_END = ' HTTP/1.1\r\n'
const REQUEST_LINE_LIMITS = { ...DEFAULT_REQUEST_LIMITS, maxRequestLineBytes: MAX_CANONICAL_HEAD_BYTES }

/**
 * Parses the canonical head of an OPEN frame, bytes [start, end), as strictly as the decoder: exactly one head,
 * HTTP/1.1, origin-form or `*`, one Host (empty for a client that sent none), no framing or hop-by-hop field but
 * `TE: trailers` and one forwardable `Upgrade`. `bodyKind`, `bodyLength` and `keepAlive` are not in it: the first two
 * are set by the caller from the frame.
 *
 * @param head filled and returned
 * @throws Http1Error, 400 and the like
 */
export function parseCanonicalRequest(
  buffer: Buffer,
  start: number,
  end: number,
  head: RequestHead,
): RequestHead {
  const p = scanWhole(buffer, start, end, head, new RequestLineScanner(REQUEST_LINE_LIMITS))
  if (p !== end) throw head.fault('http1/not-canonical', p, 'bytes after the head')
  const versionAt = head.fieldsStart - VERSION_LINE_END.length
  if (buffer[start] === CR || !equalsText(buffer, versionAt, head.fieldsStart, VERSION_LINE_END)) {
    throw head.fault('http1/not-canonical', start, 'needs METHOD target HTTP/1.1')
  }
  if (head.targetForm === TARGET_ABSOLUTE) throw head.fault('http1/not-canonical', start, 'absolute-form')
  refuse(head, NOT_IN_CANONICAL_REQUEST)
  applyHost(head)
  applyTe(head)
  applyUpgrade(head)
  return head
}

/**
 * Parses the canonical head of a HEAD frame, bytes [start, end), as strictly as the decoder: exactly one head, without
 * framing (the length is in the frame, not even one Content-Length is allowed) and hop-by-hop fields. Body and
 * `keepAlive` are not in it; `interim` and `upgrade` follow from the status.
 *
 * @param head filled and returned
 * @throws Http1Error, all 502
 */
export function parseCanonicalResponse(
  buffer: Buffer,
  start: number,
  end: number,
  head: ResponseHead,
): ResponseHead {
  const p = scanWhole(buffer, start, end, head, new StatusLineScanner())
  if (p !== end) throw head.fault('http1/not-canonical', p, 'bytes after the head')
  if (head.minorVersion !== 1) throw head.fault('http1/not-canonical', start, 'needs HTTP/1.1')
  refuse(head, HOP_BY_HOP)
  head.interim = head.status < 200 && head.status !== 101
  head.upgrade = head.status === 101
  return head
}

/**
 * Parses the payload of a TRAILERS frame, bytes [start, end): field lines without the empty line that ends a block.
 * What may not pass in trailers is marked as dropped; Host and framing fields are errors.
 *
 * @param fields filled and returned; set its `faultStatus` to 502 if an application is at its other end
 * @throws Http1Error
 */
export function parseCanonicalFields(buffer: Buffer, start: number, end: number, fields: Head): Head {
  const { maxTrailerFields, maxTrailerBytes } = DEFAULT_REQUEST_LIMITS
  const scanner = new FieldScanner(maxTrailerFields, 'http1/too-many-trailer-fields', 'pass')
  fields.messageOffset = 0
  fields.reset(buffer, start)
  if (end - start > maxTrailerBytes) throw fields.fault('http1/trailers-too-large', start + maxTrailerBytes)
  const p = scanner.scan(fields, buffer, start, end)
  if (!scanner.betweenLines)
    throw fields.fault('http1/not-canonical', p, 'field lines, without an empty line')
  fields.fieldsEnd = end
  fields.end = end
  applyTrailerRules(fields)
  return fields
}

/** Scans one complete head and returns its end. */
function scanWhole<H extends Head>(
  buffer: Buffer,
  start: number,
  end: number,
  head: H,
  line: StartLineScanner<H>,
): number {
  const fields = new FieldScanner(MAX_CANONICAL_FIELDS, 'http1/too-many-fields', 'pass')
  head.messageOffset = 0
  head.reset(buffer, start)
  if (end - start > MAX_CANONICAL_HEAD_BYTES)
    throw head.fault('http1/head-too-large', start + MAX_CANONICAL_HEAD_BYTES)
  let p = line.scan(head, buffer, start, end)
  head.fieldsStart = p
  if (line.done) p = fields.scan(head, buffer, p, end)
  if (!fields.done) throw head.fault('http1/incomplete', p)
  return p
}

function refuse(head: Head, set: FieldSet): void {
  for (let index = 0; index < head.fieldCount; index++) {
    const field = head.field(index)
    if (set[field] === 1) throw head.fault('http1/not-canonical', head.nameStart(index), head.name(index))
  }
}

function applyHost(head: RequestHead): void {
  const index = head.find(FIELD.HOST)
  if (index === -1) throw head.fault('http1/missing-host', head.fieldsEnd)
  const second = head.next(index)
  if (second !== -1) throw head.fault('http1/duplicate-host', head.nameStart(second))
  const start = head.valueStart(index)
  const end = head.valueEnd(index)
  if (start === end) return
  const host = head.parseHostBytes(start, end)
  if (host === null) throw head.fault('http1/bad-host', start)
  head.hostKey = host.key
}

function applyTe(head: RequestHead): void {
  const index = head.find(FIELD.TE)
  if (index === -1) return
  const exact = equalsText(head.buffer, head.valueStart(index), head.valueEnd(index), 'trailers')
  if (!exact || head.isRepeated(FIELD.TE))
    throw head.fault('http1/not-canonical', head.nameStart(index), 'TE')
  head.teTrailers = true
}

function applyUpgrade(head: RequestHead): void {
  const index = head.find(FIELD.UPGRADE)
  if (index === -1) return
  head.upgrade = parseUpgrade(head)
  if (head.upgrade === '' || head.method !== 'GET') {
    throw head.fault('http1/not-canonical', head.nameStart(index), 'Upgrade')
  }
}
