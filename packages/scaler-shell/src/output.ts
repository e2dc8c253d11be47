/** Lines kept of each launch, both streams together. */
export const MAX_LINES = 200
/** Characters kept of each launch, whatever the number of lines. */
export const MAX_KEPT = 256 * 1_024
/** Longest line, in bytes; the rest of a longer one is dropped. */
export const MAX_LINE_BYTES = 8 * 1_024
/** End of stderr kept for the message of a launch that fails, in bytes. */
export const MAX_STDERR_BYTES = 4 * 1_024

/** Ends a line that was cut. */
export const CUT_MARK = ' … [cut]'

export type StreamName = 'stdout' | 'stderr'

/** What one launch wrote: divided into lines as it arrives, and its end kept. */
export class LaunchOutput {
  readonly #onLine: (stream: StreamName, line: string) => void
  readonly #splitters: Readonly<Record<StreamName, LineSplitter>>
  readonly #lines: string[] = []
  #kept = 0
  #stderr: Buffer = Buffer.alloc(0)

  /** @param onLine receives each line, without its line end, as soon as it is complete or too long */
  constructor(onLine: (stream: StreamName, line: string) => void) {
    this.#onLine = onLine
    this.#splitters = {
      stdout: new LineSplitter((line) => this.#add('stdout', line)),
      stderr: new LineSplitter((line) => this.#add('stderr', line)),
    }
  }

  /** Takes a chunk of a stream. The buffer is not kept. */
  push(stream: StreamName, chunk: Buffer): void {
    if (stream === 'stderr') {
      const joined = Buffer.concat([this.#stderr, chunk.subarray(-MAX_STDERR_BYTES)])
      this.#stderr = Buffer.from(joined.subarray(-MAX_STDERR_BYTES))
    }
    this.#splitters[stream].push(chunk)
  }

  /** The stream has ended: what stands without a line end is a line too. */
  end(stream: StreamName): void {
    this.#splitters[stream].end()
  }

  /** The last 200 lines of both streams, in order of arrival, oldest first. */
  lines(): readonly string[] {
    return [...this.#lines]
  }

  /** The last 4 KiB of stderr, without outer white space. */
  stderrTail(): string {
    // The first character may be cut in two, which decodes to replacement characters.
    return this.#stderr
      .toString('utf8')
      .replace(/^\uFFFD+/, '')
      .trim()
  }

  #add(stream: StreamName, line: string): void {
    this.#lines.push(line)
    this.#kept += line.length
    while (this.#lines.length > MAX_LINES || this.#kept > MAX_KEPT)
      this.#kept -= this.#lines.shift()?.length ?? 0
    this.#onLine(stream, line)
  }
}

const NEWLINE = 0x0a

class LineSplitter {
  readonly #emit: (line: string) => void
  #pieces: Buffer[] = []
  #bytes = 0
  /** The line was cut and given out; what follows, up to its end, is dropped. */
  #skipping = false

  constructor(emit: (line: string) => void) {
    this.#emit = emit
  }

  push(chunk: Buffer): void {
    let from = 0
    for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
      this.#append(chunk.subarray(from, to))
      if (!this.#skipping) this.#emit(this.#take())
      this.#skipping = false
      from = to + 1
    }
    this.#append(chunk.subarray(from))
  }

  /** The stream has ended: what stands without a line end is a line too. */
  end(): void {
    if (this.#bytes > 0) this.#emit(this.#take())
  }

  #append(piece: Buffer): void {
    if (this.#skipping || piece.length === 0) return
    const room = MAX_LINE_BYTES - this.#bytes
    // A copy: the chunk's memory is far larger than a line and would be kept with it.
    this.#pieces.push(Buffer.from(piece.subarray(0, room)))
    this.#bytes += Math.min(piece.length, room)
    if (piece.length <= room) return
    this.#emit(this.#take() + CUT_MARK)
    this.#skipping = true
  }

  #take(): string {
    const text = Buffer.concat(this.#pieces).toString('utf8')
    this.#pieces = []
    this.#bytes = 0
    return text.endsWith('\r') ? text.slice(0, -1) : text
  }
}
