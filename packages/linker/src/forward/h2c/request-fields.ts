import { FIELD, type Head, isHopByHop, type RequestHead } from '@brxy/http1'
import { BODY_KNOWN, type BodyKind } from '@brxy/protocol'

/** Field lines as node:http2 takes them: names in lower case, one value each, Latin-1. */
export type H2Fields = Record<string, string>

/**
 * The pseudo-header fields and the fields of a request (RFC 9113 8.3.1), from its canonical head.
 *
 * - Host becomes `:authority`; without one node:http2 fills in the application's own address.
 * - `:scheme` is `http`, as the connection is; what the client used is in X-Forwarded-Proto.
 * - Framing and hop-by-hop fields have no place in HTTP/2 (8.2.2). `te: trailers` is made anew if the client offered
 *   it, which every gRPC client does: some gRPC servers insist.
 */
export function requestFields(head: RequestHead, body: BodyKind, length: number): H2Fields {
  const fields: H2Fields = Object.create(null)
  fields[':method'] = head.method
  fields[':scheme'] = 'http'
  const authority = head.hostBytes()
  if (authority !== '') fields[':authority'] = authority
  fields[':path'] = head.target()
  addFields(fields, head)
  if (head.teTrailers) fields.te = 'trailers'
  if (body === BODY_KNOWN) fields['content-length'] = `${length}`
  return fields
}

/** The fields of a trailer section. */
export function trailerFields(head: Head): H2Fields {
  const fields: H2Fields = Object.create(null)
  addFields(fields, head)
  return fields
}

/**
 * Field lines with one name become one (RFC 9110 5.3; cookies RFC 9113 8.2.3), for node:http2 throws at a second line
 * of the names of which it knows that they have one value.
 */
function addFields(fields: H2Fields, head: Head): void {
  for (let index = 0; index < head.fieldCount; index++) {
    const field = head.field(index)
    if (field === FIELD.HOST || isHopByHop(field) || head.isDropped(index)) continue
    const name = head.name(index).toLowerCase()
    const before = fields[name]
    const value = head.value(index)
    fields[name] = before === undefined ? value : `${before}${field === FIELD.COOKIE ? '; ' : ', '}${value}`
  }
}
