import type { Socket } from 'node:net'
import {
  type Hello,
  isBrxyError,
  type LinkerHello,
  LinkerSession,
  type LinkerSessionHandler,
  type OpenRequest,
  type SessionEnd,
  type Stream,
  type Welcome,
  type WindowBudget,
} from '@brxy/protocol'
import { type TimerWheel, Tunnel, WheelTimer } from '@brxy/protocol/transport'
import type { WebSocket } from 'ws'
import { Credentials } from './credentials.ts'
import { Dial, type DialIdentity, type Refusal } from './dial.ts'
import { edgeUrl } from './edge-address.ts'
import { DEFAULT_RECONNECT, Reconnect } from './reconnect.ts'

/** What an edge link asks of the linker it belongs to. */
export interface EdgeLinkOwner {
  readonly wheel: TimerWheel
  readonly budget: WindowBudget
  hello(): Omit<LinkerHello, 'replaces' | 'received'>
  /** The configured token, read at every dial: a file may have been renewed. @throws Error with a code */
  token(): string
  /** For an edge with TLS, read at every dial likewise. @throws Error with a code */
  tls(): Pick<DialIdentity, 'tls' | 'ca'>
  isAppRunning(): boolean
  /** @returns 0 or a REFUSE reason. */
  admit(link: EdgeLink): number
  onOpen(link: EdgeLink, stream: Stream, open: OpenRequest): void
  /** A session is up. `phase` is what its HELLO said. */
  onUp(link: EdgeLink, welcome: Welcome, phase: Hello['phase']): void
  /** The session that was up is over. */
  onDown(link: EdgeLink, end: SessionEnd): void
  /** An attempt to connect failed. `isFinal`: only a person can change that (token, route, version). */
  onRefused(link: EdgeLink, code: string, message: string, isFinal: boolean): void
  onReturn(link: EdgeLink, count: number): void
  onDemand(link: EdgeLink, count: number): void
  onVerdict(link: EdgeLink, go: boolean): void
  onDrain(link: EdgeLink): void
  onRecall(link: EdgeLink): void
  onBug(error: unknown): void
}

/** The linker's way to one edge: dials, keeps a session, dials again. */
export class EdgeLink implements LinkerSessionHandler {
  readonly address: string
  /** From the opening of the WebSocket to the session's end. */
  session: LinkerSession | null = null
  readonly #url: URL
  readonly #owner: EdgeLinkOwner
  readonly #reconnect: Reconnect
  readonly #credentials = new Credentials()
  readonly #timer: WheelTimer
  #dial: Dial | null = null
  /** The WebSocket of the session; after its end until it is closed. */
  #socket: WebSocket | null = null
  #phase: Hello['phase'] = 'starting'
  /** WELCOME came. */
  #isUp = false
  /** The last session that was up, for the next HELLO. */
  #last: { readonly replaces: string; received: number } | null = null
  #isClosed = false
  #onSocketGone: (() => void) | null = null

  /** @throws LinkError `link/bad-edge` */
  constructor(address: string, owner: EdgeLinkOwner, random: () => number = Math.random) {
    this.address = address
    this.#url = edgeUrl(address)
    this.#owner = owner
    this.#reconnect = new Reconnect(DEFAULT_RECONNECT, random)
    this.#timer = new WheelTimer(() => this.dial())
  }

  /** Whether frames can be sent. */
  get isUp(): boolean {
    return this.#isUp && this.session?.isOpen === true
  }

  /** Connects once; after that the link reconnects by itself. */
  dial(): void {
    if (this.#isClosed) return
    // An edge takes a second live session for an error (brxy.v1 rule 8).
    this.#socket?.terminate()
    this.#socket = null
    let configured: string | null = null
    let tls: Pick<DialIdentity, 'tls' | 'ca'> = {}
    try {
      if (this.#url.protocol === 'wss:') tls = this.#owner.tls()
      configured = this.#configuredToken()
    } catch (error) {
      const code = isBrxyError(error) ? error.code : 'link/token-file'
      this.#failed({ code, message: (error as Error).message, isToken: false }, false)
      return
    }
    const identity = { token: this.#credentials.next(configured), ...tls }
    this.#dial = new Dial(this.#url, identity, this.#owner.wheel, {
      onOpen: (socket, stream) => this.#onOpen(socket, stream),
      onFailed: (refusal) => this.#failed(refusal, refusal.isToken),
    })
  }

  /** @returns null if it cannot be read and is not needed. @throws Error with a code */
  #configuredToken(): string | null {
    try {
      return this.#owner.token()
    } catch (error) {
      if (this.#credentials.isRenewed) return null
      throw error
    }
  }

  /** Says goodbye and stops dialling. Resolves when the farewell is out, or the connection is gone. */
  close(code: string, message: string): Promise<void> {
    this.#isClosed = true
    this.#owner.wheel.clear(this.#timer)
    this.#dial?.abort()
    const { session } = this
    if (session === null || this.#socket === null) return Promise.resolve()
    const gone = new Promise<void>((resolve) => {
      this.#onSocketGone = resolve
    })
    session.goaway(code, message, false)
    return gone
  }

  #onOpen(socket: WebSocket, stream: Socket): void {
    const { wheel, budget } = this.#owner
    this.#dial = null
    this.#socket = socket
    stream.setNoDelay(true)
    const hello = { ...this.#owner.hello(), ...this.#last }
    this.#phase = hello.phase
    this.session = new LinkerSession(this, hello, { budget, random: Math.random, nowMs: wheel.now() })
    new Tunnel(socket, stream, this.session, wheel, { onBug: (error) => this.#owner.onBug(error) })
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = null
      this.#onSocketGone?.()
    })
  }

  #failed({ code, message, isToken }: Refusal, isFinal: boolean, retryAfterMs = 0): void {
    this.#dial = null
    if (this.#isClosed) return
    const nowMs = this.#owner.wheel.now()
    // If it was a renewed token that was refused, the configured one may do better.
    const isLast = isFinal && !(isToken && this.#credentials.refused())
    const wait = isLast ? this.#reconnect.refused() : this.#reconnect.lost(nowMs, this.#owner.isAppRunning())
    this.#owner.wheel.set(this.#timer, nowMs + Math.max(wait, retryAfterMs))
    this.#owner.onRefused(this, code, `${this.address}: ${message}`, isLast)
  }

  // --- LinkerSessionHandler ---

  onWelcome(welcome: Welcome): void {
    this.#isUp = true
    this.#last = { replaces: welcome.session, received: 0 }
    if (welcome.token !== undefined) this.#credentials.renew(welcome.token)
    this.#reconnect.connected(this.#owner.wheel.now(), welcome.reconnectSpreadMs)
    this.#owner.onUp(this, welcome, this.#phase)
  }

  onToken(token: string): void {
    this.#credentials.renew(token)
  }

  admit(): number {
    return this.#owner.admit(this)
  }

  onOpen(stream: Stream, open: OpenRequest): void {
    this.#owner.onOpen(this, stream, open)
  }

  onReturn(count: number): void {
    this.#owner.onReturn(this, count)
  }

  onDemand(count: number): void {
    this.#owner.onDemand(this, count)
  }

  onVerdict(go: boolean): void {
    this.#owner.onVerdict(this, go)
  }

  onRecall(): void {
    this.#owner.onRecall(this)
  }

  onDrain(): void {
    this.#owner.onDrain(this)
  }

  onClosed(end: SessionEnd): void {
    const wasUp = this.#isUp
    if (wasUp && this.#last !== null) this.#last.received = this.session?.received ?? 0
    this.#isUp = false
    this.session = null
    if (wasUp) this.#owner.onDown(this, end)
    if (this.#isClosed) return
    const { code, message, retryAfterMs } = end
    // What the edge said of a session that was never up is an answer to the dial; so is a "never again".
    const isFinal = end.clean && !end.retryable
    if (wasUp && !isFinal) {
      const nowMs = this.#owner.wheel.now()
      const wait = this.#reconnect.lost(nowMs, this.#owner.isAppRunning())
      this.#owner.wheel.set(this.#timer, nowMs + Math.max(wait, retryAfterMs ?? 0))
      return
    }
    this.#failed({ code, message, isToken: code.startsWith('token/') }, isFinal, retryAfterMs)
  }
}
