import type { Session } from '../session/session.ts'
import { type TimerWheel, WheelTimer } from './timer-wheel.ts'

/** The part of a ws WebSocket that a tunnel uses. It is handed in; this package never imports ws. */
export interface MessageSocket {
  readonly bufferedAmount: number
  send(data: Buffer, options: { binary: true; compress: false }): void
  close(code?: number, reason?: string): void
  terminate(): void
  on(event: 'message', listener: (data: Buffer, isBinary: boolean) => void): unknown
  on(event: 'close', listener: (code: number, reason: Buffer) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** The stream socket under the WebSocket. */
export interface CorkableSocket {
  cork(): void
  uncork(): void
  on(event: 'drain', listener: () => void): unknown
}

export interface TunnelOptions {
  /** A WebSocket close handshake that takes longer is cut. */
  readonly closeMs?: number
  /** A bug of ours (an assertion, an exception in a handler) that ended the session. */
  onBug(error: unknown): void
}

/** A turn of at most this many frames means light load: the first of the next leave at the end of their callback. */
const LIGHT_FRAMES = 4

/**
 * Runs a session over a WebSocket: bytes in, batches out, deadlines from the wheel. It decides nothing but
 * when to flush: under light load at the end of the current callback (lowest latency), else once per turn of
 * the event loop (fewest writes).
 */
export class Tunnel {
  readonly #socket: MessageSocket
  readonly #stream: CorkableSocket
  readonly #session: Session
  readonly #wheel: TimerWheel
  readonly #now: () => number
  readonly #options: TunnelOptions
  readonly #timer: WheelTimer
  readonly #flushNow = () => this.#flush()
  readonly #onTurnEnd = () => this.#endTurn()
  /** Frames were added in this turn of the event loop. */
  #turnOpen = false
  /** Frames that left in the current turn, or in the last one that had any. */
  #turnFrames = 0
  /** The WebSocket is closing or closed. */
  #ended = false

  /** @param socket open: after the handshake of the WebSocket. @param stream the socket under it. */
  constructor(
    socket: MessageSocket,
    stream: CorkableSocket,
    session: Session,
    wheel: TimerWheel,
    options: TunnelOptions,
  ) {
    this.#socket = socket
    this.#stream = stream
    this.#session = session
    this.#wheel = wheel
    this.#now = wheel.now
    this.#options = options
    this.#timer = new WheelTimer((nowMs) => this.#onDue(nowMs))
    session.batch.onFrame = () => this.#schedule()
    socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary))
    socket.on('close', () => this.#onClose('the connection closed'))
    socket.on('error', (error) => this.#onClose(error.message))
    stream.on('drain', () => this.#onDrain())
    if (!session.batch.isEmpty) this.#schedule()
    this.#arm()
  }

  /** The session may have a new deadline. Needed only after a call that sent no frame. */
  rearm(): void {
    this.#arm()
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    try {
      if (isBinary) this.#session.receive(data, 0, data.length, this.#now())
      else this.#session.goaway('protocol/text-message', 'brxy.v1: a text message', false)
    } catch (error) {
      this.#fail(error)
    }
    this.#settle()
  }

  #onDue(nowMs: number): void {
    try {
      this.#session.tick(nowMs)
    } catch (error) {
      this.#fail(error)
    }
    this.#settle()
  }

  #onDrain(): void {
    try {
      this.#afterWrite()
    } catch (error) {
      this.#fail(error)
    }
    this.#settle()
  }

  #onClose(why: string): void {
    this.#ended = true
    this.#wheel.clear(this.#timer)
    try {
      this.#session.transportClosed(this.#now(), why)
    } catch (error) {
      this.#options.onBug(error)
    }
    this.#socket.terminate()
  }

  /** Something threw because of a bug of ours: the session ends, the process goes on. */
  #fail(error: unknown): void {
    this.#options.onBug(error)
    try {
      this.#session.goaway('bug/assertion', 'internal error', true)
    } catch (another) {
      this.#options.onBug(another)
    }
  }

  /** After each call into the session: it may be over, or have a new deadline. */
  #settle(): void {
    if (this.#session.isClosed) this.#end()
    else this.#arm()
  }

  /** Only ever earlier: a timer that fires too early finds nothing to do and is set anew, at most once a second. */
  #arm(): void {
    const deadlineMs = this.#session.nextDeadline()
    if (deadlineMs < this.#timer.atMs) this.#wheel.set(this.#timer, deadlineMs)
  }

  /** A frame was added: the first of a turn decides when it leaves, the others wait for the end of the turn. */
  #schedule(): void {
    if (this.#turnOpen) return
    this.#turnOpen = true
    setImmediate(this.#onTurnEnd)
    if (this.#turnFrames <= LIGHT_FRAMES) process.nextTick(this.#flushNow)
    this.#turnFrames = 0
  }

  #endTurn(): void {
    this.#turnOpen = false
    if (this.#session.batch.isEmpty) this.#settle()
    else this.#flush()
  }

  #flush(): void {
    if (this.#ended || this.#session.batch.isEmpty) return
    try {
      this.#write()
      // Writers that waited for room are called from here, so that an exception of theirs is caught here.
      this.#afterWrite()
    } catch (error) {
      this.#fail(error)
    }
    this.#settle()
  }

  #write(): void {
    const { batch } = this.#session
    this.#turnFrames += batch.frameCount
    this.#stream.cork()
    try {
      for (const segment of batch.take()) this.#socket.send(segment, SEND)
    } finally {
      this.#stream.uncork()
    }
  }

  #afterWrite(): void {
    const held = this.#socket.bufferedAmount
    // Zero: the kernel has the bytes, and the slab may be written from its start again.
    if (held === 0) this.#session.batch.release()
    this.#session.transportHolds(held, this.#now())
  }

  /** Closes once the last frames (a GOAWAY that says why) are with the socket. */
  #end(): void {
    if (this.#ended || !this.#session.batch.isEmpty) return
    this.#ended = true
    this.#wheel.clear(this.#timer)
    this.#socket.close(1000)
    const timer = new WheelTimer(() => this.#socket.terminate())
    this.#wheel.set(timer, this.#now() + (this.#options.closeMs ?? 2_000))
    this.#socket.on('close', () => this.#wheel.clear(timer))
  }
}

const SEND = { binary: true, compress: false } as const
