import { COLON, CR, HTAB, LF, NAME, SP, skip, skipValue, UNDERSCORE } from './bytes.ts'
import type { Http1ErrorCode } from './error.ts'
import type { Head } from './head.ts'
import type { RequestLimits } from './limits.ts'

const LINE_START = 0
const IN_NAME = 1
const BEFORE_VALUE = 2
const IN_VALUE = 3
const VALUE_LF = 4
const BLOCK_LF = 5
const DONE = 6

/**
 * The machine for `*( field-line CRLF ) CRLF` (RFC 9112 5, 2.1): of heads, trailers and canonical heads alike.
 * It looks at each byte once, however the bytes are cut, and keeps offsets in a {@link Head}.
 */
export class FieldScanner {
  readonly #maxFields: number
  readonly #tooMany: Http1ErrorCode
  readonly #underscores: RequestLimits['underscores']
  #state = LINE_START
  /** Start of the name or value that the last byte seen belongs to. */
  #nameStart = 0
  #nameEnd = 0
  #valueStart = 0
  #hasUnderscore = false

  constructor(maxFields: number, tooMany: Http1ErrorCode, underscores: RequestLimits['underscores']) {
    this.#maxFields = maxFields
    this.#tooMany = tooMany
    this.#underscores = underscores
  }

  /** Whether the empty line was seen. */
  get done(): boolean {
    return this.#state === DONE
  }

  /** Whether the last byte seen ended a field line, or none was seen. */
  get betweenLines(): boolean {
    return this.#state === LINE_START
  }

  begin(): void {
    this.#state = LINE_START
  }

  /** The bytes moved; see {@link Head.move}. */
  move(distance: number): void {
    this.#nameStart -= distance
    this.#nameEnd -= distance
    this.#valueStart -= distance
  }

  /**
   * Goes on at `p` and returns where it stopped: after the empty line, or at `end`.
   * @throws Http1Error at the first byte that may not be there
   */
  scan(head: Head, buffer: Buffer, p: number, end: number): number {
    let state = this.#state
    // A line goes straight through these steps, and a cut one goes on at its step: a `switch` in a loop would ask for
    // the state anew after each.
    while (p < end && state !== DONE) {
      if (state === LINE_START) {
        if (buffer[p] === CR) {
          head.fieldsEnd = p++
          state = BLOCK_LF
          continue
        }
        if (head.fieldCount === this.#maxFields) throw head.fault(this.#tooMany, p)
        this.#nameStart = p
        this.#hasUnderscore = false
        state = IN_NAME
      }
      if (state === IN_NAME) {
        p = skip(buffer, p, end, NAME)
        if (p === end) break
        if (buffer[p] === UNDERSCORE) {
          this.#hasUnderscore = true
          p++
          continue
        }
        if (buffer[p] !== COLON || p === this.#nameStart) throw badName(head, buffer, p, this.#nameStart)
        this.#nameEnd = p++
        state = BEFORE_VALUE
      }
      if (state === BEFORE_VALUE) {
        while (p < end && (buffer[p] === SP || buffer[p] === HTAB)) p++
        if (p === end) break
        this.#valueStart = p
        state = IN_VALUE
      }
      if (state === IN_VALUE) {
        p = skipValue(buffer, p, end)
        if (p === end) break
        if (buffer[p] !== CR) throw badValue(head, buffer, p)
        p++
        state = VALUE_LF
        if (p === end) break
      }
      if (buffer[p] !== LF) throw head.fault('http1/bare-cr', p - 1)
      if (state === BLOCK_LF) {
        head.end = p + 1
        state = DONE
      } else {
        this.#endLine(head, buffer, p - 1)
        state = LINE_START
      }
      p++
    }
    this.#state = state
    return p
  }

  #endLine(head: Head, buffer: Buffer, cr: number): void {
    let valueEnd = cr
    while (valueEnd > this.#valueStart && (buffer[valueEnd - 1] === SP || buffer[valueEnd - 1] === HTAB))
      valueEnd--
    head.add(this.#nameStart, this.#nameEnd, this.#valueStart, valueEnd)
    if (this.#hasUnderscore) applyUnderscores(head, head.fieldCount - 1, this.#underscores)
  }
}

/**
 * CGI, and what descends from it, shows `content_length` and `Content-Length` to the application as one variable.
 * (Host has no `-`, so no other name folds to it.)
 */
function applyUnderscores(head: Head, index: number, underscores: RequestLimits['underscores']): void {
  const folded = head.name(index).toLowerCase().replaceAll('_', '-')
  if (underscores === 'reject' || folded === 'content-length' || folded === 'transfer-encoding') {
    throw head.fault('http1/underscore-name', head.nameStart(index))
  }
  if (underscores === 'drop') head.drop(index)
}

function badName(head: Head, buffer: Buffer, p: number, nameStart: number): Error {
  const byte = buffer[p]
  if (byte === LF) return head.fault('http1/bare-lf', p)
  if (p === nameStart && (byte === SP || byte === HTAB) && head.fieldCount > 0)
    return head.fault('http1/obs-fold', p)
  return head.fault('http1/bad-field-name', p, byteName(byte))
}

function badValue(head: Head, buffer: Buffer, p: number): Error {
  if (buffer[p] === LF) return head.fault('http1/bare-lf', p)
  return head.fault('http1/bad-field-value', p, byteName(buffer[p]))
}

/** One byte for an error message; a single byte gives no secret away. */
export function byteName(byte: number): string {
  return `found byte 0x${byte.toString(16).padStart(2, '0')}`
}
