import { MAX_DATA_BYTES } from '../frame.ts'

/** Where the bytes of one stream go. */
export interface DataOutput {
  /** How much DATA may be handed to the transport now. */
  readonly allowanceBytes: number
  /** @returns whether `buffer` is now referenced. */
  sendData(id: number, buffer: Buffer, from: number, to: number, end: boolean): boolean
  /** END without DATA: an empty or a filled TRAILERS frame. */
  sendEnd(id: number, trailers: Buffer | null): void
}

/** A piece of DATA that waits for window or transport. */
interface Piece {
  readonly buffer: Buffer
  from: number
  readonly to: number
}

/** Bytes that one stream hands on before the next has its turn. */
const TURN_BYTES = 64 * 1024

/**
 * The sending direction of one stream: its window, its declared length, what waits, and its END.
 *
 * The queue holds at most what the caller wrote until it was told to wait: one read of its source.
 */
export class SendSide {
  readonly #id: number
  readonly #output: DataOutput
  #windowBytes: number
  /** Bytes that the declared length still allows; -1 when it is unknown. */
  #left = -1
  readonly #pieces: Piece[] = []
  #trailers: Buffer | null = null
  /** No more will be written. */
  ended = false
  /** END has gone out. */
  finished = false
  /** The last write() kept a reference to its buffer. */
  retained = false

  constructor(id: number, windowBytes: number, output: DataOutput) {
    this.#id = id
    this.#windowBytes = windowBytes
    this.#output = output
  }

  /** @param lengthBytes -1 when unknown. */
  declare(lengthBytes: number): void {
    this.#left = lengthBytes
  }

  get leftBytes(): number {
    return this.#left
  }

  get isWaiting(): boolean {
    return this.#pieces.length > 0
  }

  get waitingBytes(): number {
    let bytes = 0
    for (const piece of this.#pieces) bytes += piece.to - piece.from
    return bytes
  }

  /** Whether a turn would send something. */
  get canSend(): boolean {
    return this.#pieces.length > 0 && this.#windowBytes > 0
  }

  /** Adds credit. @returns false if the sum is absurd. */
  credit(bytes: number): boolean {
    this.#windowBytes += bytes
    return this.#windowBytes <= 0x7fffffff
  }

  /** @returns whether everything went out; otherwise write no more until the queue is empty. */
  write(buffer: Buffer, from: number, to: number): boolean {
    this.retained = false
    if (from === to) return this.#pieces.length === 0
    if (this.#left >= 0) {
      this.#left -= to - from
      if (this.#left === 0) this.ended = true
    }
    const at = this.#pieces.length === 0 ? this.#send(buffer, from, to, to) : from
    if (at === to) return true
    this.#pieces.push({ buffer, from: at, to })
    this.retained = true
    return false
  }

  /** Ends the direction, after what waits. */
  end(trailers: Buffer | null): void {
    this.ended = true
    this.#trailers = trailers
    if (this.#pieces.length === 0) this.#finish()
  }

  /** Sends one turn's worth of what waits. @returns whether the queue is empty now. */
  takeTurn(): boolean {
    let turn = TURN_BYTES
    while (this.#pieces.length > 0 && turn > 0) {
      const piece = this.#pieces[0]
      const before = piece.from
      piece.from = this.#send(piece.buffer, before, Math.min(piece.to, before + turn), piece.to)
      if (piece.from === before) return false
      turn -= piece.from - before
      if (piece.from === piece.to) this.#pieces.shift()
    }
    if (this.#pieces.length > 0) return false
    if (this.ended && !this.finished) this.#finish()
    return true
  }

  discard(): void {
    this.#pieces.length = 0
    this.ended = true
    this.finished = true
  }

  /** @returns the offset after what went out. END goes with the last byte of a declared length. */
  #send(buffer: Buffer, from: number, to: number, pieceEnd: number): number {
    let at = from
    while (at < to) {
      const bytes = Math.min(to - at, this.#windowBytes, this.#output.allowanceBytes, MAX_DATA_BYTES)
      if (bytes <= 0) break
      this.#windowBytes -= bytes
      const last = this.#left === 0 && at + bytes === pieceEnd && this.#pieces.length <= 1
      if (last) this.finished = true
      if (this.#output.sendData(this.#id, buffer, at, at + bytes, last)) this.retained = true
      at += bytes
    }
    return at
  }

  #finish(): void {
    this.finished = true
    this.#output.sendEnd(this.#id, this.#trailers)
  }
}
