import { FIELD, Head, Http1Error, RequestHead, type ResponseHead } from '@brxy/http1'
import {
  KIND_TCP,
  type LinkerSession,
  OPEN_PASSIVE,
  type OpenRequest,
  RESET,
  type Stream,
} from '@brxy/protocol'
import { SocketWriter, type TimerWheel } from '@brxy/protocol/transport'
import type { LinkerOptions } from '../options.ts'
import type { AppAddress, AppConnection } from './app-connection.ts'
import { AppExchange } from './app-exchange.ts'
import { AppPool } from './app-pool.ts'
import { H2Client } from './h2c/h2-client.ts'
import type { Http2Connect } from './h2c/h2-connection.ts'
import { OpaqueExchange } from './opaque-exchange.ts'
import { proxyHeader } from './proxy-header.ts'

/** What the linker is told of the requests it forwards. */
export interface ForwarderEvents {
  /**
   * A slot is free: the exchange is over in both directions and its connection is clean or closed.
   * @param isPassive as its OPEN said
   */
  onFreed(isPassive: boolean): void
  /** The application does not accept connections; the request went back to the edge. */
  onUnreachable(session: LinkerSession): void
  /** Asked when only the end of a connection says that a response is complete. */
  isAppFailing(): boolean
  /** How many requests the application takes at a time, as it says over HTTP/2. */
  onLimit(streams: number): void
  /** How many requests it wants at a time, as a response says (`Brxy-Slots`). @param value not checked */
  onSlots(value: string): void
  /** The application broke HTTP or its connection, or the edge sent what cannot be forwarded; for the operator. */
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
  /** Exchanges whose client has left, and which the application may still be computing. */
  lingeringCount = 0
  readonly #h2: H2Client | null

  /** @param http2 for an application that speaks HTTP/2; else null */
  constructor(
    address: AppAddress,
    options: LinkerOptions,
    wheel: TimerWheel,
    events: ForwarderEvents,
    http2: Http2Connect | null = null,
  ) {
    this.options = options
    this.wheel = wheel
    this.events = events
    this.pool = new AppPool(address, options.poolIdleMs, this.writer, wheel)
    this.#h2 = http2 === null ? null : new H2Client(this, http2, address)
  }

  /** Starts an admitted request, or resets its stream and frees its slot if it is none for this application. */
  open(session: LinkerSession, stream: Stream, open: OpenRequest): void {
    const isTcp = open.kind === KIND_TCP
    const isPassive = (open.bits & OPEN_PASSIVE) !== 0
    if (isTcp !== this.options.tcp) {
      const what = isTcp ? 'a TCP stream' : 'an HTTP request'
      // Not a REFUSE: the edge would send it again, to the next instance like this one.
      return this.#decline(
        stream,
        isPassive,
        `the edge sent ${what}: is --tcp ${isTcp ? 'missing' : 'right'}?`,
      )
    }
    try {
      stream.handler = isTcp
        ? new OpaqueExchange(this, session, stream, isPassive, this.#connectTcp(open))
        : this.#h2 !== null
          ? this.#h2.open(session, stream, open)
          : new AppExchange(this, session, stream, open).request
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error
      this.#decline(stream, isPassive, `the edge's request head: ${error.message}`)
    }
  }

  /** Whatever a final response head says to the linker. One that says it twice says nothing that could be understood. */
  heedSlots(head: ResponseHead): void {
    const at = head.find(FIELD.BRXY_SLOTS)
    if (at !== -1) this.events.onSlots(head.isRepeated(FIELD.BRXY_SLOTS) ? 'two of them' : head.value(at))
  }

  /** What goes before the first request of a connection, which is then nobody else's; null: nothing. */
  preface({ addresses }: OpenRequest): Buffer | null {
    const { sendProxy } = this.options
    return sendProxy === undefined ? null : proxyHeader(sendProxy, addresses)
  }

  #connectTcp(open: OpenRequest): AppConnection {
    const connection = this.pool.take(false, false)
    const preface = this.preface(open)
    if (preface !== null) connection.write(preface, 0, preface.length)
    return connection
  }

  #decline(stream: Stream, isPassive: boolean, reason: string): void {
    this.events.onBadResponse(reason)
    stream.reset(RESET.BAD_HEAD)
    this.events.onFreed(isPassive)
  }

  close(): void {
    this.pool.close()
    this.#h2?.close()
  }
}
