import type { Socket } from 'node:net'
import { BrxyError } from '@brxy/protocol'
import { type TimerWheel, WheelTimer } from '@brxy/protocol/transport'
import { ProxyHeaderDecoder } from './decoder.ts'
import { badHeader, type ProxyHeader } from './header.ts'

export interface ReceptionHandler {
  /** The header has come. The socket is paused, has no listeners of ours, and what is behind the header is still in it. */
  onHeader(header: ProxyHeader): void
  /** There is no header that could be believed, or none in time; null: the peer has gone without a word, as probes do. */
  onFailed(error: BrxyError | null): void
}

/** A connection that waits for its PROXY header: until the whole of it came, it breaks a rule, or time is up. */
export class ProxyReception {
  readonly #socket: Socket
  readonly #wheel: TimerWheel
  readonly #handler: ReceptionHandler
  readonly #decoder = new ProxyHeaderDecoder()
  readonly #timer: WheelTimer

  /** @param socket of which nothing was read */
  constructor(socket: Socket, wheel: TimerWheel, waitMs: number, handler: ReceptionHandler) {
    this.#socket = socket
    this.#wheel = wheel
    this.#handler = handler
    this.#timer = new WheelTimer(() =>
      this.#fail(new BrxyError('edge/no-proxy-header', `no whole PROXY header came within ${waitMs} ms`)),
    )
    wheel.set(this.#timer, wheel.now() + waitMs)
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('error', this.#onError)
    socket.on('close', this.#onEnd)
  }

  readonly #onData = (data: Buffer): void => {
    try {
      const at = this.#decoder.push(data, 0, data.length)
      const { header } = this.#decoder
      if (header === null) return
      this.#stop()
      // Whoever is next, TLS too, finds the rest where it would be if there had been no header.
      this.#socket.pause()
      if (at < data.length) this.#socket.unshift(data.subarray(at))
      this.#handler.onHeader(header)
    } catch (error) {
      if (!(error instanceof BrxyError)) throw error
      this.#fail(error)
    }
  }

  readonly #onEnd = (): void => {
    this.#fail(this.#decoder.isEmpty ? null : badHeader('the connection ended within its PROXY header'))
  }

  /** `close` follows. */
  readonly #onError = (): void => {}

  #fail(error: BrxyError | null): void {
    this.#stop()
    this.#handler.onFailed(error)
  }

  #stop(): void {
    this.#wheel.clear(this.#timer)
    this.#socket.off('data', this.#onData)
    this.#socket.off('end', this.#onEnd)
    this.#socket.off('error', this.#onError)
    this.#socket.off('close', this.#onEnd)
  }
}
