/** The text of an IPv4 octet: no leading zeros, which some programs read as octal. */
const OCTET = '(0|[1-9]\\d{0,2})'
const IPV4 = new RegExp(`^${OCTET}\\.${OCTET}\\.${OCTET}\\.${OCTET}$`)
const GROUP = /^[0-9a-fA-F]{1,4}$/
const GROUPS = 8

/**
 * The 4 or 16 bytes of an IP address, in network order.
 *
 * @param text `10.0.0.1`, `2001:db8::1`, `::ffff:10.0.0.1`; no brackets, no zone
 * @returns null if it is none
 */
export function parseIp(text: string): Uint8Array | null {
  const groups = text.includes(':') ? parseIpv6(text) : null
  if (groups === null) return parseIpv4(text)
  return Uint8Array.from(
    { length: 2 * GROUPS },
    (_, at) => (groups[at >> 1] >> (at % 2 === 0 ? 8 : 0)) & 0xff,
  )
}

/** The text of 4 or 16 bytes; IPv6 as RFC 5952 wants it, so that equal addresses are equal texts. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: GROUPS }, (_, at) => (bytes[2 * at] << 8) | bytes[2 * at + 1])
  // RFC 5952 5: the prefix of a mapped address is known, and what is behind it is IPv4.
  if (isMapped(bytes)) return `::ffff:${bytes.subarray(12).join('.')}`
  const { start, length } = longestZeros(groups)
  const text = (from: number, to?: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':')
  return length < 2 ? text(0) : `${text(0, start)}::${text(start + length)}`
}

/** Whether 16 bytes are an IPv4 address in the form of IPv6 (RFC 4291 2.5.5.2). */
export function isMapped(bytes: Uint8Array): boolean {
  return bytes.length === 16 && bytes.subarray(0, 12).every((byte, at) => byte === (at < 10 ? 0 : 0xff))
}

function parseIpv4(text: string): Uint8Array | null {
  const octets = IPV4.exec(text)?.slice(1).map(Number) ?? null
  return octets?.every((octet) => octet <= 255) ? Uint8Array.from(octets) : null
}

/** The eight groups of an IPv6 address (RFC 4291 2.2), or null. */
function parseIpv6(text: string): number[] | null {
  const halves = text.split('::')
  if (halves.length > 2) return null
  const last = halves.length - 1
  const [head, tail] = halves.map((half, at) => parseGroups(half, at === last))
  if (head === null || tail === null) return null
  if (tail === undefined) return head.length === GROUPS ? head : null
  const missing = GROUPS - head.length - tail.length
  return missing < 1 ? null : [...head, ...new Array<number>(missing).fill(0), ...tail]
}

/** @param isLast an IPv4 address may stand for the last two groups of all */
function parseGroups(text: string, isLast: boolean): number[] | null {
  if (text === '') return []
  const words = text.split(':')
  const groups: number[] = []
  for (const [at, word] of words.entries()) {
    if (GROUP.test(word)) {
      groups.push(Number.parseInt(word, 16))
      continue
    }
    const octets = isLast && at === words.length - 1 ? parseIpv4(word) : null
    if (octets === null) return null
    groups.push((octets[0] << 8) | octets[1], (octets[2] << 8) | octets[3])
  }
  return groups
}

/** The first of the longest runs of zeros: RFC 5952 4.2.3. */
function longestZeros(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 }
  let start = 0
  for (const [at, group] of groups.entries()) {
    if (group !== 0) start = at + 1
    else if (at + 1 - start > best.length) best = { start, length: at + 1 - start }
  }
  return best
}
