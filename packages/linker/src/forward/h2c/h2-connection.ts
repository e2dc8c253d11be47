import type { ClientHttp2Session, ClientHttp2Stream, connect } from 'node:http2'
import { connect as connectTcp, type Socket } from 'node:net'
import { type TimerWheel, WheelTimer } from '@brxy/protocol/transport'
import type { AppAddress } from '../app-connection.ts'
import { h2ErrorName } from './error-codes.ts'
import type { H2Fields } from './request-fields.ts'

/** What the application may send of one response before the client has taken any of it. */
const STREAM_WINDOW_BYTES = 256 * 1024
/** Window of the connection. node:http2 returns it at once, whoever reads; it only has to cover a round trip. */
const CONNECTION_WINDOW_BYTES = 1024 * 1024
/** http1's limits for heads (256 fields, 56 KiB) are the ones that speak; HPACK counts 32 bytes more for each field. */
const MAX_HEADER_LIST_BYTES = 64 * 1024
const MAX_HEADER_PAIRS = 320
/** Requests come with heads of up to 64 KiB. */
const MAX_SEND_HEADER_BYTES = 128 * 1024
/** node:http2 counts what waits to be sent, MiB. The windows of the tunnel bound that; its own bound would fail requests. */
const MAX_SESSION_MIB = 1024

/** Of node:http2, which is loaded for nobody who does not need it. */
export type Http2Connect = typeof connect

/** Whoever uses a connection: one request each. */
export interface H2User {
  /** Id of its stream; 0 before it has one. */
  readonly streamId: number
  /** The application takes requests. */
  onReady(): void
  /** The application does not accept connections, or says nothing in time. */
  onUnreachable(): void
  /** The application will not process the request, and has not begun to (RFC 9113 6.8). */
  onUnprocessed(): void
  /** The connection is over. @param spoke whether HTTP/2 was ever spoken on it */
  onGone(spoke: boolean): void
}

export interface H2ConnectionOwner {
  /** How many requests the application takes at a time (SETTINGS_MAX_CONCURRENT_STREAMS). */
  onLimit(streams: number): void
  /** It takes no new requests. Called once. */
  onRetired(connection: H2Connection): void
  /** It is over. Called once. */
  onOver(connection: H2Connection): void
  onBug(error: unknown): void
}

/**
 * One HTTP/2 connection to the application, with prior knowledge (RFC 9113 3.3). Requests wait until its SETTINGS have
 * come: from then on it is known that HTTP/2 is spoken, and how many streams the application takes.
 */
export class H2Connection {
  readonly #socket: Socket
  readonly #session: ClientHttp2Session
  readonly #wheel: TimerWheel
  readonly #owner: H2ConnectionOwner
  readonly #users = new Set<H2User>()
  readonly #timer: WheelTimer
  /** Streams that the application has, or may have. */
  #openCount = 0
  #limit = 0
  #isConnected = false
  #isReady = false
  #isRetired = false
  #ending: string | null = null

  /** @param connectMs longest time until the application's SETTINGS */
  constructor(
    connect: Http2Connect,
    { host, port }: AppAddress,
    connectMs: number,
    wheel: TimerWheel,
    owner: H2ConnectionOwner,
  ) {
    this.#wheel = wheel
    this.#owner = owner
    this.#socket = connectTcp({ host, port, noDelay: true })
    this.#session = connect(`http://${host.includes(':') ? `[${host}]` : host}:${port}`, {
      createConnection: () => this.#socket,
      settings: {
        enablePush: false,
        initialWindowSize: STREAM_WINDOW_BYTES,
        maxHeaderListSize: MAX_HEADER_LIST_BYTES,
      },
      maxHeaderListPairs: MAX_HEADER_PAIRS,
      maxSendHeaderBlockLength: MAX_SEND_HEADER_BYTES,
      maxSessionMemory: MAX_SESSION_MIB,
    })
    this.#timer = new WheelTimer(this.#guarded(() => this.#onLate()))
    wheel.set(this.#timer, wheel.now() + connectMs)
    this.#session.on(
      'connect',
      this.#guarded(() => this.#onConnect()),
    )
    this.#session.on(
      'remoteSettings',
      this.#guarded(() => this.#onSettings()),
    )
    this.#session.on('goaway', (code: number, lastStream: number) =>
      this.#guarded(() => this.#onGoaway(code, lastStream))(),
    )
    this.#session.on('error', (error: Error) => {
      this.#ending ??= `broke the connection (${error.message})`
    })
    this.#session.on(
      'close',
      this.#guarded(() => this.#onClose()),
    )
  }

  /** Whether a new request may wait for it. */
  get isUsable(): boolean {
    return !this.#isRetired && !this.#session.closed && !this.#session.destroyed
  }

  /** How it ended, in words that follow "the application". */
  get ending(): string {
    return this.#ending ?? 'closed the connection'
  }

  get isOver(): boolean {
    return this.#session.destroyed
  }

  /** Everything that the application has said so far. */
  get bytesRead(): number {
    return this.#socket.bytesRead
  }

  /** Calls `user.onReady()` when it may begin: at once if the connection is up. */
  join(user: H2User): void {
    this.#users.add(user)
    if (this.#isReady) user.onReady()
  }

  /** The user is done with it. */
  leave(user: H2User): void {
    this.#users.delete(user)
    if (this.#isRetired && this.#users.size === 0) this.#session.destroy()
  }

  /** No new requests; those that use it finish. */
  retire(): void {
    if (this.#isRetired) return
    this.#isRetired = true
    this.#owner.onRetired(this)
  }

  /** Begins a request; null if the application does not take another one now. `closed()` takes its place back. */
  request(fields: H2Fields, hasBody: boolean): ClientHttp2Stream | null {
    if (this.#openCount >= this.#limit || !this.isUsable) return null
    // With waitForTrailers a body ends when its trailers were given. Without, node:http2 would send END_STREAM before
    // the RST_STREAM of an upload that was cut, and it would look complete.
    const stream = this.#session.request(fields, { endStream: !hasBody, waitForTrailers: hasBody })
    this.#openCount++
    return stream
  }

  /** A stream that request() made is over, or was reset. */
  closed(): void {
    this.#openCount--
  }

  /** Ends it without a word to its users. */
  destroy(): void {
    this.#users.clear()
    this.#wheel.clear(this.#timer)
    this.#session.destroy()
  }

  #onConnect(): void {
    this.#isConnected = true
    this.#session.setLocalWindowSize(CONNECTION_WINDOW_BYTES)
  }

  #onSettings(): void {
    this.#limit = this.#session.remoteSettings.maxConcurrentStreams ?? Number.POSITIVE_INFINITY
    // Before anybody is told that there is no room: what is given back must find the slots as they are now.
    if (this.isUsable) this.#owner.onLimit(this.#limit)
    if (this.#isReady) return
    this.#isReady = true
    this.#wheel.clear(this.#timer)
    this.#tell((user) => user.onReady())
  }

  /** RFC 9113 6.8: streams above the last one were not processed and may be sent again elsewhere. */
  #onGoaway(code: number, lastStream: number): void {
    if (code !== 0) this.#ending = `ended the connection (GOAWAY ${h2ErrorName(code)})`
    this.retire()
    this.#tell((user) => {
      if (user.streamId > lastStream) user.onUnprocessed()
    })
  }

  #onLate(): void {
    this.retire()
    this.#tell((user) => user.onUnreachable())
    this.#session.destroy()
  }

  #onClose(): void {
    this.#wheel.clear(this.#timer)
    this.retire()
    this.#tell((user) => (this.#isConnected ? user.onGone(this.#isReady) : user.onUnreachable()))
    this.#users.clear()
    this.#owner.onOver(this)
  }

  /** Of those who use it now: what they are told may have them leave. */
  #tell(what: (user: H2User) => void): void {
    for (const user of [...this.#users]) what(user)
  }

  /** A bug of ours ends no more than it must. */
  #guarded(action: () => void): () => void {
    return () => {
      try {
        action()
      } catch (error) {
        this.#owner.onBug(error)
        this.#session.destroy()
      }
    }
  }
}
