import { isToken } from './bytes.ts'
import { FIELD, type FieldSet } from './field.ts'
import { REQUEST_HOP_BY_HOP } from './hop-by-hop.ts'
import { MAX_PROTOCOL_BYTES } from './limits.ts'
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
import { BODY_KNOWN, BODY_UNKNOWN, type BodyKind, type RequestHead } from './request-head.ts'

/** How the request that an application gets is framed. */
export interface AppRequestFraming {
  readonly bodyKind: BodyKind
  /** Bytes of a `BODY_KNOWN` body; not looked at otherwise. */
  readonly bodyLength: number
  /** The connection is to be used again; else `Connection: close`. */
  readonly keepAlive: boolean
  /** Protocol to ask for; '' or absent: none. Excludes `close`. */
  readonly upgrade?: string
  /** Offer trailers to the application. */
  readonly teTrailers?: boolean
}

/**
 * Appends the canonical head (brxy.v1) of a decoded request: `METHOD target HTTP/1.1`, the surviving fields as sent,
 * `extra`, CRLF. Dropped are hop-by-hop and framing fields, what Connection nominated, names with `_` (under `drop`),
 * and the ids in `drop`. Made anew are `TE: trailers` and `Upgrade: <protocol>`, the two facts about this hop that
 * concern the application, and `Host:` (empty) for an HTTP/1.0 request without one.
 *
 * @param extra complete field lines (see `fieldLine`)
 * @returns the new end in `out`, or -1 if it might not fit (see `roomFor`); then nothing was written
 */
export function writeCanonicalRequest(
  head: RequestHead,
  drop: FieldSet | null,
  extra: Buffer | null,
  out: Buffer,
  at: number,
): number {
  if (out.length - at < roomFor(head, extra) + head.upgrade.length) return -1
  at = putRequestLine(out, at, head)
  at = putFields(out, at, head, REQUEST_HOP_BY_HOP, drop)
  if (head.find(FIELD.HOST) === -1) at = putText(out, at, 'Host: \r\n')
  if (head.teTrailers) at = putText(out, at, 'TE: trailers\r\n')
  if (head.upgrade !== '') at = putUpgrade(out, at, head.upgrade)
  at = putExtra(out, at, extra)
  return putText(out, at, '\r\n')
}

/**
 * Appends the head that an application gets, from a canonical (or decoded) request: framing made anew
 * (`Content-Length` for a known body, and `0` for the methods that imply one, RFC 9110 8.6; `Transfer-Encoding:
 * chunked` for an unknown one), `Connection: close` unless `keepAlive`, and upgrade and TE with their nominations.
 *
 * @param extra complete field lines (see `fieldLine`)
 * @returns the new end in `out`, or -1 if it might not fit (see `roomFor`); then nothing was written
 * @throws Http1Error `http1/bad-argument`
 */
export function writeAppRequest(
  head: RequestHead,
  framing: AppRequestFraming,
  drop: FieldSet | null,
  extra: Buffer | null,
  out: Buffer,
  at: number,
): number {
  const upgrade = framing.upgrade ?? ''
  if (out.length - at < roomFor(head, extra) + upgrade.length) return -1
  at = putRequestLine(out, at, head)
  at = putFields(out, at, head, REQUEST_HOP_BY_HOP, drop)
  if (framing.bodyKind === BODY_UNKNOWN) at = putText(out, at, 'Transfer-Encoding: chunked\r\n')
  else if (framing.bodyKind === BODY_KNOWN || impliesBody(head.method)) {
    const length = framing.bodyKind === BODY_KNOWN ? framing.bodyLength : 0
    checkLength(length)
    at = putText(out, at, 'Content-Length: ')
    at = putDecimal(out, at, length)
    at = putText(out, at, '\r\n')
  }
  at = putConnection(out, at, framing, upgrade)
  at = putExtra(out, at, extra)
  return putText(out, at, '\r\n')
}

function putConnection(out: Buffer, at: number, framing: AppRequestFraming, upgrade: string): number {
  const te = framing.teTrailers === true
  if (te) at = putText(out, at, 'TE: trailers\r\n')
  if (upgrade !== '') {
    at = putText(out, at, te ? 'Connection: Upgrade, TE\r\n' : 'Connection: Upgrade\r\n')
    return putUpgrade(out, at, upgrade)
  }
  if (!framing.keepAlive) return putText(out, at, te ? 'Connection: close, TE\r\n' : 'Connection: close\r\n')
  return te ? putText(out, at, 'Connection: TE\r\n') : at
}

function putRequestLine(out: Buffer, at: number, head: RequestHead): number {
  at = putText(out, at, head.method)
  out[at++] = 0x20
  if (head.targetPrefix !== 0) out[at++] = head.targetPrefix
  at = putBytes(out, at, head.buffer, head.targetStart, head.targetEnd)
  return putText(out, at, ' HTTP/1.1\r\n')
}

/** @internal `Upgrade: <protocol>` CRLF. */
export function putUpgrade(out: Buffer, at: number, protocol: string): number {
  checkProtocol(protocol)
  at = putText(out, at, 'Upgrade: ')
  at = putText(out, at, protocol)
  return putText(out, at, '\r\n')
}

function checkProtocol(protocol: string): void {
  const slash = protocol.indexOf('/')
  const fits =
    protocol.length <= MAX_PROTOCOL_BYTES &&
    isToken(slash === -1 ? protocol : protocol.slice(0, slash)) &&
    (slash === -1 || isToken(protocol.slice(slash + 1)))
  if (!fits) throw badArgument('upgrade must be a protocol name, optionally with /version')
}

function impliesBody(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH'
}
