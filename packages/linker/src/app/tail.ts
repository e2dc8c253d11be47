/** How much of an application's last output is kept, in bytes: what a failed start reports to the edge. */
export const TAIL_BYTES = 4096

/** The last bytes of a stream of output, in a ring of fixed size. */
export class OutputTail {
  readonly #ring: Buffer
  #next = 0
  #wrapped = false

  /** @param bytes how many are kept, at least 1 */
  constructor(bytes: number = TAIL_BYTES) {
    this.#ring = Buffer.alloc(bytes)
  }

  /** Appends `chunk`; its bytes are copied. */
  push(chunk: Buffer): void {
    const size = this.#ring.length
    if (chunk.length >= size) {
      chunk.copy(this.#ring, 0, chunk.length - size)
      this.#next = 0
      this.#wrapped = true
      return
    }
    const first = chunk.copy(this.#ring, this.#next)
    if (first < chunk.length) chunk.copy(this.#ring, 0, first)
    if (this.#next + chunk.length >= size) this.#wrapped = true
    this.#next = (this.#next + chunk.length) % size
  }

  /** The kept bytes as UTF-8; a character that was cut at the front is left out, not shown broken. */
  toString(): string {
    if (!this.#wrapped) return this.#ring.toString('utf8', 0, this.#next)
    const bytes = Buffer.concat([this.#ring.subarray(this.#next), this.#ring.subarray(0, this.#next)])
    let start = 0
    // RFC 3629 3: continuation octets are 10xxxxxx, and at most three follow a leading octet.
    while (start < 3 && isContinuation(bytes[start])) start++
    return bytes.toString('utf8', start)
  }
}

function isContinuation(octet: number | undefined): boolean {
  return octet !== undefined && (octet & 0xc0) === 0x80
}
