import type { Socket } from 'node:net'
import { WheelTimer } from '@brxy/protocol/transport'
import type { TimerLimits } from './client-timer.ts'
import { cut } from './opaque-socket.ts'
import { WriteProgress } from './write-progress.ts'

/** How long the client has to close as well, and how much of what it still sends is read and thrown away until then. */
const LINGER_MS = 10_000
const LINGER_BYTES = 256 * 1024
/** The same when that is enough, or the edge drains: time for the client to take the answer, not to go on sending. */
const HURRIED_MS = 1_000

/**
 * The end of a client connection: FIN behind what has been written; what still comes is thrown away, for closing at
 * once would RST the answer away (RFC 9112 9.6). So would closing as soon as enough has been thrown away: from then on no
 * more is read, and the client has another moment. One that does not close as well, or takes nothing, is cut.
 */
export class Linger {
  readonly #socket: Socket
  readonly #limits: TimerLimits
  readonly #timer: WheelTimer
  readonly #progress: WriteProgress
  #bytes = 0
  #untakenBytes = 0
  #lingerMs = LINGER_MS

  /** Begins at once. */
  constructor(socket: Socket, limits: TimerLimits) {
    this.#socket = socket
    this.#limits = limits
    this.#timer = new WheelTimer((nowMs) => this.#onTimeout(nowMs))
    this.#progress = new WriteProgress(socket, limits)
    this.#look(limits.wheel.now())
    socket.on('finish', () => this.#wait(this.#lingerMs))
    socket.on('close', () => limits.wheel.clear(this.#timer))
    socket.end()
    socket.resume()
  }

  /** The client still sends. */
  onInput(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes <= LINGER_BYTES) return
    this.#socket.pause()
    this.hurry()
  }

  /** What the client still sends is waited for less long: the edge drains. */
  hurry(): void {
    this.#lingerMs = HURRIED_MS
    if (this.#socket.writableFinished) this.#wait(HURRIED_MS)
  }

  #onTimeout(nowMs: number): void {
    if (this.#socket.writableFinished) this.#socket.destroy()
    else this.#look(nowMs)
  }

  /** Whether the client takes what was written. */
  #look(nowMs: number): void {
    // Nothing more is written: a change is a write that is gone.
    const { writableLength } = this.#socket
    if (writableLength !== this.#untakenBytes) this.#progress.onWritten()
    this.#untakenBytes = writableLength
    if (this.#progress.look(nowMs) === 'stuck') cut(this.#socket)
    else this.#waitUntil(this.#progress.lookMs)
  }

  #wait(ms: number): void {
    this.#waitUntil(this.#limits.wheel.now() + ms)
  }

  #waitUntil(ms: number): void {
    if (!this.#socket.destroyed) this.#limits.wheel.set(this.#timer, ms)
  }
}
