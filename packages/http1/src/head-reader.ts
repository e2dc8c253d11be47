import type { Http1ErrorCode } from './error.ts'
import type { FieldScanner } from './field-scanner.ts'
import type { Head } from './head.ts'

/** The scanner of a start line; trailers have none. */
export interface StartLineScanner<H extends Head> {
  readonly done: boolean
  begin(): void
  move(distance: number): void
  scan(head: H, buffer: Buffer, p: number, end: number): number
}

const FIRST_BYTES = 512
const KEPT_BYTES = 4096
/** What follows a head that is gathered (a body, the next request) is copied in vain, so the steps are small. */
const STEP_BYTES = 2048

/**
 * Reads one head from pushes. A head within one push is a view over the caller's bytes; one that spans pushes is
 * gathered in a buffer of this reader, which grows with it up to the limit. No byte is scanned twice.
 */
export class HeadReader<H extends Head> {
  /** Whether the head is complete. */
  complete = false

  readonly #head: H
  readonly #startLine: StartLineScanner<H> | null
  readonly #fields: FieldScanner
  readonly #maxBytes: number
  readonly #tooLarge: Http1ErrorCode
  #inStartLine = true
  #fresh = true
  #gathered: Buffer | null = null
  #length = 0

  constructor(
    head: H,
    startLine: StartLineScanner<H> | null,
    fields: FieldScanner,
    maxBytes: number,
    tooLarge: Http1ErrorCode,
  ) {
    this.#head = head
    this.#startLine = startLine
    this.#fields = fields
    this.#maxBytes = maxBytes
    this.#tooLarge = tooLarge
  }

  /** No byte of the head was seen. */
  get fresh(): boolean {
    return this.#fresh
  }

  /** Offset within the message of the next byte. */
  get offset(): number {
    const head = this.#head
    if (this.complete) return head.messageOffset + head.end - head.start
    return head.messageOffset + this.#length
  }

  /** Starts a head, `messageOffset` bytes into its message. */
  begin(messageOffset: number): void {
    this.#head.messageOffset = messageOffset
    this.complete = false
    this.#fresh = true
    this.#inStartLine = this.#startLine !== null
    this.#startLine?.begin()
    this.#fields.begin()
    this.#length = 0
    if (this.#gathered !== null && this.#gathered.length > KEPT_BYTES) this.#gathered = null
  }

  /**
   * Takes bytes [from, to) and returns the offset after the last one taken: after the head if it is now `complete`,
   * else `to`.
   * @throws Http1Error at the first byte that may not be there
   */
  read(buffer: Buffer, from: number, to: number): number {
    if (this.#length > 0) return this.#gather(buffer, from, to)
    if (this.#fresh) {
      if (from === to) return from
      this.#head.reset(buffer, from)
      this.#fresh = false
    }
    const p = this.#scan(buffer, from, to)
    if (this.complete) return p
    this.#append(buffer, from, to)
    this.#startLine?.move(from)
    this.#fields.move(from)
    this.#head.move(this.#gathered as Buffer, from)
    return to
  }

  #gather(buffer: Buffer, from: number, to: number): number {
    while (from < to) {
      const scanned = this.#length
      const step = Math.min(to - from, STEP_BYTES, this.#maxBytes - scanned)
      this.#append(buffer, from, from + step)
      this.#head.buffer = this.#gathered as Buffer
      const p = this.#scan(this.#head.buffer, scanned, this.#length)
      if (this.complete) return from + p - scanned
      from += step
    }
    return from
  }

  #append(buffer: Buffer, from: number, to: number): void {
    const length = this.#length + to - from
    if (this.#gathered === null || this.#gathered.length < length) {
      // Not from the shared pool: one slow client would keep 8 KiB of it alive.
      const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(FIRST_BYTES, length * 2), this.#maxBytes))
      this.#gathered?.copy(larger, 0, 0, this.#length)
      this.#gathered = larger
    }
    buffer.copy(this.#gathered, this.#length, from, to)
    this.#length = length
  }

  #scan(buffer: Buffer, p: number, to: number): number {
    const head = this.#head
    const limit = head.start + this.#maxBytes
    const end = Math.min(to, limit)
    if (this.#inStartLine) {
      const startLine = this.#startLine as StartLineScanner<H>
      p = startLine.scan(head, buffer, p, end)
      if (startLine.done) {
        this.#inStartLine = false
        head.fieldsStart = p
      }
    }
    if (!this.#inStartLine) {
      p = this.#fields.scan(head, buffer, p, end)
      this.complete = this.#fields.done
    }
    if (!this.complete && p === limit) throw head.fault(this.#tooLarge, p)
    return p
  }
}
