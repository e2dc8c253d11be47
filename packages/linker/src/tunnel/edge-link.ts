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
import { DIAL_MS, Dial, type DialIdentity, type Refusal } from './dial.ts'
import type { EdgeLinks } from './edge-links.ts'
import type { EdgeAddress } from './edge-set.ts'
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

/** What an edge answers an instance that has a session with it. */
const ALREADY_CONNECTED = 'edge/already-connected'

/** The linker's way to one address of an edge: dials, keeps a session, dials again. */
export class EdgeLink implements LinkerSessionHandler {
  readonly key: string
  /** For people. */
  readonly address: string
  /** Under which its name is looked up before each dial; null: it has none. */
  readonly nameKey: string | null
  /** From the opening of the WebSocket to the session's end. */
  session: LinkerSession | null = null
  readonly #url: URL
  readonly #ip: string | null
  readonly #owner: EdgeLinkOwner
  readonly #links: EdgeLinks
  readonly #reconnect: Reconnect
  readonly #credentials: Credentials
  readonly #timer: WheelTimer
  #dial: Dial | null = null
  /** The WebSocket of the session; after its end until it is closed. */
  #socket: WebSocket | null = null
  #phase: Hello['phase'] = 'starting'
  /** WELCOME came. */
  #isUp = false
  /** The other links know that it is up. */
  #isListed = false
  /** The id of the session that is up, or was. */
  #sessionId = ''
  /** Only a person can change why it was last refused (token, route, version). */
  isRefused = false
  #isClosed = false
  #onSocketGone: (() => void) | null = null

  /** @param token what another edge has renewed; null: nothing */
  constructor(
    { key, name, url, ip, nameKey }: EdgeAddress,
    owner: EdgeLinkOwner,
    links: EdgeLinks,
    token: string | null,
    random: () => number = Math.random,
  ) {
    this.key = key
    this.address = name
    this.nameKey = nameKey
    this.#url = url
    this.#ip = ip
    this.#owner = owner
    this.#links = links
    this.#credentials = new Credentials(token)
    this.#reconnect = new Reconnect(DEFAULT_RECONNECT, random)
    this.#timer = new WheelTimer(() => links.redial(this))
  }

  /** Whether frames can be sent. */
  get isUp(): boolean {
    return this.#isUp && this.session?.isOpen === true
  }

  /** Whatever was sent in the session is out of this process: the kernel has it, or there is nobody to take it. */
  get isAllSent(): boolean {
    const { session } = this
    if (session === null || this.#socket === null) return true
    return session.batch.isEmpty && this.#socket.bufferedAmount === 0
  }

  /** Connects once; after that the link reconnects by itself. */
  dial(): void {
    if (this.#isClosed) return
    this.rest()
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
    const handler = {
      onOpen: (socket: WebSocket, stream: Socket) => this.#onOpen(socket, stream),
      onFailed: (refusal: Refusal) => this.#failed(refusal, refusal.isToken),
    }
    this.#dial = new Dial(this.#url, identity, this.#owner.wheel, handler, DIAL_MS, this.#ip)
  }

  /** Dials no more, until dial() is called again. */
  rest(): void {
    this.#owner.wheel.clear(this.#timer)
    this.#dial?.abort()
    this.#dial = null
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

  /** Dials no more, whatever happens. A session that is there stays until close(). */
  retire(): void {
    this.#isClosed = true
    this.rest()
  }

  /** Says goodbye and stops dialling. Resolves when the farewell is out, or the connection is gone. */
  close(code: string, message: string): Promise<void> {
    this.retire()
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
    const hello = { ...this.#owner.hello(), ...this.#links.opened(this) }
    this.#phase = hello.phase
    this.session = new LinkerSession(this, hello, { budget, random: Math.random, nowMs: wheel.now() })
    new Tunnel(socket, stream, this.session, wheel, { onBug: (error) => this.#owner.onBug(error) })
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = null
      this.#onSocketGone?.()
    })
  }

  #failed({ code, message, isToken }: Refusal, isFinal: boolean, retryAfterMs = 0, edge?: string): void {
    this.#dial = null
    if (this.#isClosed) return
    const nowMs = this.#owner.wheel.now()
    // If it was a renewed token that was refused, the configured one may do better.
    const isLast = isFinal && !(isToken && this.#credentials.refused())
    const wait = isLast ? this.#reconnect.refused() : this.#reconnect.lost(nowMs, this.#owner.isAppRunning())
    this.#owner.wheel.set(this.#timer, nowMs + Math.max(wait, retryAfterMs))
    this.isRefused = isLast
    if (edge !== undefined && code === ALREADY_CONNECTED) {
      if (this.#links.rejected(this, edge)) return
    } else this.#links.failed(this)
    this.#owner.onRefused(this, code, `${this.address}: ${message}`, isLast)
  }

  // --- LinkerSessionHandler ---

  onWelcome(welcome: Welcome): void {
    this.#isUp = true
    this.isRefused = false
    this.#sessionId = welcome.session
    if (welcome.token !== undefined) this.onToken(welcome.token)
    this.#reconnect.connected(this.#owner.wheel.now(), welcome.reconnectSpreadMs)
    this.#owner.onUp(this, welcome, this.#phase)
    // Other edges that it names can wait until this one has what it needs.
    if (!this.#isUp) return
    this.#isListed = true
    this.#links.up(this, welcome)
  }

  onToken(token: string): void {
    this.#credentials.renew(token)
    this.#links.renewed(token)
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
    const received = this.session?.received ?? 0
    this.#isUp = false
    this.session = null
    if (wasUp) this.#owner.onDown(this, end)
    if (this.#isClosed) return
    const { code, message, retryAfterMs, edge } = end
    const wasListed = this.#isListed
    this.#isListed = false
    // What the edge said of a session that was never up is an answer to the dial; so is a "never again".
    const isFinal = end.clean && !end.retryable
    if (wasUp && !isFinal) {
      const nowMs = this.#owner.wheel.now()
      const wait = this.#reconnect.lost(nowMs, this.#owner.isAppRunning())
      this.#owner.wheel.set(this.#timer, nowMs + Math.max(wait, retryAfterMs ?? 0))
    }
    if (wasListed) this.#links.down(this, { replaces: this.#sessionId, received })
    if (wasUp && !isFinal) return
    this.#failed({ code, message, isToken: code.startsWith('token/') }, isFinal, retryAfterMs, edge)
  }
}
