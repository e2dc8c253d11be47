import { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'
import { connect, type SimSocket } from './socket.ts'
import { readHead } from './upgrade.ts'

/** What a close handshake may take, as in ws. */
const CLOSE_MS = 30_000

/**
 * What the package `ws` is inside a simulation. To brxy.v1 message boundaries mean nothing, so the bytes of the messages
 * are the bytes of the connection: each read is a message.
 */
export class WebSocket extends EventEmitter {
  #socket: SimSocket
  #isOpen = false
  #isClosing = false

  /** A client's. */
  constructor(url: URL, protocol: string, options: { readonly headers: Readonly<Record<string, string>> })
  /** A server's, whose handshake is over. */
  constructor(socket: SimSocket, rest: Buffer)
  constructor(
    first: URL | SimSocket,
    second: string | Buffer,
    options: { readonly headers: Readonly<Record<string, string>> } = { headers: {} },
  ) {
    super()
    if (typeof second === 'string') {
      const url = first as URL
      this.#socket = connect({ host: url.hostname, port: Number(url.port) })
      this.#request(url, second, options.headers)
    } else {
      this.#socket = first as SimSocket
      this.#open(second)
    }
  }

  get bufferedAmount(): number {
    return this.#socket.writableLength
  }

  send(data: Buffer): void {
    if (!this.#isClosing && !this.#socket.destroyed) this.#socket.write(data)
  }

  close(): void {
    if (this.#isClosing) return
    this.#isClosing = true
    this.#socket.end()
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_MS)
    this.#socket.once('close', () => clearTimeout(timer))
  }

  terminate(): void {
    this.#isClosing = true
    this.#socket.destroy()
  }

  #request(url: URL, protocol: string, headers: Readonly<Record<string, string>>): void {
    const socket = this.#socket
    socket.on('error', (error) => this.emit('error', error))
    socket.on('close', () => {
      if (!this.#isOpen) this.emit('close', 1006, Buffer.alloc(0))
    })
    socket.on('connect', () => {
      const fields = { ...headers, 'sec-websocket-protocol': protocol }
      const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
      socket.write(`GET ${url.pathname} HTTP/1.1\r\n${lines.join('')}\r\n`)
    })
    readHead(socket, (lines, rest) => {
      const status = Number(lines[0].split(' ')[1])
      const response = Object.assign(Readable.from(rest.length > 0 ? [rest] : []), {
        statusCode: status,
        socket,
      })
      if (status !== 101) {
        this.emit('unexpected-response', null, response)
        return
      }
      this.emit('upgrade', response)
      this.#open(rest)
      this.emit('open')
    })
  }

  #open(rest: Buffer): void {
    const socket = this.#socket
    this.#isOpen = true
    if (rest.length > 0) socket.unshift(rest)
    socket.on('data', (data: Buffer) => {
      // As in ws: whoever has said close may still be told what was on its way.
      this.emit('message', data, true)
    })
    socket.on('end', () => socket.end())
    if (socket.listenerCount('error') === 0) socket.on('error', (error) => this.emit('error', error))
    socket.on('close', () => {
      this.emit('close', 1006, Buffer.alloc(0))
    })
    socket.resume()
  }
}

/** The server's side, as the tunnel uses it: `noServer`. */
export class WebSocketServer {
  readonly clients = new Set<WebSocket>()

  handleUpgrade(
    _request: unknown,
    socket: SimSocket,
    head: Buffer,
    onOpen: (webSocket: WebSocket) => void,
  ): void {
    if (socket.destroyed) return
    socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n')
    const webSocket = new WebSocket(socket, head)
    this.clients.add(webSocket)
    webSocket.on('close', () => this.clients.delete(webSocket))
    onOpen(webSocket)
  }

  close(): void {}
}
