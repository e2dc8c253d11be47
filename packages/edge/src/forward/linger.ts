import type { Socket } from 'node:net'
import { type TimerWheel, WheelTimer } from '@brxy/protocol/transport'

/** How long, and how much of, what the client still sends is read and thrown away. */
const LINGER_MS = 10_000
const LINGER_BYTES = 256 * 1024
/** The same while the edge drains: time for the client to take the answer, not to go on sending. */
const HURRIED_MS = 1_000
/** A client that takes nothing of what it was sent for so long is cut. */
const STALL_MS = 60_000

/**
 * The end of a client connection: FIN behind what has been written; what still comes is thrown away, for closing at
 * once would RST the answer away (RFC 9112 9.6). A client that does not close as well, or takes nothing, is cut.
 */
export class Linger {
  readonly #socket: Socket
  readonly #wheel: TimerWheel
  readonly #timer: WheelTimer
  #untakenBytes: number
  #bytes = 0
  #lingerMs = LINGER_MS

  /** Begins at once. */
  constructor(socket: Socket, wheel: TimerWheel) {
    this.#socket = socket
    this.#wheel = wheel
    this.#timer = new WheelTimer(() => this.#onTimeout())
    this.#untakenBytes = socket.writableLength
    this.#wait(STALL_MS)
    socket.on('finish', () => this.#wait(this.#lingerMs))
    socket.on('close', () => wheel.clear(this.#timer))
    socket.end()
    socket.resume()
  }

  /** The client still sends. */
  onInput(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes > LINGER_BYTES) this.#socket.destroy()
  }

  /** The edge drains: what the client still sends is waited for less long. */
  hurry(): void {
    this.#lingerMs = HURRIED_MS
    if (this.#socket.writableFinished) this.#wait(HURRIED_MS)
  }

  #onTimeout(): void {
    const { writableFinished, writableLength } = this.#socket
    if (writableFinished || writableLength >= this.#untakenBytes) {
      this.#socket.destroy()
      return
    }
    this.#untakenBytes = writableLength
    this.#wait(STALL_MS)
  }

  #wait(ms: number): void {
    if (!this.#socket.destroyed) this.#wheel.set(this.#timer, this.#wheel.now() + ms)
  }
}
