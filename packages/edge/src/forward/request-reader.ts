import type { Socket } from 'node:net'
import { type MessageSink, RequestDecoder, type RequestHead } from '@brxy/http1'
import { ClientInput } from './client-input.ts'

/** Who gets the requests. The calls of the sink come from inside the decoder, and must not lead back to it. */
export interface RequestReaderOwner extends MessageSink<RequestHead> {
  /** Asked before each piece. @returns whether it has to wait */
  isBusy(): boolean
  /** The decoder has returned from a piece: what had to wait for that can be done. */
  onRead(): void
  /** Something threw. */
  onBug(error: unknown): void
}

/**
 * Finds the requests in what a client sends, one after another: what its owner has no use for yet waits here unparsed,
 * up to a bound beyond which the socket is not read.
 */
export class RequestReader {
  readonly #owner: RequestReaderOwner
  readonly #input: ClientInput
  readonly #decoder = new RequestDecoder()
  #isReading = false

  constructor(socket: Socket, owner: RequestReaderOwner) {
    this.#owner = owner
    this.#input = new ClientInput(socket)
  }

  /** Whether the decoder, or what its owner does for it, is under way. */
  get isReading(): boolean {
    return this.#isReading
  }

  /** Nothing of a request has come yet. */
  get isIdle(): boolean {
    return this.#decoder.idle
  }

  /** Whether {@link pause} holds. */
  get isPaused(): boolean {
    return this.#input.isPaused
  }

  /** Whether something waits unparsed. */
  get hasWaiting(): boolean {
    return this.#input.waiting !== null
  }

  /** More of what the client sends; kept by reference. */
  add(data: Buffer): void {
    this.#input.add(data)
    this.read()
  }

  /** Feeds the decoder until it waits for more bytes, or its owner is busy. */
  read(): void {
    if (this.#isReading) return
    this.#isReading = true
    const owner = this.#owner
    try {
      for (let input = this.#input.waiting; input !== null && !owner.isBusy(); input = this.#input.waiting) {
        this.#input.consume(this.#decoder.push(input, 0, input.length, owner))
        owner.onRead()
      }
    } catch (error) {
      owner.onBug(error)
    }
    this.#isReading = false
  }

  /** The next request may come. */
  begin(): void {
    this.#decoder.begin()
  }

  /** Reads no more from the socket than waits already. */
  pause(): void {
    this.#input.pause()
  }

  resume(): void {
    this.#input.resume()
  }

  /** Pauses if enough waits. @returns whether it did */
  pauseIfFull(): boolean {
    const { isFull } = this.#input
    if (isFull) this.#input.pause()
    return isFull
  }

  /** @returns all that waits; it is the caller's from now on */
  take(): Buffer | null {
    return this.#input.take()
  }
}
