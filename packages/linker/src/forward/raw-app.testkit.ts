import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { until } from '../app/processes.testkit.ts'

/** An application that says exactly the bytes a test wants. Connections without a request (probes) are not counted. */
export class RawApp {
  /** Those that have sent something, in the order of their first byte. */
  readonly connections: RawConnection[] = []
  readonly errors: unknown[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(
    server: Server,
    serve: (connection: RawConnection) => Promise<void>,
    speaksFirst: boolean,
  ) {
    this.#server = server
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      socket.on('error', () => {})
      const begin = (data: Buffer) => {
        const connection = new RawConnection(socket, data)
        this.connections.push(connection)
        serve(connection).catch((error) => this.errors.push(error))
      }
      if (speaksFirst) begin(Buffer.alloc(0))
      else socket.once('data', begin)
    })
  }

  /**
   * @param serve what it does with each connection; it ends when the linker has closed it
   * @param speaksFirst it does not wait for a first byte; then probes count as connections
   */
  static async start(
    serve: (connection: RawConnection) => Promise<void>,
    port = 0,
    speaksFirst = false,
  ): Promise<RawApp> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    const app = new RawApp(server, serve, speaksFirst)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
    return app
  }

  /** Answers every request of every connection with these bytes. */
  static answering(...answers: string[]): Promise<RawApp> {
    let at = 0
    return RawApp.start(async (connection) => {
      while ((await connection.head()) !== null) connection.write(answers[at++ % answers.length] as string)
    })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** One connection as the application sees it. */
export class RawConnection {
  readonly socket: Socket
  /** Everything that came. */
  received: string
  /** What a FIN or RST said: '' before. */
  ending: '' | 'fin' | 'closed' = ''
  /** The code of the error that ended it, '' if there was none. */
  error = ''
  #read = 0
  #wake: () => void = () => {}

  constructor(socket: Socket, first: Buffer) {
    this.socket = socket
    this.received = first.toString('latin1')
    socket.on('data', (data) => {
      this.received += data.toString('latin1')
      this.#wake()
    })
    socket.on('end', () => {
      this.ending = 'fin'
      this.#wake()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code ?? error.message
    })
    socket.on('close', () => {
      this.ending = 'closed'
      this.#wake()
    })
  }

  /** What came and was not read. */
  get unread(): string {
    return this.received.slice(this.#read)
  }

  /** The next head, or null at the end of the connection. */
  head(): Promise<string | null> {
    return this.#take(() => {
      const end = this.unread.indexOf('\r\n\r\n')
      return end < 0 ? 0 : end + 4
    })
  }

  /** The next `count` bytes, or null at the end of the connection. */
  bytes(count: number): Promise<string | null> {
    if (count === 0) return Promise.resolve('')
    return this.#take(() => (this.received.length - this.#read < count ? 0 : count))
  }

  write(text: string): void {
    if (!this.socket.destroyed) this.socket.write(text, 'latin1')
  }

  end(text = ''): void {
    this.socket.end(text, 'latin1')
  }

  reset(): void {
    this.socket.resetAndDestroy()
  }

  /** Resolves when the linker has closed it, at least its direction. */
  closed(): Promise<void> {
    return until('the linker closes the connection', () => this.ending !== '')
  }

  /** Resolves when it is over in both directions. @returns the code of its error, '' if there was none */
  async gone(): Promise<string> {
    await until('the connection is over', () => this.socket.destroyed && this.ending === 'closed')
    return this.error
  }

  async #take(available: () => number): Promise<string | null> {
    for (;;) {
      const count = available()
      if (count > 0) {
        const text = this.received.slice(this.#read, this.#read + count)
        this.#read += count
        return text
      }
      if (this.ending !== '') return null
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}
