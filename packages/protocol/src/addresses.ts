import { BrxyError } from './error.ts'
import { formatIp, isMapped, parseIp } from './ip-address.ts'

/** The two ends of a client's connection as the edge knows them, or as a proxy in front told it. */
export interface Addresses {
  /** The client: an IP address without brackets and zone. */
  readonly source: string
  readonly sourcePort: number
  /** What it connected to. */
  readonly destination: string
  readonly destinationPort: number
}

/** HELLO and WELCOME: the edge says in each OPEN whose connection it is. */
export const FEATURE_ADDRESSES = 'addresses'

/** What the addresses of an OPEN take at most. */
export const MAX_ADDRESSES_BYTES = 37

const UNKNOWN = 0
const IPV4 = 4
const IPV6 = 6
const PORT_BYTES = 2

/**
 * The addresses as they stand in OPEN, behind the prefix and before the head:
 *
 *     | family u8: 4, 6 | source | destination | source port u16 | destination port u16 |
 *     | family u8: 0, not known |
 *
 * @param addresses null: not known, as is what is no IP address
 */
export function encodeAddresses(addresses: Addresses | null): Buffer {
  const ends = addresses === null ? null : addressBytes(addresses)
  if (addresses === null || ends === null) return Buffer.of(UNKNOWN)
  const [source, destination] = ends
  const ports = Buffer.alloc(2 * PORT_BYTES)
  ports.writeUInt16BE(addresses.sourcePort, 0)
  ports.writeUInt16BE(addresses.destinationPort, PORT_BYTES)
  return Buffer.concat([Buffer.of(source.length === 4 ? IPV4 : IPV6), source, destination, ports])
}

/**
 * The addresses at `from`, within bytes that end at `to`.
 *
 * @returns `end`: the offset behind them
 * @throws BrxyError `protocol/bad-frame`
 */
export function decodeAddresses(
  buffer: Buffer,
  from: number,
  to: number,
): { readonly addresses: Addresses | null; readonly end: number } {
  const family = from < to ? buffer[from] : -1
  if (family === UNKNOWN) return { addresses: null, end: from + 1 }
  const size = family === IPV4 ? 4 : 16
  const ports = from + 1 + 2 * size
  const end = ports + 2 * PORT_BYTES
  if ((family !== IPV4 && family !== IPV6) || end > to)
    throw new BrxyError('protocol/bad-frame', 'brxy.v1: OPEN with addresses of no family, or cut short')
  const addresses = {
    source: formatIp(buffer.subarray(from + 1, from + 1 + size)),
    sourcePort: buffer.readUInt16BE(ports),
    destination: formatIp(buffer.subarray(from + 1 + size, ports)),
    destinationPort: buffer.readUInt16BE(ports + PORT_BYTES),
  }
  return { addresses, end }
}

/**
 * Both addresses in bytes, of one length: IPv4 that came as IPv6 is IPv4, and beside a true IPv6 one it is mapped.
 * @returns null if one of them is no IP address
 */
export function addressBytes({ source, destination }: Addresses): [Uint8Array, Uint8Array] | null {
  const from = parseIp(source)
  const to = parseIp(destination)
  if (from === null || to === null) return null
  const ends: [Uint8Array, Uint8Array] = [unmapped(from), unmapped(to)]
  return ends[0].length === ends[1].length ? ends : [mapped(ends[0]), mapped(ends[1])]
}

function unmapped(bytes: Uint8Array): Uint8Array {
  return isMapped(bytes) ? bytes.subarray(12) : bytes
}

function mapped(bytes: Uint8Array): Uint8Array {
  return bytes.length === 16 ? bytes : Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...bytes)
}
