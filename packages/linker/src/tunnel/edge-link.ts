import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import {
  BrxyError,
  type Hello,
  KIND_HTTP,
  LinkerSession,
  type LinkerSessionHandler,
  type OpenRequest,
  REFUSE,
  type SessionEnd,
  type Stream,
  type StreamKind,
  SUBPROTOCOL,
  type Welcome,
  type WindowBudget,
} from '@brxy/protocol'
import { type TimerWheel, Tunnel, WheelTimer } from '@brxy/protocol/transport'
import { WebSocket } from 'ws'
import { needsNoMask, tunnelUrl } from './edge-address.ts'
import { DEFAULT_RECONNECT, Reconnect } from './reconnect.ts'

const MAX_MESSAGE_BYTES = 1024 * 1024
/** Longest time for the TCP, TLS and WebSocket handshakes together. */
const DIAL_MS = 5_000
/** What is kept of an answer that is no upgrade. */
const MAX_REFUSAL_BYTES = 4096
const ZERO_MASK = (mask: Buffer) => mask.fill(0)

/** What an edge link asks of the linker it belongs to. */
export interface EdgeLinkOwner {
  readonly wheel: TimerWheel
  readonly budget: WindowBudget
  hello(): Omit<Hello, 'versions' | 'features' | 'windowBytes' | 'replaces' | 'received'>
  /** Read at every dial: a file may have been renewed. @throws BrxyError */
  token(): string
  isAppRunning(): boolean
  /** @returns 0 or a REFUSE reason. */
  admit(link: EdgeLink): number
  onOpen(link: EdgeLink, stream: Stream, open: OpenRequest): void
  onUp(link: EdgeLink, welcome: Welcome): void
  onDown(link: EdgeLink, end: SessionEnd): void
  /** An attempt to connect failed. `isFinal`: only a person can change that (token, route). */
  onRefused(link: EdgeLink, code: string, message: string, isFinal: boolean): void
  onReturn(link: EdgeLink, count: number): void
  onDemand(link: EdgeLink, count: number): void
  onVerdict(link: EdgeLink, go: boolean): void
  onDrain(link: EdgeLink): void
  onBug(error: unknown): void
}

/** The linker's way to one edge: dials, keeps a session, dials again. */
export class EdgeLink implements LinkerSessionHandler {
  readonly address: string
  session: LinkerSession | null = null
  readonly #owner: EdgeLinkOwner
  readonly #reconnect: Reconnect
  readonly #timer: WheelTimer
  #socket: WebSocket | null = null
  #tunnel: Tunnel | null = null
  #token: string | null = null
  #sessionId: string | null = null
  #received = 0
  #closed = false
  #onFlushed: (() => void) | null = null

  constructor(address: string, owner: EdgeLinkOwner) {
    this.address = address
    this.#owner = owner
    this.#reconnect = new Reconnect(DEFAULT_RECONNECT, Math.random)
    this.#timer = new WheelTimer(() => this.dial())
  }

  get isUp(): boolean {
    return this.session?.isOpen === true
  }

  /** Connects once; after that the link reconnects by itself. */
  dial(): void {
    if (this.#closed) return
    const url = tunnelUrl(this.address)
    const nowMs = this.#owner.wheel.now()
    let token: string
    try {
      token = this.#token ?? this.#owner.token()
    } catch (error) {
      this.#failed(
        error instanceof BrxyError ? error.code : 'link/token-file',
        (error as Error).message,
        false,
        nowMs,
      )
      return
    }
    const socket = new WebSocket(url, SUBPROTOCOL, {
      headers: token === '' ? {} : { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE_BYTES,
      handshakeTimeout: DIAL_MS,
      ...(needsNoMask(url) ? { generateMask: ZERO_MASK } : {}),
    })
    this.#socket = socket
    let stream: Socket | null = null
    socket.on('upgrade', (response) => {
      stream = response.socket
    })
    socket.on('open', () => this.#onOpenSocket(socket, stream as Socket))
    socket.on('unexpected-response', (request, response) => {
      void this.#onRefusal(response)
      request.on('error', () => {})
    })
    socket.on('error', (error) => {
      if (this.session === null && this.#socket === socket) {
        this.#socket = null
        this.#failed(
          'link/unreachable',
          `${this.address}: ${reasonOf(error)}`,
          false,
          this.#owner.wheel.now(),
        )
      }
    })
  }

  #onOpenSocket(socket: WebSocket, stream: Socket): void {
    const { wheel, budget } = this.#owner
    stream.setNoDelay(true)
    const hello = {
      ...this.#owner.hello(),
      ...(this.#sessionId === null ? {} : { replaces: this.#sessionId, received: this.#received }),
    }
    this.session = new LinkerSession(this, hello, { budget, random: Math.random, nowMs: wheel.now() })
    this.#tunnel = new Tunnel(socket, stream, this.session, wheel, {
      onBug: (error) => this.#owner.onBug(error),
    })
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = null
      this.#onFlushed?.()
    })
  }

  /** An answer instead of an upgrade: 401 says why the token is not accepted. */
  async #onRefusal(response: IncomingMessage): Promise<void> {
    let text = ''
    try {
      for await (const chunk of response) {
        text += chunk
        if (text.length > MAX_REFUSAL_BYTES) break
      }
    } catch {
      // The status alone says enough.
    }
    response.destroy()
    this.#socket = null
    let code = 'link/refused'
    let message = `the edge answered ${response.statusCode}`
    try {
      const body = JSON.parse(text) as { code?: unknown; message?: unknown }
      if (typeof body.code === 'string') code = body.code
      if (typeof body.message === 'string') message = body.message
    } catch {
      message += '; is this the tunnel port of a brxy edge?'
    }
    this.#failed(code, `${this.address}: ${message}`, response.statusCode === 401, this.#owner.wheel.now())
  }

  #failed(code: string, message: string, isFinal: boolean, nowMs: number): void {
    if (this.#closed) return
    // A token of an earlier session may have expired; the configured one may be newer.
    this.#token = null
    const wait = isFinal ? this.#reconnect.refused() : this.#reconnect.lost(nowMs, this.#owner.isAppRunning())
    this.#owner.wheel.set(this.#timer, nowMs + wait)
    this.#owner.onRefused(this, code, message, isFinal)
  }

  /** Says goodbye and stops dialling. Resolves when the farewell is out, or the connection is gone. */
  close(code: string, message: string): Promise<void> {
    this.#closed = true
    this.#owner.wheel.clear(this.#timer)
    const { session } = this
    if (session === null || this.#socket === null) {
      this.#socket?.terminate()
      return Promise.resolve()
    }
    const gone = new Promise<void>((resolve) => {
      this.#onFlushed = resolve
    })
    session.goaway(code, message, false)
    this.#tunnel?.rearm()
    return gone
  }

  // --- LinkerSessionHandler ---

  onWelcome(welcome: Welcome): void {
    this.#sessionId = welcome.session
    if (welcome.token !== undefined) this.#token = welcome.token
    this.#reconnect.connected(this.#owner.wheel.now(), welcome.reconnectSpreadMs)
    this.#owner.onUp(this, welcome)
  }

  onToken(token: string): void {
    this.#token = token
  }

  admit(kind: StreamKind): number {
    // TCP applications come with their own option.
    return kind === KIND_HTTP ? this.#owner.admit(this) : REFUSE.INSTANCE
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
    // Only parked instances are recalled.
  }

  onDrain(): void {
    this.#owner.onDrain(this)
  }

  onClosed(end: SessionEnd): void {
    const wasUp = this.#sessionId !== null && this.session !== null
    this.#received = this.session?.received ?? 0
    this.session = null
    this.#tunnel = null
    const nowMs = this.#owner.wheel.now()
    if (wasUp) this.#owner.onDown(this, end)
    if (this.#closed) return
    const isFinal = end.clean && !end.retryable
    if (!wasUp || isFinal) {
      this.#sessionId = null
      this.#failed(end.code, `${this.address}: ${end.message}`, isFinal, nowMs)
      return
    }
    const wait = Math.max(this.#reconnect.lost(nowMs, this.#owner.isAppRunning()), end.retryAfterMs ?? 0)
    this.#owner.wheel.set(this.#timer, nowMs + wait)
  }
}

/** AggregateError (happy eyeballs) has no text of its own. */
function reasonOf(error: Error): string {
  const inner = (error as AggregateError).errors as Error[] | undefined
  return inner?.[0]?.message ?? error.message
}
