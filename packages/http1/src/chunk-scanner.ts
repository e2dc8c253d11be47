import { BACKSLASH, CLASS, CR, EQUALS, HEX, LF, QUOTE, QUOTED, SEMICOLON, TOKEN, VALUE } from './bytes.ts'
import { Http1Error, type Http1ErrorCode } from './error.ts'
import { byteName } from './field-scanner.ts'

const SIZE = 0
const EXTENSION_START = 1
const EXTENSION_NAME = 2
const EXTENSION_VALUE_START = 3
const EXTENSION_VALUE = 4
const EXTENSION_QUOTED = 5
const EXTENSION_ESCAPED = 6
const EXTENSION_END = 7
const LINE_LF = 8
const DATA = 9
const DATA_CR = 10
const DATA_LF = 11
const LAST = 12

const MAX_SIZE_DIGITS = 14

/** Bounds of {@link ChunkScanner}; see `RequestLimits`. */
export interface ChunkLimits {
  readonly maxChunkLineBytes: number
  readonly maxChunkExtensionBytes: number
}

/**
 * The machine for the framing of a chunked body (RFC 9112 7.1), up to the line of the last chunk: it stops where
 * data or the trailer section begins. Extensions are checked and forgotten.
 */
export class ChunkScanner {
  /** Bytes of chunk data that come next; the caller takes them and says so with {@link take}. */
  remaining = 0

  readonly #limits: ChunkLimits
  readonly #faultStatus: 0 | 502
  #state = SIZE
  #size = 0
  #digits = 0
  #lineBytes = 0
  #extensionBytes = 0

  constructor(limits: ChunkLimits, faultStatus: 0 | 502) {
    this.#limits = limits
    this.#faultStatus = faultStatus
  }

  /** Whether the line of the last chunk was seen; the trailer section follows. */
  get last(): boolean {
    return this.#state === LAST
  }

  begin(): void {
    this.remaining = 0
    this.#extensionBytes = 0
    this.#startLine()
  }

  /** `length` bytes of data were taken. */
  take(length: number): void {
    this.remaining -= length
    if (this.remaining === 0) this.#state = DATA_CR
  }

  /**
   * Goes on at `p` and returns where it stopped: at data, after the line of the last chunk, or at `end`.
   * `origin + p` is the offset within the message.
   * @throws Http1Error at the first byte that may not be there
   */
  scan(buffer: Buffer, p: number, end: number, origin: number): number {
    while (p < end && this.#state !== DATA && this.#state !== LAST) {
      const byte = buffer[p]
      if (this.#state === DATA_CR) {
        if (byte !== CR) throw this.#fault('http1/bad-chunk-end', origin + p, byteName(byte))
        this.#state = DATA_LF
      } else if (this.#state === DATA_LF) {
        if (byte !== LF) throw this.#fault('http1/bad-chunk-end', origin + p, byteName(byte))
        this.#startLine()
      } else if (this.#state === LINE_LF) {
        if (byte !== LF) throw this.#fault('http1/bare-cr', origin + p - 1)
        this.remaining = this.#size
        this.#state = this.#size === 0 ? LAST : DATA
      } else this.#scanLine(byte, origin + p)
      p++
    }
    return p
  }

  #startLine(): void {
    this.#state = SIZE
    this.#size = 0
    this.#digits = 0
    this.#lineBytes = 0
  }

  /** One byte of a chunk line before its LF. */
  #scanLine(byte: number, offset: number): void {
    if (byte !== CR && ++this.#lineBytes > this.#limits.maxChunkLineBytes) {
      throw this.#fault('http1/chunk-line-too-long', offset)
    }
    if (this.#state === SIZE) {
      this.#scanSize(byte, offset)
      return
    }
    if (byte !== CR && ++this.#extensionBytes > this.#limits.maxChunkExtensionBytes) {
      throw this.#fault('http1/chunk-extensions-too-large', offset)
    }
    const next = afterExtensionByte(this.#state, byte)
    if (next === -1) throw this.#fault('http1/bad-chunk-extension', offset, byteName(byte))
    this.#state = next
  }

  #scanSize(byte: number, offset: number): void {
    const digit = HEX[byte]
    if (digit !== 255) {
      // 14 digits exceed 2^53, but the comparison is exact: 2^53 itself is representable and rounding is monotonic.
      this.#size = this.#size * 16 + digit
      if (++this.#digits > MAX_SIZE_DIGITS || this.#size > Number.MAX_SAFE_INTEGER) {
        throw this.#fault('http1/bad-chunk-size', offset, 'too large')
      }
    } else if (this.#digits > 0 && byte === CR) this.#state = LINE_LF
    else if (this.#digits > 0 && byte === SEMICOLON) {
      this.#extensionBytes++
      this.#state = EXTENSION_START
    } else throw this.#fault('http1/bad-chunk-size', offset, byteName(byte))
  }

  #fault(code: Http1ErrorCode, offset: number, detail?: string): Http1Error {
    return new Http1Error(code, offset, this.#faultStatus === 0 ? undefined : this.#faultStatus, detail)
  }
}

/**
 * RFC 9112 7.1.1 without the "bad" white space, which no sender may generate:
 * `*( ";" name [ "=" ( token / quoted-string ) ] )`. -1: the byte may not be there.
 */
function afterExtensionByte(state: number, byte: number): number {
  const isToken = (CLASS[byte] & TOKEN) !== 0
  switch (state) {
    case EXTENSION_START:
      return isToken ? EXTENSION_NAME : -1
    case EXTENSION_NAME:
      if (isToken) return EXTENSION_NAME
      return byte === EQUALS ? EXTENSION_VALUE_START : afterExtension(byte)
    case EXTENSION_VALUE_START:
      if (byte === QUOTE) return EXTENSION_QUOTED
      return isToken ? EXTENSION_VALUE : -1
    case EXTENSION_VALUE:
      return isToken ? EXTENSION_VALUE : afterExtension(byte)
    case EXTENSION_QUOTED:
      if (byte === QUOTE) return EXTENSION_END
      if (byte === BACKSLASH) return EXTENSION_ESCAPED
      return (CLASS[byte] & QUOTED) !== 0 ? EXTENSION_QUOTED : -1
    case EXTENSION_ESCAPED:
      return (CLASS[byte] & VALUE) !== 0 ? EXTENSION_QUOTED : -1
    default:
      return afterExtension(byte)
  }
}

function afterExtension(byte: number): number {
  if (byte === CR) return LINE_LF
  return byte === SEMICOLON ? EXTENSION_START : -1
}
