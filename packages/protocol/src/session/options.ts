/** Bounds and times of a session, with the defaults of brxy.v1. */
export interface SessionOptions {
  /** Longest wait for HELLO (edge) or WELCOME (linker). */
  readonly handshakeMs: number
  /** Receive window of a new stream. */
  readonly windowBytes: number
  /** What a receive window may grow to. */
  readonly maxWindowBytes: number
  /** DATA handed to the socket at a time; the rest waits in the streams and takes turns. */
  readonly maxInFlightBytes: number
  /** Bytes that may wait in the socket of a peer that does not read; beyond, the session ends. */
  readonly maxBacklogBytes: number
  /** Silence before a PING; two unanswered ones end the session. */
  readonly pingMs: number
  /** A tick later than this gives no verdict on the peer. */
  readonly lateMs: number
  /** Edge: silence after an OPEN before a PING. */
  readonly openSilenceMs: number
  /** Edge: silence after that PING before no more OPENs are sent. */
  readonly suspectMs: number
  /** PINGs accepted a second. */
  readonly maxPingsPerSecond: number
  /** Edge: an unchanged demand above 0 is repeated, and a changed one sent, this often. */
  readonly demandMs: number
  /** Edge: the session is rolled over before this stream id. */
  readonly maxStreamId: number
}

export const DEFAULT_SESSION_OPTIONS: SessionOptions = {
  handshakeMs: 5_000,
  windowBytes: 64 * 1024,
  maxWindowBytes: 1024 * 1024,
  maxInFlightBytes: 256 * 1024,
  maxBacklogBytes: 16 * 1024 * 1024,
  pingMs: 10_000,
  lateMs: 1_000,
  openSilenceMs: 1_000,
  suspectMs: 2_000,
  maxPingsPerSecond: 10,
  demandMs: 1_000,
  maxStreamId: 0x7fffffff,
}

/** Window growth that all streams of a process share by default. */
export const DEFAULT_WINDOW_BUDGET_BYTES = 64 * 1024 * 1024

/** Protocol versions this package speaks. */
export const VERSIONS: readonly [number, number] = [1, 1]

/** WebSocket subprotocol and path of the tunnel. */
export const SUBPROTOCOL = 'brxy.v1'
export const TUNNEL_PATH = '/brxy/v1/link'
