import type { Socket } from 'node:net'
import { type Arrival, RESET, type Stream, type StreamHandler } from '@brxy/protocol'
import type { WriterOwner } from '@brxy/protocol/transport'
import { resetError } from './instance-answer.ts'
import { confirmEnd, cut } from './opaque-socket.ts'
import type { Shared } from './shared.ts'

/** Whose client it is. */
export interface OpaqueOwner {
  /**
   * Both directions have ended, or neither goes on. The socket is closed, or about to be.
   * @param error a code, or what became of it; null if both sides have ended it
   */
  onOver(error: string | null): void
  /** The first bytes of the application are on their way to the client. */
  onAnswered?(): void
  /** The application has seen nothing of it: another instance may have it. The socket is as it was. */
  onRefused?(): void
  /** The session is gone. @returns whether the owner sees to the socket, which is as it was; else it is cut */
  onLost?(arrival: Arrival): boolean
}

/**
 * Bytes that mean nothing to brxy, both ways between a client's socket and a stream: a TCP stream from its start, or an
 * upgraded connection after its 101 (brxy.v1, Upgrades and TCP).
 *
 * Each direction ends by itself (FIN there, END here), and the stream lasts until both have. A reset of either side
 * reaches the other one as a reset, never as an end: what was cut short must not look complete. Nothing alive is cut by
 * idleness. Who owns the socket hands on what happens to it, with the methods called onClient.
 */
export class OpaqueRelay implements StreamHandler, WriterOwner {
  readonly socket: Socket
  readonly #shared: Shared
  readonly #owner: OpaqueOwner
  #stream: Stream | null = null
  /** Bytes at the socket for which no credit was given yet. */
  #uncredited = 0
  #isOver = false
  #isAnswered = false

  constructor(socket: Socket, shared: Shared, owner: OpaqueOwner) {
    this.socket = socket
    this.#shared = shared
    this.#owner = owner
  }

  /** @param stream the one that it was opened with, or becomes the handler of */
  carry(stream: Stream): void {
    this.#stream = stream
  }

  // --- from the client ---

  /** @param data not changed afterwards: it may be kept by reference */
  onClientData(data: Buffer): void {
    const stream = this.#stream
    if (this.#isOver || stream === null || stream.localEnd) return
    try {
      if (!stream.write(data, 0, data.length)) this.socket.pause()
    } catch (error) {
      this.#onBug(error)
    }
  }

  onClientEnd(): void {
    confirmEnd(this.socket, () => this.#stream?.end())
  }

  /** The socket is closed, in whatever way. */
  onClientClosed(): void {
    const stream = this.#stream
    if (this.#isOver || stream === null) return
    const isComplete = stream.localEnd && stream.remoteEnd && this.socket.writableFinished
    this.#over(isComplete ? null : 'client gone')
    // What waits in the tunnel behind a complete end still arrives.
    if (!isComplete) stream.reset(RESET.CANCELLED)
  }

  /** What the kernel has taken counts as delivered. */
  readonly onWritten = () => {
    const bytes = this.#uncredited
    if (bytes === 0 || this.#isOver || this.socket.writableLength > 0) return
    this.#uncredited = 0
    this.#stream?.consumed(bytes, this.#shared.wheel.now())
  }

  // --- from the edge ---

  /** Ends both directions at once. @param error for people who watch */
  abort(error: string): void {
    if (this.#isOver) return
    this.#stream?.reset(RESET.CANCELLED)
    this.#cut(error)
  }

  // --- from the tunnel (StreamHandler) ---

  onRefuse(): void {
    this.#isOver = true
    this.#owner.onRefused?.()
  }

  onData(buffer: Buffer, from: number, to: number): void {
    this.#uncredited += to - from
    this.#shared.writer.append(this, buffer, from, to)
    if (this.#isAnswered) return
    this.#isAnswered = true
    this.#owner.onAnswered?.()
  }

  /** Opaque bytes have no trailers; onEnd follows. */
  onTrailers(): void {}

  onEnd(): void {
    this.#shared.writer.flush()
    this.socket.end()
  }

  onWritable(): void {
    this.socket.resume()
  }

  onReset(code: number): void {
    this.#cut(resetError(code))
  }

  onLost(arrival: Arrival): void {
    if (this.#owner.onLost?.(arrival) !== true) return this.#cut('edge/tunnel-lost')
    this.#isOver = true
  }

  // The session takes no second one.
  onHead(): void {}

  // ---

  /** It ends the exchange, not the process. */
  #onBug(error: unknown): void {
    this.#shared.emit({ type: 'bug', error })
    this.abort('edge/internal')
  }

  #cut(error: string): void {
    if (this.#isOver) return
    // What has come arrives, as far as the kernel lets it.
    this.#shared.writer.flush()
    this.#over(error)
    cut(this.socket)
  }

  #over(error: string | null): void {
    this.#isOver = true
    this.#owner.onOver(error)
  }
}
