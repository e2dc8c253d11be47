import { CLASS, COMMA, equalsIgnoringCase, equalsLower, HTAB, SP, TOKEN } from './bytes.ts'
import { FIELD, type Field, fieldOfBytes } from './field.ts'
import type { Head } from './head.ts'
import { MAX_CONNECTION_TOKENS } from './limits.ts'

/** Bits of the result of {@link applyConnection}. */
export const CONNECTION_CLOSE = 1
export const CONNECTION_KEEP_ALIVE = 2
export const CONNECTION_UPGRADE = 4

/**
 * Reads Connection (RFC 9110 7.6.1): returns the options that matter here, and marks every field it nominates as
 * dropped. Empty list members are skipped (RFC 9110 5.6.1.2).
 * @throws Http1Error `http1/bad-connection`: not a list of tokens, too many of them, or one that nominates Host or a
 *   framing field, which would let a client strip what this package adds for everybody's safety
 */
export function applyConnection(head: Head): number {
  let options = 0
  let tokens = 0
  for (let index = head.find(FIELD.CONNECTION); index !== -1; index = head.next(index)) {
    const { buffer } = head
    const end = head.valueEnd(index)
    let p = head.valueStart(index)
    // Nearly always the whole value.
    if (equalsLower(buffer, p, end, 'keep-alive')) {
      options |= CONNECTION_KEEP_ALIVE
      continue
    }
    while (p < end) {
      const start = p
      while (p < end && (CLASS[buffer[p]] & TOKEN) !== 0) p++
      if (p > start) {
        if (++tokens > MAX_CONNECTION_TOKENS)
          throw head.fault('http1/bad-connection', start, 'too many tokens')
        options |= applyOption(head, start, p)
      }
      while (p < end && (buffer[p] === SP || buffer[p] === HTAB)) p++
      if (p === end) break
      if (buffer[p] !== COMMA) throw head.fault('http1/bad-connection', p)
      p++
      while (p < end && (buffer[p] === SP || buffer[p] === HTAB)) p++
    }
  }
  return options
}

function applyOption(head: Head, start: number, end: number): number {
  const { buffer } = head
  if (equalsLower(buffer, start, end, 'keep-alive')) return CONNECTION_KEEP_ALIVE
  if (equalsLower(buffer, start, end, 'close')) return CONNECTION_CLOSE
  if (equalsLower(buffer, start, end, 'upgrade')) return CONNECTION_UPGRADE
  const field = fieldOfBytes(buffer, start, end)
  if (field === FIELD.HOST || field === FIELD.CONTENT_LENGTH || field === FIELD.TRANSFER_ENCODING) {
    throw head.fault('http1/bad-connection', start, buffer.toString('latin1', start, end))
  }
  nominate(head, field, start, end)
  return 0
}

function nominate(head: Head, field: Field, start: number, end: number): void {
  for (let index = head.find(field); index !== -1; index = head.next(index)) {
    const nameStart = head.nameStart(index)
    if (
      head.nameEnd(index) - nameStart === end - start &&
      equalsIgnoringCase(head.buffer, nameStart, head.buffer, start, end - start)
    ) {
      head.drop(index)
    }
  }
}
