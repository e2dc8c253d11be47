import { badHeader, type ProxyHeader } from './header.ts'
import { parseVersion1, V1_MAX_BYTES, V1_PREFIX } from './version-1.ts'
import { parseVersion2, restOfVersion2, V2_FIXED_BYTES, V2_SIGNATURE } from './version-2.ts'

const LF = 0x0a
const PREFIX: Uint8Array = Buffer.from(V1_PREFIX, 'latin1')

/**
 * Reads the PROXY header that a connection begins with, of version 1 (a line) or 2 (binary), in whatever pieces it comes,
 * and not one byte of what is behind it: https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
 */
export class ProxyHeaderDecoder {
  #bytes = Buffer.allocUnsafe(V1_MAX_BYTES)
  #length = 0
  /** Bytes that are certainly the header's: up to there it is taken without a look. */
  #wanted = 1
  #header: ProxyHeader | null = null

  /** null until the whole header was there. */
  get header(): ProxyHeader | null {
    return this.#header
  }

  /** Whether nothing has come yet. */
  get isEmpty(): boolean {
    return this.#length === 0
  }

  /**
   * @returns the offset behind what was taken: `to`, or where the header ends
   * @throws BrxyError `edge/bad-proxy-header`, at the first byte that no header has
   */
  push(buffer: Buffer, from: number, to: number): number {
    let at = from
    while (at < to && this.#header === null) {
      const end = Math.min(to, at + this.#wanted - this.#length)
      this.#length += buffer.copy(this.#bytes, this.#length, at, end)
      at = end
      if (this.#length === this.#wanted) this.#advance()
    }
    return at
  }

  #advance(): void {
    if (this.#bytes[0] === V2_SIGNATURE[0]) this.#advanceVersion2()
    else this.#advanceVersion1()
  }

  /** A byte at a time, for only its end says where the line ends. */
  #advanceVersion1(): void {
    const length = this.#length
    if (length <= PREFIX.length) this.#expect(PREFIX)
    const isComplete = this.#bytes[length - 1] === LF
    if (isComplete) this.#header = parseVersion1(this.#bytes.toString('latin1', 0, length))
    else if (length === V1_MAX_BYTES) throw badHeader(`a line of more than ${V1_MAX_BYTES} bytes`)
    this.#wanted = length + 1
  }

  #advanceVersion2(): void {
    const length = this.#length
    if (length <= V2_SIGNATURE.length) {
      this.#expect(V2_SIGNATURE)
      this.#wanted = length < V2_SIGNATURE.length ? length + 1 : V2_FIXED_BYTES
      return
    }
    if (length === V2_FIXED_BYTES) {
      const rest = restOfVersion2(this.#bytes)
      this.#bytes = Buffer.concat([this.#bytes.subarray(0, length)], length + rest)
      this.#wanted = length + rest
      if (rest > 0) return
    }
    this.#header = parseVersion2(this.#bytes)
  }

  #expect(beginning: Uint8Array): void {
    const last = this.#length - 1
    if (this.#bytes[last] === beginning[last]) return
    const begun = JSON.stringify(this.#bytes.toString('latin1', 0, this.#length))
    throw badHeader(`the connection begins with ${begun}, as no PROXY header does`)
  }
}
