import { BrxyError } from './error.ts'
import { HEAD_PREFIX_BYTES } from './frame.ts'

/**
 * What stands before the canonical head in OPEN and HEAD:
 *
 *     | u8 | u8 | bits u16 | length u64 |
 *
 * OPEN: kind, body. HEAD: body, 0. @returns the offset behind it.
 */
export function writeHeadPrefix(
  at: number,
  out: Buffer,
  first: number,
  second: number,
  bits: number,
  length: number,
): number {
  out[at] = first
  out[at + 1] = second
  out.writeUInt16BE(bits, at + 2)
  out.writeUInt32BE(Math.floor(length / 0x1_0000_0000), at + 4)
  out.writeUInt32BE(length >>> 0, at + 8)
  return at + HEAD_PREFIX_BYTES
}

/**
 * The u64 length at `at`; it must fit a double exactly, for HTTP.md bounds Content-Length at 2^53 - 1.
 * @throws BrxyError `protocol/bad-frame`
 */
export function readHeadLength(buffer: Buffer, at: number): number {
  const length = buffer.readUInt32BE(at) * 0x1_0000_0000 + buffer.readUInt32BE(at + 4)
  if (!Number.isSafeInteger(length))
    throw new BrxyError('protocol/bad-frame', 'brxy.v1: a body length above 2^53 - 1')
  return length
}
