import {
  constants,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Server, Socket } from 'node:net'
import { WheelTimer } from '@brxy/protocol/transport'
import { schemeOf } from '../../tls/scheme.ts'
import type { Forwarded } from '../forwarded.ts'
import type { Peer } from '../peer.ts'
import type { Shared } from '../shared.ts'
import { type Http2Host, Http2Request } from './http2-request.ts'
import { RequestReader } from './request-reader.ts'
import type { ResetAllowance } from './reset-allowance.ts'
import { beginSession, resetAllowance } from './session-bounds.ts'

/** A client that has taken everything and does not close its side is cut; sooner while the edge drains. */
const LINGER_MS = 10_000
const HURRIED_MS = 1_000

/**
 * One client connection, HTTP/2: many requests at a time, each brokered by itself. `node:http2` owns frames, windows and
 * header compression; this owns the session and its timer: that of the client's first SETTINGS, of the next request
 * while there is none, and of the end.
 */
export class Http2Connection implements Http2Host {
  /** The listener that it came by. */
  readonly server: Server
  readonly shared: Shared
  readonly peer: Peer
  readonly forwarded: Forwarded
  readonly reader = new RequestReader()
  readonly #socket: Socket
  readonly #session: ServerHttp2Session
  readonly #timer: WheelTimer
  readonly #resets: ResetAllowance
  readonly #requests = new Set<Http2Request>()
  /** Requests that are not over yet; of the others only bytes are left, for the client to take. */
  #running = 0
  #isStarted = false
  #untakenBytes = 0

  /** @param socket from now on node:http2 reads it, beginning with what was unshifted */
  constructor(
    socket: Socket,
    server: Server,
    peer: Peer,
    shared: Shared,
    onClosed: (connection: Http2Connection) => void,
  ) {
    this.#socket = socket
    this.server = server
    this.shared = shared
    this.peer = peer
    this.forwarded = shared.forwarded(peer, schemeOf(socket), '2.0')
    this.#timer = new WheelTimer(() => this.#onTimeout())
    const streams = shared.options.limits.http2Streams
    this.#resets = resetAllowance(streams, shared.wheel.now())
    const session = beginSession(socket, streams)
    this.#session = session
    this.#wait(shared.options.timeouts.headMs)
    // @types/node leaves out the last argument (names and values in turn).
    session.on('stream', (stream, _: IncomingHttpHeaders, flags: number, ...more: unknown[]) =>
      this.#onStream(stream, flags, more[0] as string[]),
    )
    session.once('remoteSettings', () => this.#onStarted())
    // A session that breaks the protocol, or whose client does, says so with an error, and then closes.
    session.on('error', () => {})
    socket.on('error', () => {})
    session.on('close', () => {
      shared.wheel.clear(this.#timer)
      onClosed(this)
    })
    // No WINDOW_UPDATE comes any more, so nothing can be completed.
    socket.on('end', () => session.destroy())
  }

  /** The edge drains: the connection ends after the requests that it has. */
  drain(): void {
    this.#close()
  }

  /** Its listener is gone: it ends after the requests that it has, and their client comes back elsewhere. */
  retire(): void {
    this.#close()
  }

  /** The edge stops: nothing is waited for. */
  destroy(): void {
    this.#session.destroy()
  }

  onOver(): void {
    this.#running--
    if (this.#running === 0) this.#onIdle()
  }

  onGivenUp(): void {
    const { closed, destroyed } = this.#session
    if (closed || destroyed || this.#resets.spend(this.shared.wheel.now())) return
    this.#session.destroy(new Error('too many resets'), constants.NGHTTP2_ENHANCE_YOUR_CALM)
  }

  #onStarted(): void {
    this.#isStarted = true
    if (this.#running === 0) this.#onIdle()
  }

  #onStream(stream: ServerHttp2Stream, flags: number, fields: readonly string[]): void {
    if (this.#session.destroyed) return
    // Reset in the read that it came with: it never was, but for the work of reading it.
    if (stream.destroyed || stream.closed) return this.onGivenUp()
    const request = new Http2Request(stream, this)
    this.#requests.add(request)
    stream.on('close', () => this.#onStreamClosed(request))
    this.#running++
    this.shared.wheel.clear(this.#timer)
    request.begin(fields, flags)
  }

  #onStreamClosed(request: Http2Request): void {
    this.#requests.delete(request)
    if (this.#running === 0 && this.#session.closed) this.#awaitEnd()
  }

  #onIdle(): void {
    if (this.#session.closed) this.#awaitEnd()
    else if (this.#isStarted) this.#wait(this.shared.options.timeouts.keepAliveMs)
  }

  /**
   * GOAWAY with the last request that is served: one that crosses it may safely be sent again (RFC 9113 6.8). A warning
   * ahead, as the RFC would have it, cannot be sent with Node: nghttp2 drops what comes after any GOAWAY.
   */
  #close(): void {
    this.#session.close()
    if (this.#running === 0) this.#awaitEnd()
  }

  /** What the client has still to take may take long, as long as it takes something. */
  #awaitEnd(): void {
    this.#untakenBytes = this.#countUntaken()
    const { writeStallMs } = this.shared.options.timeouts
    if (this.#untakenBytes > 0) this.#wait(writeStallMs === 0 ? Number.POSITIVE_INFINITY : writeStallMs)
    else this.#wait(this.shared.isDraining ? HURRIED_MS : LINGER_MS)
  }

  #countUntaken(): number {
    let bytes = 0
    for (const { response } of this.#requests) bytes += response.untakenBytes
    return bytes
  }

  #onTimeout(): void {
    const { closed } = this.#session
    if (!closed && this.#isStarted) return this.#close()
    if (closed && this.#countUntaken() < this.#untakenBytes) return this.#awaitEnd()
    this.#socket.destroy()
  }

  #wait(ms: number): void {
    if (this.#socket.destroyed) return
    const { wheel } = this.shared
    wheel.set(this.#timer, wheel.now() + ms)
  }
}
