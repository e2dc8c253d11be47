import {
  type LinkerSession,
  OPEN_PASSIVE,
  OPEN_UPGRADE,
  type OpenRequest,
  type Stream,
  type StreamHandler,
} from '@brxy/protocol'
import type { AppAddress } from '../app-connection.ts'
import type { Forwarder } from '../forwarder.ts'
import { H2Connection, type H2ConnectionOwner, type Http2Connect } from './h2-connection.ts'
import { H2Exchange } from './h2-exchange.ts'
import { refuseUpgrade } from './upgrade-refused.ts'

/**
 * Brings requests to an application that speaks HTTP/2 (`--h2c`): over one connection, made with the first request and
 * again when it is gone. One that the application ends by GOAWAY finishes its streams beside its successor.
 */
export class H2Client implements H2ConnectionOwner {
  readonly #forwarder: Forwarder
  readonly #http2: Http2Connect
  readonly #address: AppAddress
  readonly #connections = new Set<H2Connection>()
  #current: H2Connection | null = null
  readonly #connect = () => this.#connection()

  constructor(forwarder: Forwarder, http2: Http2Connect, address: AppAddress) {
    this.#forwarder = forwarder
    this.#http2 = http2
    this.#address = address
  }

  /**
   * Starts an admitted request.
   * @throws Http1Error for a head that is not canonical; then nothing was started
   */
  open(session: LinkerSession, stream: Stream, open: OpenRequest): StreamHandler {
    if ((open.bits & OPEN_UPGRADE) !== 0) {
      const rest = refuseUpgrade(session, stream)
      this.#forwarder.events.onFreed((open.bits & OPEN_PASSIVE) !== 0)
      return rest
    }
    return new H2Exchange(this.#forwarder, session, stream, open, this.#connect).request
  }

  close(): void {
    for (const connection of this.#connections) connection.destroy()
    this.#connections.clear()
    this.#current = null
  }

  #connection(): H2Connection {
    if (this.#current?.isUsable === true) return this.#current
    const { options, wheel } = this.#forwarder
    const connection = new H2Connection(this.#http2, this.#address, options.appConnectMs, wheel, this)
    this.#connections.add(connection)
    this.#current = connection
    return connection
  }

  onLimit(streams: number): void {
    this.#forwarder.events.onLimit(streams)
  }

  onRetired(connection: H2Connection): void {
    if (this.#current === connection) this.#current = null
  }

  onOver(connection: H2Connection): void {
    this.#connections.delete(connection)
  }

  onBug(error: unknown): void {
    this.#forwarder.events.onBug(error)
  }
}
