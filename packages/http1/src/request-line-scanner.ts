import { CLASS, CR, DIGIT, LF, SP, skip, TARGET, TOKEN } from './bytes.ts'
import type { Http1ErrorCode } from './error.ts'
import { byteName } from './field-scanner.ts'
import type { RequestLimits } from './limits.ts'
import { methodOf } from './method.ts'
import type { RequestHead } from './request-head.ts'
import { applyTarget } from './target.ts'

const START = 0
const START_LF = 1
const METHOD = 2
const IN_TARGET = 3
const VERSION = 4
const LINE_CR = 5
const LINE_LF = 6
const DONE = 7

const VERSION_PREFIX = Buffer.from('HTTP/')
const VERSION_LENGTH = 8

/** The machine for `[ CRLF ] method SP request-target SP HTTP-version CRLF` (RFC 9112 2.2, 3). */
export class RequestLineScanner {
  readonly #maxLineBytes: number
  readonly #maxMethodBytes: number
  #state = START
  /** Start of the line, and of the part of it that the last byte seen belongs to. */
  #lineStart = 0
  #mark = 0
  #skippedEmptyLine = false

  constructor(limits: RequestLimits) {
    this.#maxLineBytes = limits.maxRequestLineBytes
    // A method that is longer than the line may be is too long as a method: one answer, however the bytes are cut.
    this.#maxMethodBytes = Math.min(limits.maxMethodBytes, limits.maxRequestLineBytes)
  }

  get done(): boolean {
    return this.#state === DONE
  }

  begin(): void {
    this.#state = START
    this.#skippedEmptyLine = false
  }

  /** Nothing of a request was seen, but maybe the one empty line that is ignored. */
  get untouched(): boolean {
    return this.#state === START
  }

  move(distance: number): void {
    this.#lineStart -= distance
    this.#mark -= distance
  }

  /**
   * Goes on at `p` and returns where it stopped: after the line, or at `end`.
   * @throws Http1Error at the first byte that may not be there
   */
  scan(head: RequestHead, buffer: Buffer, p: number, end: number): number {
    while (p < end) {
      switch (this.#state) {
        case START:
          if (buffer[p] === CR) {
            if (this.#skippedEmptyLine) throw head.fault('http1/bad-empty-line', p)
            this.#state = START_LF
            p++
            break
          }
          this.#lineStart = p
          this.#mark = p
          this.#state = METHOD
          break
        case START_LF:
          if (buffer[p] !== LF) throw head.fault('http1/bare-cr', p - 1)
          this.#skippedEmptyLine = true
          this.#state = START
          p++
          break
        case METHOD:
          p = this.#scanMethod(head, buffer, p, end)
          break
        case IN_TARGET:
          p = this.#scanTarget(head, buffer, p, end)
          break
        case VERSION:
          p = this.#scanVersion(head, buffer, p, end)
          break
        case LINE_CR:
          if (buffer[p] !== CR) throw head.fault(buffer[p] === LF ? 'http1/bare-lf' : 'http1/bad-version', p)
          this.#state = LINE_LF
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

  #scanMethod(head: RequestHead, buffer: Buffer, p: number, end: number): number {
    p = skip(buffer, p, end, TOKEN)
    // The limits are looked at whenever bytes run out, so the same byte is refused however they are cut.
    const limit = this.#mark + this.#maxMethodBytes
    if (p > limit) throw head.fault('http1/method-too-long', limit)
    this.#checkLine(head, p)
    if (p === end) return p
    if (buffer[p] !== SP || p === this.#mark) {
      throw head.fault(lineBreak(buffer[p]) ?? 'http1/bad-method', p, byteName(buffer[p]))
    }
    head.method = methodOf(buffer, this.#mark, p)
    head.isHead = head.method === 'HEAD'
    if (head.method === 'CONNECT' || head.method === 'TRACE') {
      throw head.fault('http1/method-not-implemented', this.#mark, head.method)
    }
    this.#mark = p + 1
    this.#state = IN_TARGET
    return p + 1
  }

  #scanTarget(head: RequestHead, buffer: Buffer, p: number, end: number): number {
    p = skip(buffer, p, end, TARGET)
    this.#checkLine(head, p)
    if (p === end) return p
    const byte = buffer[p]
    if (byte !== SP || p === this.#mark) {
      // A line that ends here has no version: HTTP/0.9, or a lost one.
      const code = byte === CR ? 'http1/bad-version' : (lineBreak(byte) ?? 'http1/bad-target')
      throw head.fault(code, p, byteName(byte))
    }
    head.targetStart = this.#mark
    head.targetEnd = p
    applyTarget(head)
    this.#mark = p + 1
    this.#state = VERSION
    return p + 1
  }

  #scanVersion(head: RequestHead, buffer: Buffer, p: number, end: number): number {
    const mark = this.#mark
    while (p < end && p < mark + VERSION_LENGTH) {
      this.#checkLine(head, p + 1)
      const at = p - mark
      const byte = buffer[p]
      const fits =
        at < 5 ? byte === VERSION_PREFIX[at] : at === 6 ? byte === 0x2e : (CLASS[byte] & DIGIT) !== 0
      if (!fits) throw head.fault('http1/bad-version', p, byteName(byte))
      p++
    }
    if (p < mark + VERSION_LENGTH) return p
    if (buffer[mark + 5] !== 0x31) {
      throw head.fault('http1/version-not-supported', mark, buffer.toString('latin1', mark, p))
    }
    // RFC 9110 2.5: a higher minor version is understood as the highest one known.
    head.minorVersion = buffer[mark + 7] === 0x30 ? 0 : 1
    this.#state = LINE_CR
    return p
  }

  #checkLine(head: RequestHead, p: number): void {
    const limit = this.#lineStart + this.#maxLineBytes
    if (p > limit) throw head.fault('http1/request-line-too-long', limit)
  }
}

function lineBreak(byte: number): Http1ErrorCode | undefined {
  return byte === LF ? 'http1/bare-lf' : undefined
}
