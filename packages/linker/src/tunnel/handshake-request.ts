import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { type Http1Error, type MessageSink, ResponseDecoder, type ResponseHead } from '@brxy/http1'

/** What ws says of its opening handshake (RFC 6455 4.1), as it would to `request()` of node:http. */
export interface HandshakeOptions {
  readonly host: string
  readonly port: string | number
  readonly defaultPort: number
  /** Of the request target. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | number>>
  /** Opens the connection. Gets these options, and may change its copy of them. */
  createConnection(options: object): Socket
}

/** A response to a handshake: its body, with what ws and a dial ask of an IncomingMessage. */
export interface HandshakeResponse extends Readable {
  statusCode: number
  /** By lower-case name; of fields that come twice the last one. */
  headers: Readonly<Record<string, string>>
  socket: Socket
}

/**
 * The request of a WebSocket's opening handshake without TLS: `request` of node:http as far as ws needs it. Not to load
 * node:http, and not to run its client for the first time, is a tenth of a cold start (docs/performance.md). The answer is
 * read by the decoder that reads those of applications, with its bounds.
 *
 * Emits, as node:http does, one of `upgrade` (response, socket, the bytes behind the head), `response` and `error`.
 */
export class HandshakeRequest extends EventEmitter implements MessageSink<ResponseHead> {
  readonly socket: Socket
  readonly #options: HandshakeOptions
  readonly #decoder = new ResponseDecoder()
  #response: HandshakeResponse | null = null
  #isUpgraded = false
  #isOver = false

  constructor(options: HandshakeOptions) {
    super()
    this.#options = options
    this.socket = options.createConnection({ ...options })
    this.socket.on('data', this.#onBytes)
    this.socket.on('error', this.#onError)
    this.socket.on('close', this.#onClose)
    this.#decoder.begin({ method: 'GET', upgrade: 'websocket' })
  }

  /** Sends it. */
  end(): void {
    const { host, port, defaultPort, path, headers } = this.#options
    const name = host.includes(':') ? `[${host}]` : host
    let head = `GET ${path} HTTP/1.1\r\nHost: ${Number(port) === defaultPort ? name : `${name}:${port}`}\r\n`
    for (const [field, value] of Object.entries(headers)) head += `${field}: ${value}\r\n`
    this.socket.write(`${head}\r\n`, 'latin1')
  }

  /** Closes the connection. */
  abort(): void {
    this.socket.destroy()
  }

  /** By this ws tells a request from a socket. A handshake is sent as it was made. */
  setHeader(): never {
    throw new Error('the header of a handshake cannot be changed')
  }

  readonly #onBytes = (data: Buffer) => {
    let at = this.#decoder.push(data, 0, data.length, this)
    // A head with a body is taken on its own; what comes behind the end is nobody's.
    while (at < data.length && !this.#isOver) at = this.#decoder.push(data, at, data.length, this)
    if (!this.#isUpgraded) return
    const { socket } = this
    socket.off('data', this.#onBytes)
    socket.off('error', this.#onError)
    socket.off('close', this.#onClose)
    this.emit('upgrade', this.#response, socket, data.subarray(at))
  }

  readonly #onError = (error: Error) => this.#fail(error)

  readonly #onClose = () => {
    if (this.#response === null) this.#fail(new Error('the connection was closed before there was an answer'))
    else this.#decoder.eof(this)
  }

  #fail(error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.socket.destroy()
    if (this.#response === null) this.emit('error', error)
    else this.#response.destroy(error)
  }

  // --- MessageSink ---

  onHead(head: ResponseHead): void {
    if (head.interim) return
    const headers: Record<string, string> = {}
    for (let index = 0; index < head.fieldCount; index++)
      headers[head.name(index).toLowerCase()] = head.value(index)
    const body = new Readable({ read() {} })
    this.#response = Object.assign(body, { statusCode: head.status, headers, socket: this.socket })
    this.#isUpgraded = head.upgrade
    if (!head.upgrade) this.emit('response', this.#response)
  }

  onData(buffer: Buffer, start: number, end: number): void {
    // Whoever reads more of a refusal than it keeps hangs up (dial.ts).
    this.#response?.push(buffer.subarray(start, end))
  }

  onTrailers(): void {}

  onEnd(): void {
    this.#isOver = true
    if (this.#isUpgraded) return
    this.#response?.push(null)
    this.socket.destroy()
  }

  onError(error: Http1Error): void {
    this.#fail(error)
  }
}

/** Begins a handshake, as `request` of node:http does. */
export function handshakeRequest(options: HandshakeOptions): HandshakeRequest {
  return new HandshakeRequest(options)
}
