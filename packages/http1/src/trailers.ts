import { FIELD, fieldSet } from './field.ts'
import type { Head } from './head.ts'

/**
 * Fields that a trailer section may not carry to the other side (RFC 9110 6.5.1): they would change how the message
 * is framed, routed, authenticated or cached after that was decided.
 */
const NOT_IN_TRAILERS = fieldSet(
  FIELD.CONNECTION,
  FIELD.KEEP_ALIVE,
  FIELD.PROXY_CONNECTION,
  FIELD.PROXY_AUTHENTICATE,
  FIELD.PROXY_AUTHORIZATION,
  FIELD.PROXY_AUTHENTICATION_INFO,
  FIELD.PROXY_AUTH_OTHER,
  FIELD.TE,
  FIELD.TRAILER,
  FIELD.UPGRADE,
  FIELD.HTTP2_SETTINGS,
  FIELD.PROXY,
  FIELD.AUTHORIZATION,
  FIELD.AUTHENTICATION_INFO,
  FIELD.WWW_AUTHENTICATE,
  FIELD.COOKIE,
  FIELD.SET_COOKIE,
  FIELD.CONTENT_TYPE,
  FIELD.CONTENT_OTHER,
  FIELD.CACHE_CONTROL,
  FIELD.EXPECT,
  FIELD.FORWARDED,
  FIELD.X_FORWARDED_FOR,
  FIELD.X_FORWARDED_PROTO,
  FIELD.X_FORWARDED_HOST,
  FIELD.X_FORWARDED_PORT,
  FIELD.X_FORWARDED_OTHER,
  FIELD.VIA,
  FIELD.BRXY_SLOTS,
  FIELD.BRXY_OTHER,
)

/**
 * Marks what may not pass as dropped and returns how many fields are left.
 * @throws Http1Error `http1/forbidden-trailer` for Host and framing fields, which only an attack puts there
 */
export function applyTrailerRules(fields: Head): number {
  let passing = 0
  for (let index = 0; index < fields.fieldCount; index++) {
    const field = fields.field(index)
    if (field === FIELD.HOST || field === FIELD.CONTENT_LENGTH || field === FIELD.TRANSFER_ENCODING) {
      throw fields.fault('http1/forbidden-trailer', fields.nameStart(index), fields.name(index))
    }
    if (NOT_IN_TRAILERS[field] === 1) fields.drop(index)
    if (!fields.isDropped(index)) passing++
  }
  return passing
}
