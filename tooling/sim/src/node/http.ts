// What `node:http` is inside a simulation: a server that knows upgrades and small requests, and a client for these.
export * from 'node:http'

import { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'
import { Server } from './server.ts'
import { connect, type SimSocket } from './socket.ts'
import { readHead } from './upgrade.ts'

type Fields = Readonly<Record<string, string | number>>
type OnRequest = (request: Readable, response: Response) => void

/** As http.createServer(): emits `upgrade` with the request, its socket and the bytes that came behind the head. */
export function createServer(_options: object, onRequest: OnRequest): Server {
  const server = new Server()
  server.on('connection', (socket: SimSocket) => {
    socket.on('error', () => {})
    readHead(socket, (lines, rest) => {
      const [method, url] = lines[0].split(' ')
      const headers = fieldsOf(lines.slice(1))
      if (method !== 'POST') server.emit('upgrade', { url, headers }, socket, rest)
      else
        readBody(socket, rest, Number(headers['content-length']), (body) => {
          const request = Object.assign(Readable.from([body]), { method, url, headers, complete: true })
          onRequest(request, new Response(socket))
        })
    })
  })
  return server
}

/** What a server answers, at once and as a whole. */
class Response {
  readonly #socket: SimSocket
  #status = 0

  constructor(socket: SimSocket) {
    this.#socket = socket
  }

  writeHead(status: number): void {
    this.#status = status
  }

  end(body: string): void {
    if (!this.#socket.destroyed) this.#socket.end(messageOf(`HTTP/1.1 ${this.#status} Said`, {}, body))
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

/** As http.request(), for one request with a body on a connection of its own. */
export function request(
  url: URL,
  { method, headers }: { readonly method: string; readonly headers: Fields },
  onResponse: (response: Readable) => void,
): ClientRequest {
  return new ClientRequest(url, `${method} ${url.pathname} HTTP/1.1`, headers, onResponse)
}

class ClientRequest extends EventEmitter {
  readonly #socket: SimSocket
  readonly #start: string
  readonly #fields: Fields

  constructor(url: URL, start: string, fields: Fields, onResponse: (response: Readable) => void) {
    super()
    this.#start = start
    this.#fields = fields
    this.#socket = connect({ host: url.hostname, port: Number(url.port) })
    let isAnswered = false
    this.#socket.on('error', (error) => this.emit('error', error))
    this.#socket.on('close', () => {
      if (!isAnswered) this.emit('error', new Error('socket hang up'))
    })
    readHead(this.#socket, (lines, rest) => {
      const length = Number(fieldsOf(lines.slice(1))['content-length'])
      readBody(this.#socket, rest, length, (body) => {
        isAnswered = true
        onResponse(Object.assign(Readable.from([body]), { statusCode: Number(lines[0].split(' ')[1]) }))
        this.#socket.destroy()
      })
    })
  }

  end(body: string): void {
    const { 'content-length': _, ...fields } = this.#fields
    this.#socket.once('connect', () => this.#socket.write(messageOf(this.#start, fields, body)))
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

function messageOf(start: string, fields: Fields, body: string): string {
  const lines = Object.entries({ ...fields, 'content-length': Buffer.byteLength(body) })
  return `${start}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`
}

/** @param onBody hears all of it; nobody does if it breaks off */
function readBody(socket: SimSocket, rest: Buffer, length: number, onBody: (body: Buffer) => void): void {
  let bytes = rest
  if (bytes.length >= length) return onBody(bytes)
  const onData = (data: Buffer) => {
    bytes = Buffer.concat([bytes, data])
    if (bytes.length < length) return
    socket.off('data', onData)
    onBody(bytes)
  }
  socket.on('data', onData)
  socket.resume()
}

function fieldsOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
}
