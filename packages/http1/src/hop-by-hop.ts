import { FIELD, type Field, fieldSet } from './field.ts'

/**
 * Fields that end at this hop, both ways (RFC 9110 7.6.1), with the framing fields, which each hop writes anew.
 * No canonical head has any of them (brxy.v1), and no writer lets one pass.
 */
export const HOP_BY_HOP = fieldSet(
  FIELD.CONNECTION,
  FIELD.CONTENT_LENGTH,
  FIELD.TRANSFER_ENCODING,
  FIELD.TE,
  FIELD.UPGRADE,
  FIELD.KEEP_ALIVE,
  FIELD.PROXY_CONNECTION,
  FIELD.PROXY_AUTHENTICATE,
  FIELD.PROXY_AUTHORIZATION,
  FIELD.PROXY_AUTHENTICATION_INFO,
  FIELD.PROXY_AUTH_OTHER,
  FIELD.HTTP2_SETTINGS,
)

/** As {@link HOP_BY_HOP}, and `Proxy`: CGI shows it as HTTP_PROXY, which programs take for their configuration. */
export const REQUEST_HOP_BY_HOP = HOP_BY_HOP.slice()
REQUEST_HOP_BY_HOP[FIELD.PROXY] = 1

/**
 * What a canonical request may not carry. TE and Upgrade are left: in one form each they tell the other side
 * something about the client, and are checked on their own.
 */
export const NOT_IN_CANONICAL_REQUEST = REQUEST_HOP_BY_HOP.slice()
NOT_IN_CANONICAL_REQUEST[FIELD.TE] = 0
NOT_IN_CANONICAL_REQUEST[FIELD.UPGRADE] = 0

/** Whether a field with that id ends at this hop, or frames a message: HTTP/2 forbids them as well (RFC 9113 8.2.2). */
export function isHopByHop(field: Field): boolean {
  return REQUEST_HOP_BY_HOP[field] === 1
}
