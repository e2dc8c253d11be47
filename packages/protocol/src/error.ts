/** What marks an error as brxy's, whichever copy of whichever package made it. */
const BRAND = Symbol.for('brxy.error')

/**
 * The one error class of brxy's protocol, edge and linker. Match on `code`, never on the text.
 * Codes are `area/what`, listed in docs/errors.md.
 */
export class BrxyError extends Error {
  override readonly name = 'BrxyError'
  readonly code: string
  /** Whether the same attempt may succeed later without anybody changing anything. */
  readonly retryable: boolean

  constructor(code: string, message: string, options: { retryable?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retryable = options.retryable ?? false
    Object.defineProperty(this, BRAND, { value: true })
  }
}

/** Whether `value` is an error of any brxy package, even of another copy of it. */
export function isBrxyError(value: unknown): value is Error & { readonly code: string } {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[BRAND] === true
}

/**
 * States what must hold if brxy's own code is right. A peer's or an operator's mistake is never asserted.
 * @throws BrxyError `bug/assertion`
 */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new BrxyError('bug/assertion', `this should hold: ${what}`)
}

/** The protocol's own error codes, each with its cause and what to do. docs/errors.md is compared with it. */
export const PROTOCOL_ERRORS = {
  'protocol/bad-frame':
    'A frame broke the layout: an unknown type, a wrong length, stream id or END. The peer speaks another protocol or is faulty; the session ends.',
  'protocol/bad-message':
    'The JSON of a HELLO, WELCOME, REJECT, STATUS or GOAWAY frame is malformed or lacks a key. The session ends.',
  'protocol/bad-state':
    'A legal frame came where brxy.v1 does not allow it, for example DATA before HEAD. The session ends.',
  'protocol/text-message': 'A WebSocket text message arrived; the tunnel is binary. The session ends.',
  'protocol/version': 'Edge and linker share no protocol version. Upgrade the older one.',
  'protocol/handshake-timeout':
    'HELLO or WELCOME did not come in time. Look at the network between linker and edge.',
  'protocol/dead':
    'Nothing was heard from the peer although it was pinged. The session ends; a linker dials again.',
  'protocol/closed': 'The connection under the session closed. A linker dials again.',
  'protocol/backlog':
    'The peer does not read: more bytes than maxBacklogBytes wait for it. The session ends; look at the process on the other side.',
  'protocol/rollover':
    'A session used up its stream ids and was ended after its last stream; the linker dials again. Nothing needs to be done.',
  'protocol/flood': 'The peer sent more PINGs a second than brxy.v1 allows. The session ends.',
  'bug/assertion': 'brxy itself is wrong. Please report it with the log around it.',
} as const
