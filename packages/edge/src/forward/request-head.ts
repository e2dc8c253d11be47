import { FIELD, fieldSet, type RequestHead, roomFor, writeCanonicalRequest } from '@brxy/http1'
import { MAX_HEAD_BYTES } from '@brxy/protocol'

/**
 * What a client says about the way its request came is not believed: these are replaced. (Trusted proxies in
 * front come with their own option.)
 */
const REPLACED = fieldSet(
  FIELD.FORWARDED,
  FIELD.X_FORWARDED_FOR,
  FIELD.X_FORWARDED_PROTO,
  FIELD.X_FORWARDED_HOST,
  FIELD.X_FORWARDED_PORT,
  FIELD.X_FORWARDED_OTHER,
  FIELD.X_REAL_IP,
  FIELD.EXPECT,
  FIELD.BRXY_SLOTS,
  FIELD.BRXY_OTHER,
)

const INITIAL_BYTES = 2 * 1024
const SLASH = 0x2f

/**
 * The canonical heads (brxy.v1 "a canonical head is ...") of one connection's requests, one at a time. It is kept
 * until the next request, for a request that is held or sent again needs it.
 */
export class CanonicalHead {
  buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES)
  length = 0
  #extra: Buffer
  #extraHost = ''
  #extraPrefix = ''
  readonly #peer: string

  /** @param peerAddress the client's, for X-Forwarded-For. @param scheme `http` or `https`. */
  constructor(peerAddress: string, scheme: 'http' | 'https') {
    this.#peer = `X-Forwarded-For: ${peerAddress}\r\nX-Forwarded-Proto: ${scheme}\r\nVia: 1.1 brxy\r\n`
    this.#extra = Buffer.from(this.#peer, 'latin1')
  }

  /**
   * @param stripped path prefix, which the target has, that the application is not to see; or ''
   * @returns false if the rewritten head is larger than a frame may carry.
   */
  write(head: RequestHead, stripped: string): boolean {
    const host = head.hostBytes()
    if (host !== this.#extraHost || stripped !== this.#extraPrefix) {
      this.#extraHost = host
      this.#extraPrefix = stripped
      const prefix = stripped === '' ? '' : `X-Forwarded-Prefix: ${stripped}\r\n`
      this.#extra = Buffer.from(`${this.#peer}X-Forwarded-Host: ${host}\r\n${prefix}`, 'latin1')
    }
    if (stripped !== '') strip(head, stripped.length)
    const room = roomFor(head, this.#extra) + head.upgrade.length
    if (room > this.buffer.length) this.buffer = Buffer.allocUnsafeSlow(room)
    this.length = writeCanonicalRequest(head, REPLACED, this.#extra, this.buffer, 0)
    return this.length <= MAX_HEAD_BYTES
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
