import type { Socket } from 'node:net'

/** Bytes of the next requests that wait unparsed; then the socket is not read (HTTP.md "pipelining"). */
const MAX_WAITING_BYTES = 64 * 1024

/** What a client has sent and nobody has read yet: the rest of a read after a request, and what is pipelined behind it. */
export class ClientInput {
  readonly #socket: Socket
  #waiting: Buffer | null = null
  #isPaused = false

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** In one piece; null: nothing. */
  get waiting(): Buffer | null {
    return this.#waiting
  }

  /** Whether more is kept from coming. */
  get isPaused(): boolean {
    return this.#isPaused
  }

  add(data: Buffer): void {
    this.#waiting = this.#waiting === null ? data : Buffer.concat([this.#waiting, data])
  }

  /** The first `bytes` of what waits were read. */
  consume(bytes: number): void {
    const waiting = this.#waiting
    if (waiting !== null) this.#waiting = bytes === waiting.length ? null : waiting.subarray(bytes)
  }

  /** @returns all that waits; it is the caller's from now on */
  take(): Buffer | null {
    const waiting = this.#waiting
    this.#waiting = null
    return waiting
  }

  get isFull(): boolean {
    return this.#waiting !== null && this.#waiting.length >= MAX_WAITING_BYTES
  }

  /** The socket is not read. Node says nothing of a client that goes away meanwhile. */
  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#socket.pause()
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#socket.resume()
  }
}
