import { isFieldValue, isToken, parseHost } from '@brxy/http1'

/** Fields that belong to a connection of HTTP/1.1; a request that has one is malformed (RFC 9113 8.2.2). */
const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
])

const PSEUDO: ReadonlySet<string> = new Set([':method', ':scheme', ':authority', ':path'])

/**
 * Writes a request of HTTP/2 as a head of HTTP/1.1, so that one set of rules (@brxy/http1) says what is a valid target,
 * Host, length or expectation. Only what the text could not say is judged here: what would end a line or a word
 * of it, and what RFC 9113 8 forbids beyond HTTP/1.1.
 *
 * @param fields names and values in turn, as Latin-1, in the order in which they came
 * @param isEnded END_STREAM came with them: there is no body
 * @returns null for a malformed request (RFC 9113 8.1.1)
 */
export function translateRequest(fields: readonly string[], isEnded: boolean): Buffer | null {
  const pseudo = new Map<string, string>()
  const lines: string[] = []
  let cookie = ''
  let host: string | null = null
  let hasField = false
  let hasLength = false
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at]
    const value = fields[at + 1]
    if (!isFieldValue(value)) return null
    if (name.startsWith(':')) {
      // RFC 9113 8.3: each once, before the fields, and no others.
      if (!PSEUDO.has(name) || pseudo.has(name) || hasField) return null
      pseudo.set(name, value)
      continue
    }
    hasField = true
    if (!isToken(name) || name !== name.toLowerCase() || CONNECTION_SPECIFIC.has(name)) return null
    // RFC 9113 8.2.3: crumbs of one field.
    if (name === 'cookie') {
      cookie = cookie === '' ? value : `${cookie}; ${value}`
      continue
    }
    if (name === 'host') {
      if (host !== null) return null
      host = value
      continue
    }
    if (name === 'te' && value !== 'trailers') return null
    if (name === 'content-length') {
      if (isEnded && value !== '0') return null
      hasLength = true
    }
    lines.push(`${name}: ${value}\r\n`)
  }
  const start = startLine(pseudo, host)
  if (start === null) return null
  if (cookie !== '') lines.push(`cookie: ${cookie}\r\n`)
  // The body ends with END_STREAM, whenever that comes.
  if (!isEnded && !hasLength) lines.push('transfer-encoding: chunked\r\n')
  return Buffer.from(`${start}${lines.join('')}\r\n`, 'latin1')
}

/** The request line, and Host, which is :authority (RFC 9113 8.3.1). @returns null if they make no request */
function startLine(pseudo: ReadonlyMap<string, string>, host: string | null): string | null {
  const method = pseudo.get(':method') ?? ''
  const authority = pseudo.get(':authority') ?? host
  if (!isToken(method) || authority === null) return null
  // It has neither scheme nor path, and http1 has the word on it.
  if (method === 'CONNECT' && pseudo.size === 2)
    return `CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n`
  const scheme = pseudo.get(':scheme')
  const path = pseudo.get(':path') ?? ''
  if (scheme !== 'http' && scheme !== 'https') return null
  // Neither a URL, which is a target in HTTP/1.1 alone, nor a second word of the line.
  if (path !== '*' && !path.startsWith('/')) return null
  if (path.includes(' ') || path.includes('\t')) return null
  if (host !== null && !isSameHost(host, authority, scheme)) return null
  return `${method} ${path} HTTP/1.1\r\nhost: ${authority}\r\n`
}

function isSameHost(one: string, other: string, scheme: 'http' | 'https'): boolean {
  const [a, b] = [parseHost(one), parseHost(other)]
  if (a === null || b === null || a.key !== b.key) return false
  const port = scheme === 'https' ? 443 : 80
  return (a.port === -1 ? port : a.port) === (b.port === -1 ? port : b.port)
}

/**
 * Writes trailers of HTTP/2 as the trailer section of HTTP/1.1, for @brxy/http1 to judge.
 * @param fields names and values in turn, as Latin-1
 * @returns null if they are malformed
 */
export function translateTrailers(fields: readonly string[]): Buffer | null {
  const lines: string[] = []
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at]
    const value = fields[at + 1]
    if (!isToken(name) || name !== name.toLowerCase() || !isFieldValue(value)) return null
    if (CONNECTION_SPECIFIC.has(name)) return null
    lines.push(`${name}: ${value}\r\n`)
  }
  return Buffer.from(`${lines.join('')}\r\n`, 'latin1')
}
