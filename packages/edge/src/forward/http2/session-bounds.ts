import { performServerHandshake, type ServerHttp2Session, type ServerSessionOptions } from 'node:http2'
import type { Socket } from 'node:net'
import { ResetAllowance } from './reset-allowance.ts'

/** Of a request's body that is on its way, or waits unread. */
const STREAM_WINDOW_BYTES = 64 * 1024
/** @brxy/http1 answers 431 beyond half of this; what is larger still is reset unread. */
const MAX_HEADER_LIST_BYTES = 64 * 1024
/** As above; the cookie of a browser comes in crumbs. */
const MAX_HEADER_PAIRS = 256
/** Requests that a client may give up at once, or as many as it may have; and each second afterwards. */
const RESET_BURST = 100
const RESETS_PER_SECOND = 10
/** Streams beyond the limit that are refused before the connection is cut: SETTINGS take a round trip to be known. */
const MAX_REFUSED_STREAMS = 1_000
/** A response head of brxy.v1 (64 KiB) fits, whatever its fields; beyond, Node would end the session. */
const MAX_SENT_HEAD_BYTES = 128 * 1024
/** MiB that a session may keep, mostly of responses that its client does not take; beyond, new streams are refused. */
const MAX_SESSION_MEBIBYTES = 32

/**
 * Begins HTTP/2 as a server on a connection, bounded in every way. Floods of PING, SETTINGS and empty frames are
 * bounded by Node.
 * @param streams requests at a time
 */
export function beginSession(socket: Socket, streams: number): ServerHttp2Session {
  const options: ServerSessionOptions = {
    settings: {
      maxConcurrentStreams: streams,
      initialWindowSize: STREAM_WINDOW_BYTES,
      maxHeaderListSize: MAX_HEADER_LIST_BYTES,
    },
    maxHeaderListPairs: MAX_HEADER_PAIRS,
    maxSendHeaderBlockLength: MAX_SENT_HEAD_BYTES,
    maxSessionMemory: MAX_SESSION_MEBIBYTES,
    maxSessionRejectedStreams: MAX_REFUSED_STREAMS,
  }
  const session = performServerHandshake(socket, options)
  // All windows can be used up at once, or uploads that are held would stop the others.
  session.setLocalWindowSize(streams * STREAM_WINDOW_BYTES)
  return session
}

/** Node 20 has no option for it, and nghttp2 allows 1000 and 33. */
export function resetAllowance(streams: number, nowMs: number): ResetAllowance {
  return new ResetAllowance(Math.max(RESET_BURST, streams), RESETS_PER_SECOND, nowMs)
}
