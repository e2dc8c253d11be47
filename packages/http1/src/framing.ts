import { CLASS, COMMA, DIGIT, equalsLower, HTAB, SP, TOKEN } from './bytes.ts'
import type { Http1ErrorCode } from './error.ts'
import { FIELD } from './field.ts'
import type { Head } from './head.ts'

/**
 * The Content-Length of a head, -1 if it has none (RFC 9110 8.6): digits, no leading zero, at most 2^53 - 1.
 * More than one is refused, or, with `collapse`, accepted if all are equal: applications do that, and for a response
 * nobody disagrees about equal ones.
 * @throws Http1Error `http1/bad-content-length`, `http1/duplicate-content-length`
 */
export function parseContentLength(head: Head, collapse: boolean): number {
  const first = head.find(FIELD.CONTENT_LENGTH)
  if (first === -1) return -1
  const length = parseLength(head, first)
  for (let index = head.next(first); index !== -1; index = head.next(index)) {
    if (!collapse || parseLength(head, index) !== length) {
      throw head.fault('http1/duplicate-content-length', head.nameStart(index))
    }
  }
  return length
}

function parseLength(head: Head, index: number): number {
  const { buffer } = head
  const start = head.valueStart(index)
  const end = head.valueEnd(index)
  let length = 0
  for (let p = start; p < end; p++) {
    if ((CLASS[buffer[p]] & DIGIT) === 0) throw head.fault('http1/bad-content-length', p)
    length = length * 10 + (buffer[p] - 0x30)
    if (length > Number.MAX_SAFE_INTEGER) throw head.fault('http1/bad-content-length', start, 'too large')
  }
  if (end === start) throw head.fault('http1/bad-content-length', start, 'empty')
  if (end - start > 1 && buffer[start] === 0x30)
    throw head.fault('http1/bad-content-length', start, 'leading zero')
  refuseTab(head, end, 'http1/bad-content-length')
  return length
}

/** RFC 9110 5.6.3 allows a tab behind a value; llhttp refuses it behind those that frame a body, and nobody sends it. */
function refuseTab(head: Head, valueEnd: number, code: Http1ErrorCode): void {
  const { buffer } = head
  for (let p = valueEnd; buffer[p] === SP || buffer[p] === HTAB; p++) {
    if (buffer[p] === HTAB) throw head.fault(code, p, 'tab')
  }
}

/**
 * Whether the body is chunked (RFC 9112 6.1). The only accepted form is one field with the one coding `chunked`.
 * @throws Http1Error `http1/unsupported-transfer-encoding` for other codings before a final `chunked`,
 *   `http1/bad-transfer-encoding` for everything whose end could be misread
 */
export function parseTransferEncoding(head: Head): boolean {
  const index = head.find(FIELD.TRANSFER_ENCODING)
  if (index === -1) return false
  const start = head.valueStart(index)
  const end = head.valueEnd(index)
  const second = head.next(index)
  if (second !== -1) throw head.fault('http1/bad-transfer-encoding', head.nameStart(second), 'repeated')
  if (equalsLower(head.buffer, start, end, 'chunked')) {
    refuseTab(head, end, 'http1/bad-transfer-encoding')
    return true
  }
  throw head.fault(
    endsInChunked(head, start, end) ? 'http1/unsupported-transfer-encoding' : 'http1/bad-transfer-encoding',
    start,
  )
}

/** A list of at least two different tokens whose last, and no other, is `chunked`. */
function endsInChunked(head: Head, start: number, end: number): boolean {
  const { buffer } = head
  let p = start
  for (;;) {
    const token = p
    while (p < end && (CLASS[buffer[p]] & TOKEN) !== 0) p++
    if (p === token) return false
    const chunked = equalsLower(buffer, token, p, 'chunked')
    while (p < end && (buffer[p] === SP || buffer[p] === HTAB)) p++
    if (p === end) return chunked && token !== start
    if (chunked || buffer[p] !== COMMA) return false
    p++
    while (p < end && (buffer[p] === SP || buffer[p] === HTAB)) p++
  }
}
