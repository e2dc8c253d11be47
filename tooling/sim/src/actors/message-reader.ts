/** What a reader of a message is told. */
export interface MessageHandler {
  /** @returns how the body is framed beyond what the fields say: `none` for an answer to HEAD */
  onHead(startLine: string, fields: ReadonlyMap<string, string>): 'fields' | 'none'
  onBody(bytes: Buffer): void
  onEnd(): void
}

const HEAD_END = '\r\n\r\n'

/**
 * Reads HTTP/1.1 messages, one after another: slow, obvious, and no relative of the product's parser. It trusts who
 * writes; what it cannot read is an Error.
 */
export class MessageReader {
  readonly #handler: MessageHandler
  /** Whether a message without framing ends with the connection (a response) or has no body (a request). */
  readonly #isResponse: boolean
  #bytes: Buffer = Buffer.alloc(0)
  #state: 'head' | 'length' | 'chunk' | 'chunk end' | 'trailers' | 'until close' = 'head'
  #left = 0

  constructor(isResponse: boolean, handler: MessageHandler) {
    this.#isResponse = isResponse
    this.#handler = handler
  }

  /** Nothing of a message has come that is not over. */
  get isIdle(): boolean {
    return this.#state === 'head' && this.#bytes.length === 0
  }

  push(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes])
    while (this.#step()) {}
  }

  /** The connection has ended. @returns whether the message under way is complete by that */
  end(): boolean {
    if (this.#state !== 'until close') return this.isIdle
    this.#finish()
    return true
  }

  /** @returns whether there may be more to do */
  #step(): boolean {
    switch (this.#state) {
      case 'head': {
        const end = this.#bytes.indexOf(HEAD_END)
        if (end < 0) return false
        this.#head(this.#take(end + HEAD_END.length).toString('latin1'))
        return true
      }
      case 'length':
        this.#body(Math.min(this.#left, this.#bytes.length))
        if (this.#left > 0) return false
        this.#finish()
        return true
      case 'until close':
        this.#left = this.#bytes.length
        this.#body(this.#left)
        return false
      case 'chunk': {
        if (this.#left === 0) {
          const line = this.#line()
          if (line === null) return false
          this.#left = Number.parseInt(line, 16)
          if (this.#left === 0) this.#state = 'trailers'
          return true
        }
        this.#body(Math.min(this.#left, this.#bytes.length))
        if (this.#left > 0) return false
        this.#state = 'chunk end'
        return true
      }
      case 'chunk end': {
        const line = this.#line()
        if (line === null) return false
        if (line !== '') throw new Error(`behind a chunk comes ${JSON.stringify(line)}`)
        this.#state = 'chunk'
        return true
      }
      case 'trailers': {
        const line = this.#line()
        if (line === '') this.#finish()
        return line !== null
      }
    }
  }

  #head(text: string): void {
    const [startLine, ...lines] = text.slice(0, -HEAD_END.length).split('\r\n')
    const fields = new Map(
      lines.map((line) => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
      }),
    )
    const length = fields.get('content-length')
    const isInterim = /^HTTP\/1\.1 1/.test(startLine)
    const framing = this.#handler.onHead(startLine, fields)
    if (framing === 'none') return this.#finish()
    if (fields.get('transfer-encoding') === 'chunked') this.#state = 'chunk'
    else if (length !== undefined) {
      this.#left = Number(length)
      this.#state = 'length'
    } else if (isInterim) this.#state = 'head'
    else if (this.#isResponse) this.#state = 'until close'
    else this.#finish()
  }

  #body(size: number): void {
    if (size === 0) return
    this.#left -= size
    this.#handler.onBody(this.#take(size))
  }

  #finish(): void {
    this.#state = 'head'
    this.#left = 0
    this.#handler.onEnd()
  }

  #line(): string | null {
    const end = this.#bytes.indexOf('\r\n')
    return end < 0 ? null : this.#take(end + 2).toString('latin1', 0, end)
  }

  #take(size: number): Buffer {
    const taken = this.#bytes.subarray(0, size)
    this.#bytes = this.#bytes.subarray(size)
    return taken
  }
}
