import type { ClientHttp2Stream } from 'node:http2'
import { BODY_NONE } from '@brxy/protocol'
import { Relay } from '../relay.ts'
import type { H2Exchange } from './h2-exchange.ts'
import { type H2Fields, trailerFields } from './request-fields.ts'

/**
 * The request's way from the tunnel to a stream of the application: its body, its trailers, its end. Credit returns to
 * the edge when node:http2 has sent the bytes, which the application's window allows or not.
 */
export class H2RequestRelay extends Relay<H2Exchange> {
  #h2: ClientHttp2Stream | null = null
  /** What came before the application was ready; the window of the tunnel's stream bounds it. */
  #early: Buffer[] = []
  #trailers: H2Fields = {}
  #hasEnded = false
  #isStopped = false

  get hasBody(): boolean {
    return this.body !== BODY_NONE
  }

  /** The application has the head: what comes goes there. */
  attach(h2: ClientHttp2Stream): void {
    if (!this.hasBody) return
    this.#h2 = h2
    h2.on('wantTrailers', () => {
      if (!this.#isStopped && !h2.closed && !h2.destroyed) h2.sendTrailers(this.#trailers)
    })
    const early = this.#early
    this.#early = []
    for (const data of early) this.#write(h2, data)
    if (this.#hasEnded) h2.end()
  }

  /** Nothing more goes to the application. */
  stop(): void {
    this.#isStopped = true
    this.#h2 = null
    for (const data of this.#early) this.consumed(data.length)
    this.#early = []
  }

  onData(buffer: Buffer, from: number, to: number): void {
    // Nobody wants the rest of an upload; but the edge must not wait for credit.
    if (this.#isStopped) return this.consumed(to - from)
    const data = Buffer.from(buffer.subarray(from, to))
    if (this.#h2 === null) this.#early.push(data)
    else this.#write(this.#h2, data)
  }

  onTrailers(buffer: Buffer, from: number, to: number): void {
    const trailers = this.readTrailers(buffer, from, to)
    if (trailers !== null) this.#trailers = trailerFields(trailers)
  }

  onEnd(): void {
    this.#hasEnded = true
    this.#h2?.end()
  }

  #write(h2: ClientHttp2Stream, data: Buffer): void {
    // The application may have reset the stream, which its exchange hears in a moment.
    if (h2.closed || h2.destroyed) this.consumed(data.length)
    else h2.write(data, () => this.consumed(data.length))
  }
}
