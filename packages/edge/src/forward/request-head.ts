import { type RequestHead, roomFor, writeCanonicalRequest } from '@brxy/http1'
import { MAX_ADDRESSES_BYTES, MAX_HEAD_BYTES } from '@brxy/protocol'
import type { Forwarded } from './forwarded.ts'

const INITIAL_BYTES = 2 * 1024
/** The addresses of the client may stand in the same frame. */
const MAX_BYTES = MAX_HEAD_BYTES - MAX_ADDRESSES_BYTES
const SLASH = 0x2f

/**
 * The canonical heads (brxy.v1 "a canonical head is ...") of one connection's requests (of HTTP/2: of one stream's), one
 * at a time. It is kept until the next request, for a request that is held or sent again needs it.
 */
export class CanonicalHead {
  buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES)
  length = 0
  #requestId = ''
  readonly #forwarded: Forwarded

  constructor(forwarded: Forwarded) {
    this.#forwarded = forwarded
  }

  /**
   * @param stripped path prefix, which the target has, that the application is not to see; or ''
   * @param more field lines, each with its end; null: none
   * @returns false if the rewritten head is larger than a frame may carry.
   */
  write(head: RequestHead, stripped: string, more: Buffer | null = null): boolean {
    const lines = this.#forwarded.lines(head, stripped)
    const extra = more === null ? lines : Buffer.concat([lines, more])
    this.#requestId = this.#forwarded.requestId
    if (stripped !== '') strip(head, stripped.length)
    const room = roomFor(head, extra) + head.upgrade.length
    if (room > this.buffer.length) this.buffer = Buffer.allocUnsafeSlow(room)
    this.length = writeCanonicalRequest(head, this.#forwarded.replaced, extra, this.buffer, 0)
    return this.length <= MAX_BYTES
  }

  /** What the application, the log and an answer of the edge call the request; '' before its head was written. */
  get requestId(): string {
    return this.length === 0 ? '' : this.#requestId
  }

  /** Whether the request has been at this edge before. */
  isLoop(head: RequestHead): boolean {
    return this.#forwarded.isLoop(head)
  }

  /** The request is over: what an error says next has nothing to do with it. */
  clear(): void {
    this.length = 0
  }

  /** The target as forwarded, for logs. */
  get target(): string {
    const method = this.buffer.indexOf(0x20)
    return this.buffer.toString('latin1', method + 1, this.buffer.indexOf(0x20, method + 1))
  }
}

/** `/api/x` -> `/x`, `/api` -> `/`, `/api?q` -> `/?q`: the target keeps its bytes and begins later. */
function strip(head: RequestHead, length: number): void {
  head.targetStart += length
  const hasPath = head.targetStart < head.targetEnd && head.buffer[head.targetStart] === SLASH
  head.targetPrefix = hasPath ? 0 : SLASH
}
