import { CLASS, equalsLower, SLASH, TOKEN } from './bytes.ts'
import { FIELD } from './field.ts'
import type { Head } from './head.ts'
import { MAX_PROTOCOL_BYTES } from './limits.ts'

/**
 * The protocol of the head's Upgrade field if it names exactly one that may be forwarded, else '' (RFC 9110 7.8).
 * `websocket` comes back in lower case, whatever was sent; others as sent.
 */
export function parseUpgrade(head: Head): string {
  const index = head.find(FIELD.UPGRADE)
  if (index === -1 || head.next(index) !== -1) return ''
  const start = head.valueStart(index)
  const end = head.valueEnd(index)
  if (equalsLower(head.buffer, start, end, 'websocket')) return 'websocket'
  return end - start <= MAX_PROTOCOL_BYTES && isProtocol(head.buffer, start, end)
    ? forwardable(head.value(index))
    : ''
}

/** protocol-name [ "/" protocol-version ], RFC 9110 7.8. */
function isProtocol(buffer: Buffer, start: number, end: number): boolean {
  let slashAt = -1
  for (let p = start; p < end; p++) {
    if (buffer[p] === SLASH && slashAt === -1) slashAt = p
    else if ((CLASS[buffer[p]] & TOKEN) === 0) return false
  }
  return end > start && slashAt !== start && slashAt !== end - 1
}

/** HTTP/2 and TLS would put a second HTTP endpoint behind the validation of this one. */
function forwardable(protocol: string): string {
  return /^(h2c?$|h2c?[-/]|tls(\/|$)|http(\/|$))/i.test(protocol) ? '' : protocol
}

/** Whether two protocol names are the same; they are compared without case, as implementations do. */
export function isSameProtocol(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
