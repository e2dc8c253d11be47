import { FrameBatch } from '../batch.ts'
import { FrameDecoder, type FrameSink } from '../decoder.ts'
import { assert, BrxyError } from '../error.ts'
import { FRAME, frameRule, KIND_TCP, MAX_MESSAGE_BYTES, type StreamKind } from '../frame.ts'
import { encodeMessage, type Farewell, parseFarewell } from '../message.ts'
import { DEAD, Liveness, type LivenessOptions, SEND_PING } from './liveness.ts'
import { DEFAULT_SESSION_OPTIONS, type SessionOptions } from './options.ts'
import { type Arrival, Stream, type StreamHandler, type StreamHost } from './stream.ts'
import { Turns } from './turns.ts'
import { ReceiveWindow, type WindowBudget } from './window.ts'

/** Why a session ended. */
export interface SessionEnd {
  /** A code of PROTOCOL_ERRORS, or the code of the peer's GOAWAY or REJECT. */
  readonly code: string
  readonly message: string
  readonly retryable: boolean
  readonly retryAfterMs?: number
  /** Whether it was said (GOAWAY, REJECT) rather than found out. */
  readonly clean: boolean
  /** Highest stream id the peer said it saw; streams above it were never received. */
  readonly received?: number
  /** The id of the edge that said REJECT, if it gave one. */
  readonly edge?: string
}

/** What both sides' owners are told. */
export interface SessionHandler {
  /** The peer opens no more streams (edge) or wants no more (linker). */
  onDrain(): void
  /** The session is over; each stream's onLost came before. Close the connection once the batch has left. */
  onClosed(end: SessionEnd): void
}

/** What a session is given from outside. */
export interface SessionEnvironment {
  readonly options?: Partial<SessionOptions>
  /** Shared by all sessions of a process. */
  readonly budget: WindowBudget
  /** 0 <= random() < 1. */
  readonly random: () => number
  readonly nowMs: number
}

export const HANDSHAKE = 0
export const OPEN = 1
export const CLOSED = 2

/**
 * What both ends of a brxy.v1 session share: streams, flow control, turns, liveness, GOAWAY. Sans-IO: bytes
 * and times come in; frames appear in `batch` and calls at the handlers. After each call look at nextDeadline().
 */
export abstract class Session implements StreamHost, FrameSink {
  /** The frames that are to leave. A transport takes them out. */
  readonly batch = new FrameBatch()
  readonly streams = new Map<number, Stream>()
  protected readonly options: SessionOptions
  protected readonly liveness: Liveness
  protected readonly env: SessionEnvironment
  protected state: typeof HANDSHAKE | typeof OPEN | typeof CLOSED = HANDSHAKE
  /** Highest stream id that exists or existed. */
  protected lastStream = 0
  /** The peer's initial window: what may be sent on a new stream. */
  protected peerWindowBytes = 0
  /** Time of the call under way. */
  protected nowMs: number
  protected handshakeDeadlineMs: number
  readonly #decoder: FrameDecoder
  readonly #turns = new Turns()
  readonly #hasRoom = () => this.allowanceBytes > 0
  #allowanceBytes: number
  #pings = 0
  #pingsSinceMs: number
  readonly #pingBody = Buffer.alloc(8)

  constructor(peer: 'edge' | 'linker', env: SessionEnvironment) {
    this.options = { ...DEFAULT_SESSION_OPTIONS, ...env.options }
    this.env = env
    this.nowMs = env.nowMs
    this.handshakeDeadlineMs = env.nowMs + this.options.handshakeMs
    this.#decoder = new FrameDecoder(peer)
    this.#allowanceBytes = this.options.maxInFlightBytes
    this.#pingsSinceMs = env.nowMs
    this.liveness = new Liveness(this.livenessOptions(), env.random, env.nowMs)
  }

  /** The owner's handler; the two sides' handlers extend SessionHandler. */
  protected abstract readonly handler: SessionHandler
  /** A frame that only this side can receive. */
  protected abstract onSideFrame(
    type: number,
    end: boolean,
    stream: number,
    buffer: Buffer,
    from: number,
    to: number,
  ): void
  protected abstract livenessOptions(): LivenessOptions

  get isOpen(): boolean {
    return this.state === OPEN
  }

  get isClosed(): boolean {
    return this.state === CLOSED
  }

  /**
   * Takes in bytes of the peer. A broken rule ends the session with a GOAWAY that says which.
   * @throws what a handler threw, or `bug/assertion`: the session cannot go on; end it with goaway().
   */
  receive(buffer: Buffer, from: number, to: number, nowMs: number): void {
    if (this.state === CLOSED) return
    this.nowMs = nowMs
    if (this.liveness.heard(nowMs)) this.onSuspect(false)
    try {
      this.#decoder.push(buffer, from, to, this)
    } catch (error) {
      if (!(error instanceof BrxyError) || !error.code.startsWith('protocol/')) throw error
      this.fail(error.code, error.message)
    }
  }

  /** When tick() must be called at the latest. */
  nextDeadline(): number {
    if (this.state === CLOSED) return Number.POSITIVE_INFINITY
    const liveness = this.liveness.nextDeadline()
    return this.state === HANDSHAKE ? Math.min(liveness, this.handshakeDeadlineMs) : liveness
  }

  tick(nowMs: number): void {
    if (this.state === CLOSED) return
    this.nowMs = nowMs
    if (this.state === HANDSHAKE && nowMs >= this.handshakeDeadlineMs) {
      if (nowMs - this.handshakeDeadlineMs <= this.options.lateMs) {
        this.fail('protocol/handshake-timeout', `no handshake within ${this.options.handshakeMs} ms`, true)
        return
      }
      // Our own timer was late: what the peer said may be waiting in the socket (rule 7).
      this.handshakeDeadlineMs = nowMs + this.options.lateMs
    }
    const suspect = this.liveness.suspect
    const verdict = this.liveness.tick(nowMs)
    if (verdict === SEND_PING) this.#ping()
    else if (verdict === DEAD)
      this.fail('protocol/dead', `nothing heard, ${this.options.pingMs} ms three times`, true)
    if (!suspect && this.liveness.suspect) this.onSuspect(true)
  }

  /**
   * The transport says how many bytes the socket still holds: what is below the bound may follow. To be said
   * after each flush and whenever the socket has drained.
   */
  transportHolds(bytes: number, nowMs: number): void {
    if (this.state === CLOSED) return
    this.nowMs = nowMs
    if (bytes > this.options.maxBacklogBytes) {
      // DATA is bounded already; this is a peer that sends PINGs or RECLAIMs and never reads the answers.
      this.fail('protocol/backlog', `the peer does not read: ${bytes} bytes wait for it`, true)
      return
    }
    this.#allowanceBytes = this.options.maxInFlightBytes - bytes
    if (!this.#turns.isEmpty) this.#turns.run(this.#hasRoom)
  }

  /** The transport is gone. */
  transportClosed(nowMs: number, why = 'the connection closed'): void {
    this.nowMs = nowMs
    this.end({ code: 'protocol/closed', message: why, retryable: true, clean: false })
  }

  /** Says why and ends. */
  goaway(code: string, message: string, retryable: boolean, retryAfterMs?: number): void {
    if (this.state === CLOSED) return
    const farewell: Farewell = {
      code,
      message,
      retryable,
      received: this.lastStream,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    }
    this.message(FRAME.GOAWAY, encodeMessage(farewell))
    this.end({ code, message, retryable, clean: true })
  }

  // --- StreamHost: what streams ask of their session ---

  get allowanceBytes(): number {
    return this.#allowanceBytes
  }

  sendData(id: number, buffer: Buffer, from: number, to: number, end: boolean): boolean {
    this.#allowanceBytes -= to - from
    return this.batch.payload(FRAME.DATA, end, id, buffer, from, to)
  }

  sendEnd(id: number, trailers: Buffer | null): void {
    if (trailers === null) this.batch.empty(FRAME.TRAILERS, true, id)
    else this.batch.copy(FRAME.TRAILERS, true, id, trailers, 0, trailers.length)
  }

  sendReset(id: number, code: number): void {
    // An OPEN that was begun and given up: the peer never hears of the stream.
    if (id > this.lastStream) return
    this.batch.u16(FRAME.RESET, id, code)
  }

  sendWindow(id: number, credit: number): void {
    this.batch.u32(FRAME.WINDOW, id, credit)
  }

  enqueue(stream: Stream): void {
    this.#turns.add(stream)
    if (this.#allowanceBytes > 0) this.#turns.run(this.#hasRoom)
  }

  forget(stream: Stream): void {
    this.streams.delete(stream.id)
  }

  // --- FrameSink: what the decoder found ---

  onFrame(type: number, end: boolean, id: number, buffer: Buffer, from: number, to: number): void {
    if (this.state === CLOSED) return
    switch (type) {
      case FRAME.PING:
        this.#checkPingRate()
        this.batch.copy(FRAME.PONG, false, 0, buffer, from, to)
        return
      case FRAME.PONG:
        return
      case FRAME.GOAWAY: {
        const farewell = parseFarewell('GOAWAY', buffer.subarray(from, to))
        this.end({ ...farewell, clean: true })
        return
      }
      case FRAME.DRAIN:
        this.requireOpen(type)
        this.onDrainFrame()
        return
      case FRAME.WINDOW: {
        const stream = this.find(type, id)
        if (stream === undefined) return
        stream.answered = true
        if (!stream.receiveWindow(buffer.readUInt32BE(from))) throw badState('WINDOW beyond 2^31 - 1')
        return
      }
      case FRAME.RESET: {
        const stream = this.find(type, id)
        if (stream === undefined) return
        stream.answered = true
        stream.close()
        stream.handler.onReset(buffer.readUInt16BE(from))
        return
      }
      case FRAME.TRAILERS: {
        const stream = this.find(type, id)
        if (stream === undefined) return
        if (stream.remoteEnd || !this.mayReceiveEnd(stream))
          throw badState('TRAILERS before HEAD or after END')
        if (stream.kind === KIND_TCP && to > from) throw badState('TRAILERS with fields on a TCP stream')
        stream.answered = true
        stream.receiveTrailers(buffer, from, to)
        return
      }
      default:
        this.onSideFrame(type, end, id, buffer, from, to)
    }
  }

  onData(id: number, buffer: Buffer, from: number, to: number, end: boolean): void {
    if (this.state === CLOSED) return
    const stream = this.find(FRAME.DATA, id)
    if (stream === undefined) return
    if (stream.remoteEnd || !this.mayReceiveData(stream)) throw badState('DATA before HEAD or after END')
    stream.answered = true
    stream.receiveData(buffer, from, to, end, this.nowMs)
  }

  // --- for the two sides ---

  /** A linker may send DATA only after its HEAD; an edge at once after OPEN, but for an upgrade. */
  protected abstract mayReceiveData(stream: Stream): boolean
  /** A linker may send TRAILERS only after its HEAD; an edge at any time. */
  protected abstract mayReceiveEnd(stream: Stream): boolean

  protected onDrainFrame(): void {
    this.handler.onDrain()
  }

  protected onSuspect(_suspect: boolean): void {}

  protected newStream(id: number, kind: StreamKind, handler: StreamHandler): Stream {
    const { windowBytes, maxWindowBytes } = this.options
    const receive = new ReceiveWindow(windowBytes, maxWindowBytes, this.env.budget)
    return new Stream(this, id, kind, this.peerWindowBytes, receive, handler)
  }

  protected addStream(stream: Stream): void {
    this.streams.set(stream.id, stream)
    this.lastStream = stream.id
  }

  /** The stream a frame is for; undefined if it is over. @throws BrxyError for an id never opened. */
  protected find(type: number, id: number): Stream | undefined {
    const stream = this.streams.get(id)
    if (stream === undefined && id > this.lastStream) {
      throw badState(`${frameRule(type)?.name} on stream ${id}, which was never opened`)
    }
    return stream
  }

  protected requireOpen(type: number): void {
    if (this.state !== OPEN) throw badState(`${frameRule(type)?.name} before the handshake was over`)
  }

  protected message(type: number, payload: Buffer): void {
    assert(payload.length > 0 && payload.length <= MAX_MESSAGE_BYTES, 'a message fits its frame')
    this.batch.copy(type, false, 0, payload, 0, payload.length)
  }

  protected fail(code: string, message: string, retryable = false): void {
    if (this.state === CLOSED) return
    this.message(FRAME.GOAWAY, encodeMessage({ code, message, retryable, received: this.lastStream }))
    this.end({ code, message, retryable, clean: false })
  }

  protected end(end: SessionEnd): void {
    if (this.state === CLOSED) return
    this.state = CLOSED
    const streams = [...this.streams.values()]
    // All are over before anybody hears of it, so that nobody writes behind a GOAWAY.
    for (const stream of streams) stream.close()
    const failures: unknown[] = []
    for (const stream of streams) attempt(() => stream.handler.onLost(arrivalOf(stream, end)), failures)
    attempt(() => this.handler.onClosed(end), failures)
    if (failures.length > 0) throw failures[0]
  }

  #ping(): void {
    this.batch.copy(FRAME.PING, false, 0, this.#pingBody, 0, 8)
  }

  #checkPingRate(): void {
    if (this.nowMs - this.#pingsSinceMs >= 1000) {
      this.#pingsSinceMs = this.nowMs
      this.#pings = 0
    }
    if (++this.#pings > this.options.maxPingsPerSecond) {
      throw new BrxyError(
        'protocol/flood',
        `brxy.v1: more than ${this.options.maxPingsPerSecond} PINGs a second`,
      )
    }
  }
}

/** A peer that has answered a stream has received it, whatever it says. */
function arrivalOf({ id, answered }: Stream, { received }: SessionEnd): Arrival {
  if (answered) return 'seen'
  if (received === undefined) return 'unknown'
  return id > received ? 'never' : 'seen'
}

/** A handler that throws must not keep the others from hearing that the session ended. */
function attempt(call: () => void, failures: unknown[]): void {
  try {
    call()
  } catch (error) {
    failures.push(error)
  }
}

/** @internal A legal frame at an illegal time. */
export function badState(what: string): BrxyError {
  return new BrxyError('protocol/bad-state', `brxy.v1: ${what}`)
}
