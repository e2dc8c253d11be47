import { fieldSet } from './field.ts'
import type { Head } from './head.ts'
import { badArgument, putFields, putText } from './output.ts'

/** Ends a line, and a chunk's data. */
export const CRLF: Buffer = Buffer.from('\r\n')
/** Ends a chunked body without trailers. */
export const LAST_CHUNK: Buffer = Buffer.from('0\r\n\r\n')

const HEX_DIGITS = Buffer.from('0123456789abcdef')
const MAX_CHUNK_HEAD_BYTES = 16
const NOTHING = fieldSet()

/**
 * Appends the line before the data of a chunk, as `1f` CRLF. The caller adds {@link CRLF} after the data.
 * @param byteLength 1 to 2^53 - 1; 0 would end the body
 * @returns the new end in `out`, or -1 if it might not fit (16 bytes always do)
 * @throws Http1Error `http1/bad-argument`
 */
export function writeChunkHead(byteLength: number, out: Buffer, at: number): number {
  if (!Number.isSafeInteger(byteLength) || byteLength < 1) throw badArgument(`chunk of ${byteLength} bytes`)
  if (out.length - at < MAX_CHUNK_HEAD_BYTES) return -1
  let digits = 1
  for (let rest = byteLength; rest >= 16; rest = Math.floor(rest / 16)) digits++
  const end = at + digits
  for (let p = end - 1; p >= at; p--) {
    out[p] = HEX_DIGITS[byteLength % 16]
    byteLength = Math.floor(byteLength / 16)
  }
  out[end] = 0x0d
  out[end + 1] = 0x0a
  return end + 2
}

/**
 * Appends the payload of a TRAILERS frame (brxy.v1): the fields that are not marked as dropped, each with its CRLF,
 * without an empty line at the end.
 * @returns the new end in `out`, or -1 if it might not fit; then nothing was written
 */
export function encodeFields(fields: Head, out: Buffer, at: number): number {
  if (out.length - at < fields.fieldsEnd - fields.fieldsStart) return -1
  return putFields(out, at, fields, NOTHING, null)
}

/**
 * Appends the end of a chunked body with trailers: the last chunk, the fields that are not marked as dropped, CRLF.
 * @returns the new end in `out`, or -1 if it might not fit; then nothing was written
 */
export function writeTrailers(fields: Head, out: Buffer, at: number): number {
  if (out.length - at < fields.fieldsEnd - fields.fieldsStart + LAST_CHUNK.length) return -1
  at = putText(out, at, '0\r\n')
  at = putFields(out, at, fields, NOTHING, null)
  return putText(out, at, '\r\n')
}
