import type { Server, Socket } from 'node:net'
import { type Http1Error, type MessageSink, RequestDecoder, type RequestHead } from '@brxy/http1'
import { CLIENT_ERRORS } from '../error.ts'
import { ClientTimer } from '../forward/client-timer.ts'
import { errorResponse } from '../forward/error-response.ts'
import { Forwarded } from '../forward/forwarded.ts'
import { Linger } from '../forward/linger.ts'
import { CanonicalHead } from '../forward/request-head.ts'
import type { Shared } from '../forward/shared.ts'

const HTTPS_PORT = 443

/**
 * Where the same is found with TLS.
 * @param host host key of the request
 * @param target as forwarded: the origin-form, or `*`
 */
/** No head was read: nothing of the request is said again. */
const NO_HEAD = new CanonicalHead(
  new Forwarded({ peerAddress: '', scheme: 'http', isTrusted: false, pseudonym: 'brxy' }),
)

export function secureLocation(host: string, port: number, target: string): string {
  return `https://${host}${port === HTTPS_PORT ? '' : `:${port}`}${target === '*' ? '/' : target}`
}

/**
 * A client connection without TLS where only a redirect is to be had (`redirect: https`): one request, one answer, 308 so
 * that the method stays (RFC 9110 15.4.9). No app is asked, and what else the client sends is not read.
 */
export class RedirectConnection implements MessageSink<RequestHead> {
  readonly server: Server
  readonly #socket: Socket
  readonly #shared: Shared
  readonly #port: () => number
  readonly #decoder = new RequestDecoder()
  readonly #timer: ClientTimer
  #isHead = false
  #linger: Linger | null = null

  /** @param port of the listener with TLS */
  constructor(
    socket: Socket,
    server: Server,
    shared: Shared,
    port: () => number,
    onClosed: (connection: RedirectConnection) => void,
  ) {
    this.server = server
    this.#socket = socket
    this.#shared = shared
    this.#port = port
    this.#timer = new ClientTimer(shared, () => this.#onTimeout())
    this.#timer.awaitRequest()
    socket.on('data', (data) => this.#onInput(data))
    socket.on('end', () => this.#end())
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#timer.clear()
      onClosed(this)
    })
  }

  drain(): void {
    this.#end()
    this.#linger?.hurry()
  }

  /** It answers one request in any case. */
  retire(): void {}

  destroy(): void {
    this.#socket.destroy()
  }

  #onInput(data: Buffer): void {
    if (this.#linger !== null) return this.#linger.onInput(data.length)
    this.#decoder.push(data, 0, data.length, this)
    if (this.#linger === null) this.#timer.awaitHead()
  }

  #onTimeout(): void {
    const code = 'edge/head-timeout'
    if (this.#timer.awaitsHead) this.#refuse(code, CLIENT_ERRORS[code].status)
    else this.#end()
  }

  onHead(head: RequestHead): void {
    this.#isHead = head.isHead
    // Only an HTTP/1.0 client may leave it out.
    if (head.hostKey === '') return this.#refuse('http1/missing-host', 400)
    const location = secureLocation(head.hostKey, this.#port(), head.target())
    const { text: date } = this.#shared.date
    this.#socket.write(
      `HTTP/1.1 308 Permanent Redirect\r\nDate: ${date}\r\nLocation: ${location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
    )
    this.#end()
  }

  onData(): void {}

  onTrailers(): void {}

  onEnd(): void {}

  onError({ code, status }: Http1Error): void {
    if (this.#linger === null) this.#refuse(code, status)
  }

  #refuse(code: string, status: number): void {
    const shape = { isHead: this.#isHead, close: true, keepAlive: false, date: this.#shared.date.text }
    const { errorPages } = this.#shared
    this.#socket.write(errorResponse({ code, status }, NO_HEAD, shape, errorPages))
    this.#end()
  }

  #end(): void {
    this.#timer.clear()
    this.#linger ??= new Linger(this.#socket, this.#shared)
  }
}
