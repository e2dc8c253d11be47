import { Head, RequestHead } from '@brxy/http1'
import type { LinkerSession, OpenRequest, Stream } from '@brxy/protocol'
import { SocketWriter, type TimerWheel } from '@brxy/protocol/transport'
import type { LinkerOptions } from '../options.ts'
import type { AppAddress } from './app-connection.ts'
import { AppExchange } from './app-exchange.ts'
import { AppPool } from './app-pool.ts'

/** What the linker is told of the requests it forwards. */
export interface ForwarderEvents {
  /** A slot is free: the exchange is over in both directions and its connection is clean or closed. */
  onFreed(): void
  /** The application does not accept connections; the request went back to the edge. */
  onUnreachable(session: LinkerSession): void
  /** The application broke HTTP; for the operator. */
  onBadResponse(message: string): void
  /** A bug of ours ended one exchange. */
  onBug(error: unknown): void
}

/** Brings requests to the application. What all exchanges share: the connections, the writer, the head views. */
export class Forwarder {
  readonly options: LinkerOptions
  readonly wheel: TimerWheel
  readonly events: ForwarderEvents
  readonly pool: AppPool
  readonly writer = new SocketWriter()
  readonly requestHead = new RequestHead()
  readonly trailers = new Head()

  constructor(address: AppAddress, options: LinkerOptions, wheel: TimerWheel, events: ForwarderEvents) {
    this.options = options
    this.wheel = wheel
    this.events = events
    this.pool = new AppPool(address, options.poolIdleMs, this.writer, wheel)
  }

  /** Starts an admitted request. @throws Http1Error if its head is not canonical; then no slot is in use */
  open(session: LinkerSession, stream: Stream, open: OpenRequest): void {
    stream.handler = new AppExchange(this, session, stream, open).request
  }

  close(): void {
    this.pool.close()
  }
}
