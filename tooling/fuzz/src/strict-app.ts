import { createHash } from 'node:crypto'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type Http1Error, type MessageSink, RequestDecoder, type RequestHead } from '@brxy/http1'

/** A request as somebody has read it: what the edge may not change on its way. */
export interface Read {
  readonly method: string
  readonly target: string
  /** Values of X-Id, in order. */
  readonly ids: readonly string[]
  readonly keepAlive: boolean
  /** X-Early: it is answered before its body has come. */
  readonly isEarly: boolean
  /** Digest of the body, once it is complete. */
  digest: string
  isComplete: boolean
}

/** One word for what of a request must arrive as it was sent. */
export function wordOf({ method, target, ids, digest, isEarly }: Read): string {
  return createHash('sha256')
    .update(JSON.stringify([method, target, ids, isEarly ? '' : digest]))
    .digest('hex')
    .slice(0, 24)
}

/** Whether the application answers it now. */
export function isAnswerable(request: Read | undefined): boolean {
  return request !== undefined && (request.isComplete || request.isEarly)
}

/** Reads the requests of one connection, until one is malformed. */
export class Reader implements MessageSink<RequestHead> {
  readonly requests: Read[] = []
  error: Http1Error | null = null
  readonly #decoder = new RequestDecoder()
  #body = createHash('sha256')

  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && !this.#decoder.failed; ) {
      at = this.#decoder.push(bytes, at, bytes.length, this)
      if (this.#decoder.idle) this.#decoder.begin()
    }
  }

  onHead(head: RequestHead): void {
    const ids: string[] = []
    let isEarly = false
    for (let index = 0; index < head.fieldCount; index++) {
      if (head.isDropped(index)) continue
      const name = head.name(index).toLowerCase()
      if (name === 'x-id') ids.push(head.value(index))
      isEarly ||= name === 'x-early'
    }
    const { method, keepAlive } = head
    const target = head.target()
    this.requests.push({ method, target, ids, keepAlive, isEarly, digest: '', isComplete: false })
    this.#body = createHash('sha256')
  }

  onData(buffer: Buffer, from: number, to: number): void {
    this.#body.update(buffer.subarray(from, to))
  }

  onTrailers(): void {}

  onEnd(): void {
    const request = this.requests[this.requests.length - 1]
    request.isComplete = true
    request.digest = this.#body.digest('hex')
  }

  onError(error: Http1Error): void {
    this.error = error
  }
}

/** An application that accepts nothing but strict HTTP, and answers each request with the word for what it has read. */
export class StrictApp {
  /** Since the last look. */
  seen: Read[] = []
  /** Bytes that were no request. */
  errors: string[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket) => this.#serve(socket))
  }

  static async start(): Promise<StrictApp> {
    const server = createServer({ noDelay: true })
    const app = new StrictApp(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return app
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => {})
    const reader = new Reader()
    let answered = 0
    socket.on('data', (bytes) => {
      reader.push(bytes)
      if (reader.error !== null) {
        this.errors.push(
          `${reader.error.message} in ${JSON.stringify(bytes.toString('latin1').slice(0, 1000))}`,
        )
        socket.destroy()
        return
      }
      for (; isAnswerable(reader.requests[answered]); answered++) {
        const request = reader.requests[answered]
        this.seen.push(request)
        const word = wordOf(request)
        // Each way to frame an answer in turn; the word is in a field as well, for HEAD.
        const isChunked = word < '8'
        const framing = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${word.length}`
        const body = isChunked ? `${word.length.toString(16)}\r\n${word}\r\n0\r\n\r\n` : word
        socket.write(
          `HTTP/1.1 200 OK\r\nX-Word: ${word}\r\n${framing}\r\n\r\n${request.method === 'HEAD' ? '' : body}`,
        )
      }
    })
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
