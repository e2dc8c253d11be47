import { assert } from '../error.ts'
import {
  BODY_KNOWN,
  type BodyKind,
  isBodyless,
  KIND_TCP,
  MAX_HEAD_BYTES,
  RESET,
  type StreamKind,
} from '../frame.ts'
import { type DataOutput, SendSide } from './send-side.ts'
import type { ReceiveWindow } from './window.ts'

/**
 * Whether the peer of a session that is over had received a stream: `never` if its GOAWAY says so (`received`, brxy.v1),
 * `seen` if it says the contrary or has sent anything on the stream, else `unknown`: perhaps its next HELLO tells.
 */
export type Arrival = 'never' | 'seen' | 'unknown'

/** What the owner of a stream is told. Spans are valid only during the call. */
export interface StreamHandler {
  /** Edge: the linker's application never saw the request. The stream is over. */
  onRefuse(reason: number): void
  /** Edge: an interim or the final response head, canonical, not yet validated. */
  onHead(interim: boolean, body: BodyKind, length: number, buffer: Buffer, from: number, to: number): void
  onData(buffer: Buffer, from: number, to: number): void
  /** Canonical trailer fields; onEnd follows. */
  onTrailers(buffer: Buffer, from: number, to: number): void
  /** The peer's direction is complete, at its declared length. */
  onEnd(): void
  /** All that was written has gone to the transport, after write() said false. */
  onWritable(): void
  /** This side's END has left, behind everything that was written. */
  onEndSent?(): void
  /** The peer, or a rule it broke, aborted the stream in both directions. The stream is over. */
  onReset(code: number): void
  /** The session ended under the stream. The stream is over. `arrival` means something at the edge, which opens them. */
  onLost(arrival: Arrival): void
}

/** Hears of a stream that is of no interest to anybody, or not yet. */
export const DEAF: StreamHandler = {
  onRefuse() {},
  onHead() {},
  onData() {},
  onTrailers() {},
  onEnd() {},
  onWritable() {},
  onReset() {},
  onLost() {},
}

/** What a stream needs of its session. */
export interface StreamHost extends DataOutput {
  sendReset(id: number, code: number): void
  sendWindow(id: number, credit: number): void
  /** Gives the stream a turn as soon as the transport has room. */
  enqueue(stream: Stream): void
  /** The stream is over: drop it. */
  forget(stream: Stream): void
}

/** One request in a session: bytes both ways, with flow control, declared lengths and half-close. */
export class Stream {
  readonly id: number
  readonly kind: StreamKind
  handler: StreamHandler
  /** Whether the peer has sent anything on this stream; until then an OPEN can be replayed (rule 5). */
  answered = false
  /** Whether a response head was final (sent by a linker, received by an edge), or none is needed. */
  headDone: boolean
  /** Whether a WINDOW was sent: the peer has heard of the stream, which can no longer be refused. */
  hasCredited = false
  /** An OPEN that asked for an upgrade: the edge sends DATA only after HEAD (rule 6). */
  isUpgrade = false
  interimCount = 0
  remoteEnd = false
  over = false
  /** Whether the session's turn list holds the stream. Owned by the session. */
  isEnqueued = false

  readonly #host: StreamHost
  readonly #send: SendSide
  readonly #receive: ReceiveWindow
  /** Bytes the peer's declared length still allows; -1 when it is unknown. */
  #receiveLeft = -1
  #blocked = false
  #endTold = false
  /** Whether DATA may be written: after an OPEN or HEAD has declared the body; at once on TCP. */
  #declared: boolean
  /** The peer's last bytes are being handed on; the stream stays until onEnd was called. */
  #ending = false

  constructor(
    host: StreamHost,
    id: number,
    kind: StreamKind,
    sendWindowBytes: number,
    receive: ReceiveWindow,
    handler: StreamHandler,
  ) {
    this.#host = host
    this.id = id
    this.kind = kind
    this.handler = handler
    this.headDone = kind === KIND_TCP
    this.#declared = kind === KIND_TCP
    this.#send = new SendSide(id, sendWindowBytes, host)
    this.#receive = receive
  }

  /** Whether this side has ended its direction (END may still wait behind DATA). */
  get localEnd(): boolean {
    return this.#send.ended
  }

  /** Whether this side's END has left, behind everything that was written. */
  get endSent(): boolean {
    return this.#send.finished
  }

  /** Whether the last write() kept a reference to its buffer. */
  get retained(): boolean {
    return this.#send.retained
  }

  /** Bytes that wait for window or transport. */
  get waitingBytes(): number {
    return this.#send.waitingBytes
  }

  /** Whether a turn would send something. */
  get canSend(): boolean {
    return this.#send.canSend
  }

  /** Session: what this side sends after its OPEN or HEAD. */
  declareSend(body: BodyKind, length: number): void {
    this.#declared = true
    if (isBodyless(body, length)) {
      this.#send.ended = true
      this.#send.finished = true
    } else if (body === BODY_KNOWN) {
      this.#send.declare(length)
    }
  }

  /** Session: what the peer sends after its OPEN or HEAD. */
  declareReceive(body: BodyKind, length: number): void {
    this.#receiveLeft = body === BODY_KNOWN ? length : -1
  }

  /**
   * Sends DATA; END goes by itself with the last byte of a declared length. See `retained` for who owns the
   * buffer afterwards.
   * @returns false when some of it waits: stop the source; more may be written, and waits too. onWritable says
   *   when all of it has gone, unless END has gone with it.
   */
  write(buffer: Buffer, from: number, to: number): boolean {
    const left = this.#send.leftBytes
    assert(
      this.#declared && (this.headDone || !this.isUpgrade),
      'DATA follows OPEN or HEAD, that of an upgrade HEAD',
    )
    assert(
      !this.#send.ended && (left < 0 || to - from <= left),
      'DATA comes before END and within the declared length',
    )
    if (this.#send.write(buffer, from, to)) {
      this.closeIfDone()
      return true
    }
    this.#blocked = true
    if (this.#send.canSend) this.#host.enqueue(this)
    return false
  }

  /**
   * Ends this side's direction, after what waits; with trailers (canonical fields, at most 64 KiB, which must
   * stay as they are until then) if there are any. A body shorter than declared is reset instead.
   */
  end(trailers: Buffer | null = null): void {
    if (this.#send.ended) return
    assert(this.#declared, 'END follows OPEN or HEAD')
    assert(trailers === null || trailers.length <= MAX_HEAD_BYTES, 'trailers fit a frame')
    if (this.#send.leftBytes > 0) {
      // Fewer bytes than declared: the peer must not take the body for complete.
      this.reset(RESET.BODY_LENGTH)
      return
    }
    this.#send.end(trailers)
    this.closeIfDone()
  }

  /** Aborts both directions. The handler hears nothing more. */
  reset(code: number): void {
    if (this.over) return
    this.#host.sendReset(this.id, code)
    this.close()
  }

  /** Says that `bytes` of received DATA were delivered; credit returns to the peer by halves of a window. */
  consumed(bytes: number, nowMs: number): void {
    if (this.remoteEnd) return
    const credit = this.#receive.consumed(bytes, nowMs)
    if (credit === 0) return
    this.hasCredited = true
    this.#host.sendWindow(this.id, credit)
  }

  /** Session: a part of DATA came. */
  receiveData(buffer: Buffer, from: number, to: number, end: boolean, nowMs: number): void {
    if (!this.#receive.received(to - from, nowMs)) {
      this.#violated(RESET.FLOW_CONTROL)
      return
    }
    if (this.#receiveLeft >= 0) {
      this.#receiveLeft -= to - from
      if (this.#receiveLeft < 0 || (end && this.#receiveLeft > 0)) {
        this.#violated(RESET.BODY_LENGTH)
        return
      }
    }
    if (end) this.#beginEnd()
    this.handler.onData(buffer, from, to)
    if (end) this.#finishEnd()
  }

  /** Session: TRAILERS came, which end the peer's direction. */
  receiveTrailers(buffer: Buffer, from: number, to: number): void {
    if (this.#receiveLeft > 0) {
      this.#violated(RESET.BODY_LENGTH)
      return
    }
    this.#beginEnd()
    if (to > from) this.handler.onTrailers(buffer, from, to)
    this.#finishEnd()
  }

  /** Session: END came with OPEN or HEAD, unless their owner has reset the stream meanwhile. */
  receiveEnd(): void {
    this.#beginEnd()
    this.#finishEnd()
  }

  /** Session: WINDOW came. @returns false if the sum is absurd. */
  receiveWindow(credit: number): boolean {
    if (!this.#send.credit(credit)) return false
    if (this.#send.isWaiting) this.#host.enqueue(this)
    return true
  }

  /** Session: the transport has room. @returns whether the stream wants another turn. */
  takeTurn(): boolean {
    if (!this.#send.takeTurn()) return this.#send.canSend
    if (this.#blocked) {
      this.#blocked = false
      if (!this.#send.ended) this.handler.onWritable()
    }
    this.closeIfDone()
    return false
  }

  /** Ends the stream on this side without a word to anybody. */
  close(): void {
    if (this.over) return
    this.over = true
    this.remoteEnd = true
    this.#send.discard()
    this.#receive.close()
    this.#host.forget(this)
  }

  /** Session: ends the stream if both directions are complete. */
  closeIfDone(): void {
    if (this.over || !this.#send.finished) return
    if (!this.#endTold) {
      this.#endTold = true
      this.handler.onEndSent?.()
    }
    if (this.remoteEnd && !this.#ending) this.close()
  }

  /** From here no credit is returned; the owner may end its own direction in any of the calls that follow. */
  #beginEnd(): void {
    this.remoteEnd = true
    this.#ending = true
  }

  #finishEnd(): void {
    if (!this.over) this.handler.onEnd()
    this.#ending = false
    this.closeIfDone()
  }

  #violated(code: number): void {
    this.reset(code)
    this.handler.onReset(code)
  }
}
