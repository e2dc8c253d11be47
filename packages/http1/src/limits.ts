/** Bounds on what a client may send. All inclusive: the value itself is still accepted. */
export interface RequestLimits {
  /** Bytes of the request line without its CRLF. Default 16 KiB; beyond: 414. */
  readonly maxRequestLineBytes: number
  /** Bytes of the method. Default 32; beyond: 400. */
  readonly maxMethodBytes: number
  /** Field lines of a head. Default 128; beyond: 431. */
  readonly maxFields: number
  /** Bytes of a head, from the first to the last CRLF. Default 32 KiB; beyond: 431. */
  readonly maxHeadBytes: number
  /** Bytes of one chunk line without its CRLF. Default 256; beyond: 400. */
  readonly maxChunkLineBytes: number
  /** Bytes of all chunk extensions of a message. Default 16 KiB; beyond: 400. */
  readonly maxChunkExtensionBytes: number
  /** Trailer field lines. Default 32; beyond: 431. */
  readonly maxTrailerFields: number
  /** Bytes of the trailer section with its last CRLF. Default 8 KiB; beyond: 431. */
  readonly maxTrailerBytes: number
  /**
   * What becomes of field names with `_`, which CGI-like applications cannot tell from `-`.
   * Default `drop`. Names that fold to a framing field are refused whatever this says.
   */
  readonly underscores: 'drop' | 'pass' | 'reject'
}

/** The defaults of {@link RequestLimits}. */
export const DEFAULT_REQUEST_LIMITS: RequestLimits = {
  maxRequestLineBytes: 16_384,
  maxMethodBytes: 32,
  maxFields: 128,
  maxHeadBytes: 32_768,
  maxChunkLineBytes: 256,
  maxChunkExtensionBytes: 16_384,
  maxTrailerFields: 32,
  maxTrailerBytes: 8192,
  underscores: 'drop',
}

/** Bounds on what an application may send; beyond any of them: 502. All inclusive. */
export interface ResponseLimits {
  /** Field lines of a head. Default 256. */
  readonly maxFields: number
  /** Bytes of a head, from the status line to the last CRLF. Default 56 KiB. */
  readonly maxHeadBytes: number
  /** Interim (1xx) heads before the final one. Default 16. */
  readonly maxInterimHeads: number
  /** Bytes of one chunk line without its CRLF. Default 256. */
  readonly maxChunkLineBytes: number
  /** Bytes of all chunk extensions of a message. Default 16 KiB. */
  readonly maxChunkExtensionBytes: number
  /** Trailer field lines. Default 32. */
  readonly maxTrailerFields: number
  /** Bytes of the trailer section with its last CRLF. Default 8 KiB. */
  readonly maxTrailerBytes: number
}

/** The defaults of {@link ResponseLimits}. */
export const DEFAULT_RESPONSE_LIMITS: ResponseLimits = {
  maxFields: 256,
  maxHeadBytes: 57_344,
  maxInterimHeads: 16,
  maxChunkLineBytes: 256,
  maxChunkExtensionBytes: 16_384,
  maxTrailerFields: 32,
  maxTrailerBytes: 8192,
}

/** A canonical head comes from a peer that already applied its limits and added a few fields of its own. */
export const MAX_CANONICAL_FIELDS = 512
/** brxy.v1 bounds: heads <= 64 KiB. */
export const MAX_CANONICAL_HEAD_BYTES = 65_536
/** Each token of Connection is compared with the fields, so their number is bounded. */
export const MAX_CONNECTION_TOKENS = 64
/** Longest protocol name of an Upgrade that is forwarded. */
export const MAX_PROTOCOL_BYTES = 128

/**
 * Fills in the defaults.
 * @throws RangeError if a limit is not a positive safe integer: a limit that is NaN would limit nothing.
 */
export function withDefaults<L extends object>(defaults: L, given: Partial<L> | undefined): L {
  const limits = { ...defaults, ...given }
  for (const [name, value] of Object.entries(limits)) {
    if (name === 'underscores') {
      if (value !== 'drop' && value !== 'pass' && value !== 'reject') {
        throw new RangeError(`underscores must be drop, pass or reject, not ${String(value)}`)
      }
    } else if (!Number.isSafeInteger(value) || (value as number) < 1 || (value as number) > MAX_LIMIT) {
      throw new RangeError(`${name} must be an integer from 1 to ${MAX_LIMIT}, not ${String(value)}`)
    }
  }
  return limits
}

// Field offsets are 32 bit and field indices 16 bit; nobody needs heads of that size.
const MAX_LIMIT = 16_777_216
