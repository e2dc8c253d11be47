import { type ChunkLimits, ChunkScanner } from './chunk-scanner.ts'
import { Http1Error } from './error.ts'
import { FieldScanner } from './field-scanner.ts'
import { Head } from './head.ts'
import { HeadReader } from './head-reader.ts'
import type { RequestLimits } from './limits.ts'
import type { MessageSink } from './sink.ts'
import { applyTrailerRules } from './trailers.ts'

const ENDED = 0
const KNOWN = 1
const CHUNKED = 2
const TRAILERS = 3
const UNTIL_CLOSE = 4

/** Bounds of {@link BodyDecoder}; see `RequestLimits`. */
export interface BodyLimits extends ChunkLimits {
  readonly maxTrailerFields: number
  readonly maxTrailerBytes: number
}

/** The machine for one body after another, with whatever framing: the half that both decoders share. */
export class BodyDecoder {
  /** Why the body was refused; set during `push`, which then stops. */
  error: Http1Error | null = null

  readonly #limits: BodyLimits
  readonly #underscores: RequestLimits['underscores']
  readonly #faultStatus: 0 | 502
  readonly #chunks: ChunkScanner
  // Trailers are rare: their reader is made with the first ones.
  #trailers: Head | null = null
  #trailerReader: HeadReader<Head> | null = null
  #state = ENDED
  #remaining = 0
  /** Bytes of the message before the next push. */
  #consumed = 0

  constructor(limits: BodyLimits, underscores: RequestLimits['underscores'], faultStatus: 0 | 502) {
    this.#limits = limits
    this.#underscores = underscores
    this.#faultStatus = faultStatus
    this.#chunks = new ChunkScanner(limits, faultStatus)
  }

  get ended(): boolean {
    return this.#state === ENDED
  }

  /** Whether the end of the connection is the end of the body. */
  get untilClose(): boolean {
    return this.#state === UNTIL_CLOSE
  }

  /** Offset within the message of the next byte. */
  get offset(): number {
    return this.#consumed
  }

  /** Starts a body of `length` bytes, `messageOffset` bytes into its message. */
  beginKnown(length: number, messageOffset: number): void {
    this.#begin(KNOWN, messageOffset)
    this.#remaining = length
  }

  beginChunked(messageOffset: number): void {
    this.#begin(CHUNKED, messageOffset)
    this.#chunks.begin()
  }

  beginUntilClose(messageOffset: number): void {
    this.#begin(UNTIL_CLOSE, messageOffset)
  }

  /** Drops what was going on: nothing more is expected. */
  end(): void {
    this.#state = ENDED
  }

  #begin(state: number, messageOffset: number): void {
    this.#state = state
    this.#consumed = messageOffset
    this.error = null
  }

  /**
   * Takes bytes [from, to): data and trailers go to the sink. Returns the offset after the last byte taken: after the
   * body once it has `ended` (the caller then calls `onEnd`), else `to`; or sets `error`.
   */
  push<H extends Head>(buffer: Buffer, from: number, to: number, sink: MessageSink<H>): number {
    let p = from
    while (p < to && this.#state !== ENDED && this.error === null) {
      switch (this.#state) {
        case KNOWN: {
          const end = Math.min(to, p + this.#remaining)
          this.#remaining -= end - p
          if (this.#remaining === 0) this.#state = ENDED
          sink.onData(buffer, p, end)
          p = end
          break
        }
        case CHUNKED:
          p = this.#pushChunked(buffer, p, to, this.#consumed - from, sink)
          break
        case TRAILERS:
          p = this.#pushTrailers(buffer, p, to, sink)
          break
        default:
          sink.onData(buffer, p, to)
          p = to
      }
    }
    this.#consumed += p - from
    return p
  }

  #pushChunked<H extends Head>(
    buffer: Buffer,
    from: number,
    to: number,
    origin: number,
    sink: MessageSink<H>,
  ): number {
    const chunks = this.#chunks
    if (chunks.remaining > 0) {
      const end = Math.min(to, from + chunks.remaining)
      chunks.take(end - from)
      sink.onData(buffer, from, end)
      return end
    }
    try {
      const p = chunks.scan(buffer, from, to, origin)
      if (chunks.last) this.#beginTrailers(origin + p)
      return p
    } catch (error) {
      return this.#fail(error, to)
    }
  }

  #beginTrailers(messageOffset: number): void {
    this.#state = TRAILERS
    if (this.#trailerReader === null) {
      this.#trailers = new Head()
      this.#trailers.faultStatus = this.#faultStatus
      this.#trailerReader = new HeadReader<Head>(
        this.#trailers,
        null,
        new FieldScanner(this.#limits.maxTrailerFields, 'http1/too-many-trailer-fields', this.#underscores),
        this.#limits.maxTrailerBytes,
        'http1/trailers-too-large',
      )
    }
    this.#trailerReader.begin(messageOffset)
  }

  #pushTrailers<H extends Head>(buffer: Buffer, from: number, to: number, sink: MessageSink<H>): number {
    const reader = this.#trailerReader as HeadReader<Head>
    const fields = this.#trailers as Head
    let p = from
    let passing = 0
    try {
      p = reader.read(buffer, from, to)
      if (!reader.complete) return p
      passing = applyTrailerRules(fields)
    } catch (error) {
      return this.#fail(error, to)
    }
    this.#state = ENDED
    if (passing > 0) sink.onTrailers(fields)
    return p
  }

  #fail(error: unknown, to: number): number {
    if (!(error instanceof Http1Error)) throw error
    this.error = error
    return to
  }
}
