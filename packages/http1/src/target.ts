import { equalsLower, isTargetText, QUESTION, SLASH, STAR } from './bytes.ts'
import {
  PREFIX_SLASH,
  PREFIX_STAR,
  type RequestHead,
  TARGET_ABSOLUTE,
  TARGET_ASTERISK,
  TARGET_ORIGIN,
} from './request-head.ts'

/**
 * Sets the form of the target in bytes [targetStart, targetEnd) of the head, whose bytes were checked
 * (RFC 9112 3.2). Nothing is normalised: percent-escapes and dots mean what the application says they mean.
 * @throws Http1Error `http1/bad-target`
 */
export function applyTarget(head: RequestHead): void {
  const { buffer, targetStart, targetEnd } = head
  if (buffer[targetStart] === SLASH) {
    head.targetForm = TARGET_ORIGIN
    return
  }
  if (buffer[targetStart] === STAR && targetEnd - targetStart === 1 && head.method === 'OPTIONS') {
    head.targetForm = TARGET_ASTERISK
    return
  }
  const authorityStart = targetStart + schemeLength(head)
  if (authorityStart === targetStart) throw head.fault('http1/bad-target', targetStart)
  head.targetForm = TARGET_ABSOLUTE
  let p = authorityStart
  while (p < targetEnd && buffer[p] !== SLASH && buffer[p] !== QUESTION) p++
  if (p === authorityStart) throw head.fault('http1/bad-target', p, 'the authority is empty')
  head.authorityStart = authorityStart
  head.authorityEnd = p
  head.targetStart = p
  // RFC 9112 3.2.4: OPTIONS without path and query asks about the server. RFC 9112 3.2.1: else an empty path is `/`.
  if (p === targetEnd) head.targetPrefix = head.method === 'OPTIONS' ? PREFIX_STAR : PREFIX_SLASH
  else if (buffer[p] === QUESTION) head.targetPrefix = PREFIX_SLASH
}

/** Port that the scheme of an absolute-form target implies. */
export function schemePort(head: RequestHead): number {
  // The authority follows `://`, so the byte before that is the last one of `http` or of `https`.
  return (head.buffer[head.authorityStart - 4] | 0x20) === 0x73 ? 443 : 80
}

/**
 * Whether `text` can be the target of a forwarded request: the origin-form, or `*` with OPTIONS. For targets
 * that come as strings, as `:path` from HTTP/2.
 */
export function isForwardTarget(text: string, method: string): boolean {
  if (text === '*') return method === 'OPTIONS'
  return text.charCodeAt(0) === SLASH && isTargetText(text)
}

function schemeLength(head: RequestHead): number {
  const { buffer, targetStart, targetEnd } = head
  for (const scheme of ['http://', 'https://']) {
    const end = targetStart + scheme.length
    if (end <= targetEnd && equalsLower(buffer, targetStart, end, scheme)) return scheme.length
  }
  return 0
}
