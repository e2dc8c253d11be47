/**
 * The frames of brxy.v1. A frame is an 8 byte header and a payload, network byte order:
 *
 *     | type u8 (bit 7 = END) | length u24 | stream u32 | payload, `length` bytes |
 *
 * docs/protocol.md tells what each frame means; this file is its layout.
 */
export const FRAME_HEADER_BYTES = 8

/** Set in the type byte, it half-closes the sender's direction of the stream. */
export const END_BIT = 0x80

export const FRAME = {
  HELLO: 0x01,
  WELCOME: 0x02,
  REJECT: 0x03,
  TOKEN: 0x04,
  STATUS: 0x05,
  GRANT: 0x10,
  RECLAIM: 0x11,
  RETURN: 0x12,
  DEMAND: 0x13,
  LEAVE: 0x20,
  VERDICT: 0x21,
  REPLACE: 0x22,
  RECALL: 0x23,
  DRAIN: 0x24,
  GOAWAY: 0x25,
  OPEN: 0x30,
  REFUSE: 0x31,
  HEAD: 0x32,
  DATA: 0x33,
  TRAILERS: 0x34,
  WINDOW: 0x35,
  RESET: 0x36,
  PING: 0x40,
  PONG: 0x41,
} as const

export type FrameType = (typeof FRAME)[keyof typeof FRAME]

/** Who may send a frame. */
export type Sender = 'edge' | 'linker' | 'either'

/** What a header must look like, checked before a byte of the payload is taken in. */
export interface FrameRule {
  readonly name: string
  readonly from: Sender
  /** Whether the frame belongs to a stream (id > 0) or to the session (id 0). */
  readonly stream: boolean
  /** Whether the END bit may be set. */
  readonly end: boolean
  readonly minBytes: number
  readonly maxBytes: number
}

/** Largest JSON payload (HELLO, WELCOME, REJECT, TOKEN, STATUS, GOAWAY). */
export const MAX_MESSAGE_BYTES = 16 * 1024
/** Largest canonical head or trailer section in a frame. */
export const MAX_HEAD_BYTES = 64 * 1024
/** Largest payload of one DATA frame. */
export const MAX_DATA_BYTES = 256 * 1024
/** What stands before the canonical head in OPEN and HEAD. */
export const HEAD_PREFIX_BYTES = 12
/** Most grants an edge may hold of one session. */
export const MAX_GRANTS = 65_535
/** Most interim (1xx) heads before the final one. */
export const MAX_INTERIM_HEADS = 16

const rules: (FrameRule | undefined)[] = new Array(128).fill(undefined)

function rule(
  name: keyof typeof FRAME,
  from: Sender,
  stream: boolean,
  end: boolean,
  minBytes: number,
  maxBytes: number,
) {
  rules[FRAME[name]] = { name, from, stream, end, minBytes, maxBytes }
}

rule('HELLO', 'linker', false, false, 2, MAX_MESSAGE_BYTES)
rule('WELCOME', 'edge', false, false, 2, MAX_MESSAGE_BYTES)
rule('REJECT', 'edge', false, false, 2, MAX_MESSAGE_BYTES)
rule('TOKEN', 'edge', false, false, 1, MAX_MESSAGE_BYTES)
rule('STATUS', 'linker', false, false, 2, MAX_MESSAGE_BYTES)
rule('GRANT', 'linker', false, false, 4, 4)
rule('RECLAIM', 'linker', false, false, 4, 4)
rule('RETURN', 'edge', false, false, 4, 4)
rule('DEMAND', 'edge', false, false, 4, 4)
rule('LEAVE', 'linker', false, false, 0, 0)
rule('VERDICT', 'edge', false, false, 1, 1)
rule('REPLACE', 'linker', false, false, 0, 0)
rule('RECALL', 'edge', false, false, 0, 0)
rule('DRAIN', 'either', false, false, 0, 0)
rule('GOAWAY', 'either', false, false, 2, MAX_MESSAGE_BYTES)
rule('OPEN', 'edge', true, true, HEAD_PREFIX_BYTES, HEAD_PREFIX_BYTES + MAX_HEAD_BYTES)
rule('REFUSE', 'linker', true, false, 2, 2)
rule('HEAD', 'linker', true, true, HEAD_PREFIX_BYTES, HEAD_PREFIX_BYTES + MAX_HEAD_BYTES)
rule('DATA', 'either', true, true, 1, MAX_DATA_BYTES)
rule('TRAILERS', 'either', true, true, 0, MAX_HEAD_BYTES)
rule('WINDOW', 'either', true, false, 4, 4)
rule('RESET', 'either', true, false, 2, 2)
rule('PING', 'either', false, false, 8, 8)
rule('PONG', 'either', false, false, 8, 8)

/** The rule for a type (END bit removed); undefined for an unknown type. */
export function frameRule(type: number): FrameRule | undefined {
  return rules[type]
}

/** Writes a frame header at `at`; the caller has made room. */
export function encodeHeader(
  out: Buffer,
  at: number,
  type: number,
  end: boolean,
  length: number,
  stream: number,
): void {
  out[at] = end ? type | END_BIT : type
  out[at + 1] = length >>> 16
  out[at + 2] = length >>> 8
  out[at + 3] = length
  out[at + 4] = stream >>> 24
  out[at + 5] = stream >>> 16
  out[at + 6] = stream >>> 8
  out[at + 7] = stream
}

export const KIND_HTTP = 1
export const KIND_TCP = 2
export type StreamKind = typeof KIND_HTTP | typeof KIND_TCP

/** OPEN: the request was classified as passive (a probe that never counts as activity). */
export const OPEN_PASSIVE = 1
/** OPEN: the client asks for an upgrade; bytes follow only after HEAD 101. */
export const OPEN_UPGRADE = 2
/** OPEN: the addresses of the client stand before the head. Only if both sides named the feature `addresses`. */
export const OPEN_ADDRESSES = 4
/** HEAD: an interim (1xx) response; another HEAD follows. */
export const HEAD_INTERIM = 1

/** Body kinds of OPEN and HEAD. */
export const BODY_NONE = 0
export const BODY_KNOWN = 1
export const BODY_UNKNOWN = 2
export type BodyKind = typeof BODY_NONE | typeof BODY_KNOWN | typeof BODY_UNKNOWN

/** Whether no DATA follows an OPEN or HEAD with this body; exactly then it has END. */
export function isBodyless(body: number, length: number): boolean {
  return body === BODY_NONE || (body === BODY_KNOWN && length === 0)
}

/** Why a stream was aborted. */
export const RESET = {
  /** Nothing is wrong: the response is complete, the rest of the upload is not wanted. */
  NO_ERROR: 0,
  /** The client went away. */
  CANCELLED: 1,
  /** A bug, or something that has no code of its own. */
  INTERNAL: 2,
  /** More DATA than the window allowed. */
  FLOW_CONTROL: 3,
  /** A body did not have its declared length, or was cut short. */
  BODY_LENGTH: 4,
  /** The application's connection ended before its response was complete. */
  APP_CLOSED: 5,
  /** The application's response is not HTTP as HTTP.md accepts it. */
  APP_PROTOCOL: 6,
  /** The application did not answer in time. */
  TIMEOUT: 7,
  /** A head that the receiver's validation refuses. */
  BAD_HEAD: 8,
} as const

/** Why a linker refused a stream that its application never saw. */
export const REFUSE = {
  /** No slot is free: the grant had been taken back, or the concurrency was lowered. */
  NO_SLOT: 1,
  /** The linker is leaving. */
  DRAINING: 2,
  /** The application is gone or does not accept connections. */
  INSTANCE: 3,
} as const

const RESET_NAMES = namesOf(RESET)
const REFUSE_NAMES = namesOf(REFUSE)

/** `5` -> `app-closed`, for logs. */
export function resetName(code: number): string {
  return RESET_NAMES.get(code) ?? `code-${code}`
}

/** `1` -> `no-slot`, for logs. */
export function refuseName(code: number): string {
  return REFUSE_NAMES.get(code) ?? `reason-${code}`
}

function namesOf(codes: Record<string, number>): Map<number, string> {
  return new Map(Object.entries(codes).map(([name, code]) => [code, name.toLowerCase().replaceAll('_', '-')]))
}
