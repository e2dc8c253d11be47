import { CLASS, CR, DIGIT, LF, SP, skipValue } from './bytes.ts'
import { byteName } from './field-scanner.ts'
import type { ResponseHead } from './response-head.ts'

const FIXED = 0
const AFTER_STATUS = 1
const REASON = 2
const LINE_LF = 3
const DONE = 4

/** What stands before the status: each byte is compared, but the minor version at 7 may be 0 or 1. */
const PATTERN = Buffer.from('HTTP/1.1 ')
const MINOR_AT = 7
const FIXED_LENGTH = PATTERN.length + 3

/** The machine for `HTTP/1.x SP 3DIGIT [ SP reason ] CRLF` (RFC 9112 4; the last SP may be missing, as it often is). */
export class StatusLineScanner {
  #state = FIXED
  #mark = 0

  get done(): boolean {
    return this.#state === DONE
  }

  begin(): void {
    this.#state = FIXED
  }

  move(distance: number): void {
    this.#mark -= distance
  }

  /**
   * Goes on at `p` and returns where it stopped: after the line, or at `end`.
   * @throws Http1Error at the first byte that may not be there
   */
  scan(head: ResponseHead, buffer: Buffer, p: number, end: number): number {
    while (p < end) {
      switch (this.#state) {
        case FIXED:
          p = this.#scanFixed(head, buffer, p, end)
          break
        case AFTER_STATUS:
          if (buffer[p] === CR) this.#endReason(head, p, p)
          else if (buffer[p] === SP) {
            this.#mark = p + 1
            this.#state = REASON
          } else
            throw head.fault(
              buffer[p] === LF ? 'http1/bare-lf' : 'http1/bad-status-line',
              p,
              byteName(buffer[p]),
            )
          p++
          break
        case REASON:
          p = skipValue(buffer, p, end)
          if (p === end) break
          if (buffer[p] !== CR) {
            throw head.fault(
              buffer[p] === LF ? 'http1/bare-lf' : 'http1/bad-status-line',
              p,
              byteName(buffer[p]),
            )
          }
          this.#endReason(head, this.#mark, p)
          p++
          break
        case LINE_LF:
          if (buffer[p] !== LF) throw head.fault('http1/bare-cr', p - 1)
          this.#state = DONE
          return p + 1
        default:
          return p
      }
    }
    return p
  }

  #scanFixed(head: ResponseHead, buffer: Buffer, p: number, end: number): number {
    for (; p < end; p++) {
      const at = p - head.start
      if (at === FIXED_LENGTH) break
      const byte = buffer[p]
      if (at >= PATTERN.length) {
        if ((CLASS[byte] & DIGIT) === 0) throw head.fault('http1/bad-status-line', p, byteName(byte))
        head.status = head.status * 10 + byte - 0x30
      } else if (at === MINOR_AT && byte === 0x30) head.minorVersion = 0
      else if (byte !== PATTERN[at]) throw head.fault('http1/bad-status-line', p, byteName(byte))
    }
    if (p - head.start === FIXED_LENGTH) {
      if (head.status < 100 || head.status > 599) {
        throw head.fault('http1/bad-status', p - 3, `found ${head.status}`)
      }
      this.#state = AFTER_STATUS
    }
    return p
  }

  #endReason(head: ResponseHead, start: number, end: number): void {
    head.reasonStart = start
    head.reasonEnd = end
    this.#state = LINE_LF
  }
}
