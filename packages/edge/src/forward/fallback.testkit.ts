import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { eventually } from '../eventually.testkit.ts'

/** A server that says exactly the bytes a test wants. */
export class RawServer {
  /** In the order in which they were accepted. */
  readonly connections: RawConnection[] = []
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket) => this.connections.push(new RawConnection(socket)))
  }

  static async start(): Promise<RawServer> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    const raw = new RawServer(server)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', resolve)
    })
    return raw
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Resolves with connection `at` when it has sent a whole head. */
  async request(at = 0): Promise<RawConnection> {
    return eventually(`request ${at}`, () => {
      const connection = this.connections[at]
      return connection?.text.includes('\r\n\r\n') ? connection : undefined
    })
  }

  async close(): Promise<void> {
    for (const { socket } of this.connections) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** One connection as the server sees it. */
export class RawConnection {
  readonly socket: Socket
  /** Everything that came, as Latin-1. */
  text = ''
  isClosed = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (data) => {
      this.text += data.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    socket.on('close', () => {
      this.isClosed = true
    })
  }

  get head(): string {
    return this.text.slice(0, this.text.indexOf('\r\n\r\n') + 4)
  }

  get body(): string {
    return this.text.slice(this.text.indexOf('\r\n\r\n') + 4)
  }

  /** Resolves when so much of the body has come. */
  async untilBody(body: string): Promise<void> {
    await eventually(`body ${body}`, () => this.body === body)
  }

  async untilClosed(): Promise<void> {
    await eventually('the end of the connection', () => this.isClosed)
  }

  send(text: string | Buffer): void {
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text)
  }
}
