import { type LinkerSession, RESET, type Stream, type StreamHandler } from '@brxy/protocol'
import type { AppConnection, OpaqueUser } from './app-connection.ts'
import { Exchange } from './exchange.ts'
import type { Forwarder } from './forwarder.ts'

/**
 * Bytes that mean nothing to brxy, both ways between a stream and the application: a TCP stream from its start, or an
 * upgraded connection after its 101 (brxy.v1, Upgrades and TCP).
 *
 * Each direction ends by itself (END here, FIN there), and the slot is taken until both have. A reset of either side
 * reaches the other one as a reset, never as an end: what was cut short must not look complete. There is no lingering,
 * for the application is told, and no idle limit, for nothing alive is cut by idleness.
 */
export class OpaqueExchange extends Exchange implements OpaqueUser, StreamHandler {
  /** null once it is over. */
  connection: AppConnection | null
  /** Bytes at the connection for which no credit was given yet. */
  #uncredited = 0

  /** @param connection fresh and maybe not connected yet; or one that has just answered 101 */
  constructor(
    forwarder: Forwarder,
    session: LinkerSession,
    stream: Stream,
    isPassive: boolean,
    connection: AppConnection,
  ) {
    super(forwarder, session, stream, isPassive)
    this.connection = connection
    connection.carry(this, forwarder.wheel.now())
    if (!connection.isConnected) this.setTimer(forwarder.options.appConnectMs)
    // The edge may have ended its direction while the 101 was waited for.
    if (stream.remoteEnd) connection.halfClose()
  }

  // --- from the application ---

  onConnected(): void {
    this.clearTimer()
  }

  onBytes(buffer: Buffer, from: number, to: number): void {
    const connection = this.connection as AppConnection
    if (!this.stream.write(buffer, from, to)) connection.socket.pause()
    if (this.stream.retained) connection.keepReadBuffer()
  }

  onFin(): void {
    this.stream.end()
  }

  onDrained(): void {
    const bytes = this.#uncredited
    this.#uncredited = 0
    if (bytes > 0) this.stream.consumed(bytes, this.forwarder.wheel.now())
  }

  onGone(error: Error | null): void {
    const connection = this.connection as AppConnection
    if (!connection.isConnected) return this.giveBack()
    if (error !== null) {
      return this.fail(RESET.APP_CLOSED, `the application broke the connection (${error.message})`)
    }
    // Both directions have ended. END is in the tunnel: while anything waits there, the connection is not read, and its
    // FIN is not seen.
    this.close()
  }

  onBug(error: unknown): void {
    this.forwarder.events.onBug(error)
    this.stream.reset(RESET.INTERNAL)
    this.#abort()
  }

  // --- from the tunnel ---

  onData(buffer: Buffer, from: number, to: number): void {
    this.#uncredited += to - from
    this.connection?.write(buffer, from, to)
  }

  /** Opaque bytes have no trailers; onEnd follows. */
  onTrailers(): void {}

  onEnd(): void {
    this.connection?.halfClose()
  }

  onWritable(): void {
    this.connection?.socket.resume()
  }

  onReset(): void {
    this.#abort()
  }

  onLost(): void {
    this.#abort()
  }

  // A linker is never sent these two.
  onRefuse(): void {}
  onHead(): void {}

  protected disconnect(): void {
    const { connection } = this
    this.connection = null
    if (connection !== null) this.forwarder.pool.discard(connection)
  }

  /** The application does not accept the connection in time. */
  protected onTimeout(): void {
    this.giveBack()
  }

  #abort(): void {
    this.connection?.reset()
    this.close()
  }
}
