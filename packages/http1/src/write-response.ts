import { isFieldValue } from './bytes.ts'
import { FIELD, type FieldSet } from './field.ts'
import { HOP_BY_HOP } from './hop-by-hop.ts'
import {
  badArgument,
  checkLength,
  putBytes,
  putDecimal,
  putExtra,
  putFields,
  putText,
  roomFor,
} from './output.ts'
import type { ResponseHead } from './response-head.ts'
import { putUpgrade } from './write-request.ts'

const MAX_DATE_BYTES = 64

/** How the response that a client gets is framed. */
export interface ClientResponseFraming {
  /** Minor version of the client's request: a 1.0 client never gets `chunked`. */
  readonly clientMinorVersion: 0 | 1
  /** Bytes of the body, or for HEAD and 304 what it would have; -1: not written. Never written to 1xx and 204. */
  readonly contentLength: number
  /** The body's length is unknown. For a 1.0 client the owner has to close the connection instead. */
  readonly chunked: boolean
  /** `keep-alive` is written for 1.0 clients; for others `default` says the same in no bytes. */
  readonly connection: 'close' | 'keep-alive' | 'default' | 'upgrade'
  /** Protocol of a 101; needed with `upgrade`. */
  readonly upgrade?: string
  /** An HTTP date (RFC 9110 5.6.7), written if the head has no Date. Null: never, as for interim heads. */
  readonly date: string | null
}

/**
 * Appends the canonical head (brxy.v1) of a decoded response: status line, the surviving fields as sent, `extra`,
 * CRLF. Dropped are hop-by-hop and framing fields, what Connection nominated, and the ids in `drop`.
 *
 * @param extra complete field lines (see `fieldLine`)
 * @returns the new end in `out`, or -1 if it might not fit (see `roomFor`); then nothing was written
 */
export function writeCanonicalResponse(
  head: ResponseHead,
  drop: FieldSet | null,
  extra: Buffer | null,
  out: Buffer,
  at: number,
): number {
  if (out.length - at < roomFor(head, extra)) return -1
  at = putStatusLine(out, at, head)
  at = putFields(out, at, head, HOP_BY_HOP, drop)
  at = putExtra(out, at, extra)
  return putText(out, at, '\r\n')
}

/**
 * Appends the head that a client gets, from a canonical (or decoded) response, with framing and Connection made anew.
 *
 * @param extra complete field lines (see `fieldLine`)
 * @returns the new end in `out`, or -1 if it might not fit (see `roomFor`); then nothing was written
 * @throws Http1Error `http1/bad-argument`
 */
export function writeClientResponse(
  head: ResponseHead,
  framing: ClientResponseFraming,
  drop: FieldSet | null,
  extra: Buffer | null,
  out: Buffer,
  at: number,
): number {
  if (out.length - at < roomFor(head, extra)) return -1
  at = putStatusLine(out, at, head)
  at = putFields(out, at, head, HOP_BY_HOP, drop)
  at = putFraming(out, at, head, framing)
  at = putConnection(out, at, framing)
  if (framing.date !== null && (head.find(FIELD.DATE) === -1 || isDropped(head, drop))) {
    at = putDate(out, at, framing.date)
  }
  at = putExtra(out, at, extra)
  return putText(out, at, '\r\n')
}

function putFraming(out: Buffer, at: number, head: ResponseHead, framing: ClientResponseFraming): number {
  // RFC 9110 8.6, RFC 9112 6.1: neither field in a 1xx or 204.
  if (head.status < 200 || head.status === 204) return at
  if (framing.chunked && framing.clientMinorVersion === 1)
    return putText(out, at, 'Transfer-Encoding: chunked\r\n')
  if (framing.chunked || framing.contentLength === -1) return at
  checkLength(framing.contentLength)
  at = putText(out, at, 'Content-Length: ')
  at = putDecimal(out, at, framing.contentLength)
  return putText(out, at, '\r\n')
}

function putConnection(out: Buffer, at: number, framing: ClientResponseFraming): number {
  switch (framing.connection) {
    case 'close':
      return putText(out, at, 'Connection: close\r\n')
    case 'keep-alive':
      return putText(out, at, 'Connection: keep-alive\r\n')
    case 'upgrade':
      at = putText(out, at, 'Connection: Upgrade\r\n')
      return putUpgrade(out, at, framing.upgrade ?? '')
    default:
      return at
  }
}

function putDate(out: Buffer, at: number, date: string): number {
  if (date.length > MAX_DATE_BYTES || !isFieldValue(date)) throw badArgument('date must be an HTTP date')
  at = putText(out, at, 'Date: ')
  at = putText(out, at, date)
  return putText(out, at, '\r\n')
}

/** Whether the Date that the head has does not get through. */
function isDropped(head: ResponseHead, drop: FieldSet | null): boolean {
  return (drop !== null && drop[FIELD.DATE] === 1) || head.isDropped(head.find(FIELD.DATE))
}

function putStatusLine(out: Buffer, at: number, head: ResponseHead): number {
  at = putText(out, at, 'HTTP/1.1 ')
  at = putDecimal(out, at, head.status)
  // RFC 9112 4: the space is written even if no reason follows.
  out[at++] = 0x20
  at = putBytes(out, at, head.buffer, head.reasonStart, head.reasonEnd)
  return putText(out, at, '\r\n')
}
