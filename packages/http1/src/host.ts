/** A Host value taken apart. */
export interface HostParts {
  /** Lower case, no port, no final dot; an IPv6 address keeps its brackets. */
  readonly key: string
  /** 0 to 65535, or -1 if none was given. */
  readonly port: number
}

const MAX_NAME_LENGTH = 253
const NAME_FORM = /^[A-Za-z0-9._-]+$/
const PORT_FORM = /^[0-9]{1,5}$/

/**
 * Takes `host [":" port]` apart (RFC 9110 7.2, stricter): a name of `[A-Za-z0-9._-]`, at most 253 long, or
 * `[IPv6]` without zone; a port of 1 to 5 digits, at most 65535. Null for anything else: empty, a list, userinfo, a
 * path, `%`.
 */
export function parseHost(value: string): HostParts | null {
  const bracket = value.startsWith('[') ? value.indexOf(']') : -1
  const colon = value.indexOf(':', bracket + 1)
  const name = colon === -1 ? value : value.slice(0, colon)
  let port = -1
  if (colon !== -1) {
    const digits = value.slice(colon + 1)
    if (!PORT_FORM.test(digits)) return null
    port = Number(digits)
    if (port > 65_535) return null
  }
  if (value.startsWith('[')) {
    if (!name.endsWith(']') || !isIPv6(name.slice(1, -1))) return null
    return { key: name.toLowerCase(), port }
  }
  if (name.length > MAX_NAME_LENGTH || !NAME_FORM.test(name)) return null
  const key = (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase()
  return key === '' ? null : { key, port }
}

/** The host key of a Host value (lower case, no port, no final dot), or null if it is not one. See {@link parseHost}. */
export function normalizeHost(value: string): string | null {
  return parseHost(value)?.key ?? null
}

/** RFC 4291 2.2, with the dotted form of the last 32 bits, without a zone. */
function isIPv6(text: string): boolean {
  if (text.length > 45) return false
  const halves = text.split('::')
  if (halves.length > 2) return false
  let groups = 0
  for (const [h, half] of halves.entries()) {
    if (half === '') continue
    const parts = half.split(':')
    for (const [i, part] of parts.entries()) {
      const last = h === halves.length - 1 && i === parts.length - 1
      if (/^[0-9A-Fa-f]{1,4}$/.test(part)) groups += 1
      else if (last && isIPv4(part)) groups += 2
      else return false
    }
  }
  // `::` stands for at least one group.
  return halves.length === 2 ? groups <= 7 : groups === 8 && halves[0] !== ''
}

function isIPv4(text: string): boolean {
  const parts = text.split('.')
  return (
    parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255)
  )
}
