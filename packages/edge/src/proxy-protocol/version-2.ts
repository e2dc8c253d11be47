import { formatIp } from '@brxy/protocol'
import { badHeader, type ProxyHeader } from './header.ts'

/** What no line of any protocol looks like (specification 2.2). */
export const V2_SIGNATURE: Uint8Array = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
/** Up to and including the length of the rest. */
export const V2_FIXED_BYTES = 16
/**
 * Longest rest that is read. Every receiver takes 536 bytes in all; the vectors that proxies add (names, TLS, ids of
 * cloud endpoints) mostly stay below, and a client certificate among them does not.
 */
export const V2_MAX_REST_BYTES = 4096

const VERSION = 0x20
const LOCAL = 0
const PROXY = 1
const VECTOR_HEAD_BYTES = 3

/** Bytes of an IP address, by the byte that names family and transport; UDP is that of QUIC, which ends at the proxy. */
const IP_BYTES: ReadonlyMap<number, number> = new Map([
  [0x11, 4],
  [0x12, 4],
  [0x21, 16],
  [0x22, 16],
])
const UNSPECIFIED = 0x00
/** Two paths of 108 bytes. */
const UNIX_BYTES = 216
const UNIX: ReadonlySet<number> = new Set([0x31, 0x32])

/**
 * How many bytes follow the first 16.
 * @throws BrxyError `edge/bad-proxy-header`
 */
export function restOfVersion2(fixed: Buffer): number {
  const command = fixed[12] - VERSION
  if (command !== LOCAL && command !== PROXY)
    throw badHeader(`version and command 0x${fixed.toString('hex', 12, 13)}; 0x20 and 0x21 are known`)
  const rest = fixed.readUInt16BE(14)
  if (rest > V2_MAX_REST_BYTES)
    throw badHeader(
      `a header of ${V2_FIXED_BYTES + rest} bytes; ${V2_FIXED_BYTES + V2_MAX_REST_BYTES} are allowed`,
    )
  return rest
}

/**
 * Reads a header of version 2. Its vectors (TLV) must be well formed, and are not looked at.
 *
 * @param header the whole of it, of which restOfVersion2() has seen the beginning
 * @throws BrxyError `edge/bad-proxy-header`
 */
export function parseVersion2(header: Buffer): ProxyHeader {
  // Whatever else a header of that command has is to be ignored.
  if (header[12] === VERSION + LOCAL) return { kind: 'local' }
  const family = header[13]
  // What stands behind it has no meaning that is known.
  if (family === UNSPECIFIED) return { kind: 'unnamed' }
  const size = IP_BYTES.get(family)
  if (size === undefined) {
    if (!UNIX.has(family))
      throw badHeader(`address family 0x${header.toString('hex', 13, 14)}, which there is not`)
    checkVectors(header, V2_FIXED_BYTES + UNIX_BYTES)
    return { kind: 'unnamed' }
  }
  const ports = V2_FIXED_BYTES + 2 * size
  checkVectors(header, ports + 4)
  return {
    kind: 'client',
    addresses: {
      source: formatIp(header.subarray(V2_FIXED_BYTES, V2_FIXED_BYTES + size)),
      sourcePort: header.readUInt16BE(ports),
      destination: formatIp(header.subarray(V2_FIXED_BYTES + size, ports)),
      destinationPort: header.readUInt16BE(ports + 2),
    },
  }
}

/** Vectors, `type u8 | length u16 | value`, fill the header from `at` to its end. */
function checkVectors(header: Buffer, at: number): void {
  let next = at
  while (next + VECTOR_HEAD_BYTES <= header.length) next += VECTOR_HEAD_BYTES + header.readUInt16BE(next + 1)
  if (next !== header.length)
    throw badHeader(`${header.length} bytes, in which the addresses and vectors do not fit`)
}
