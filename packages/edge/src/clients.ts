import { createServer, type Server } from 'node:net'
import { formatAddress, parseAddress } from './address.ts'
import { ClientConnection } from './forward/client-connection.ts'
import type { Shared } from './forward/shared.ts'
import { listen } from './listen.ts'

/** Clients that connect in a burst wait in the kernel, not in refusals. */
const BACKLOG = 4096
/** What a machine without IPv6 says. */
const NO_IPV6: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL'])

/** The listeners for clients, and their connections. */
export class Clients {
  readonly #shared: Shared
  readonly #servers: Server[] = []
  readonly #connections = new Set<ClientConnection>()
  readonly #forget = (connection: ClientConnection) => {
    this.#connections.delete(connection)
    if (this.#connections.size === 0) this.#onEmpty?.()
  }
  #onEmpty: (() => void) | null = null

  constructor(shared: Shared) {
    this.#shared = shared
  }

  get count(): number {
    return this.#connections.size
  }

  /**
   * `localhost:8080`, or the port alone, means both loopback addresses; a machine without IPv6 has one.
   * @returns the address it got. @throws BrxyError `edge/bad-address`, `edge/address-in-use`
   */
  async listen(text: string): Promise<string> {
    const { host, port } = parseAddress(text)
    if (host !== undefined && host !== 'localhost') return this.#listen(text)
    if (host === undefined && text.startsWith(':')) return this.#listen(text)
    const bound = parseAddress(await this.#listen(formatAddress('127.0.0.1', port)))
    try {
      await this.#listen(formatAddress('::1', bound.port))
    } catch (error) {
      const cause = (error as { cause?: NodeJS.ErrnoException }).cause?.code ?? ''
      // A port that the kernel chose may be taken on the other address; one that was asked for may not.
      if (!NO_IPV6.has(cause) && port !== 0) throw error
    }
    return formatAddress('localhost', bound.port)
  }

  async #listen(address: string): Promise<string> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    server.on('connection', (socket) => {
      if (this.#connections.size >= this.#shared.options.maxConnections) return socket.destroy()
      this.#connections.add(new ClientConnection(socket, this.#shared, this.#forget))
    })
    const onError = (error: Error) => this.#shared.emit({ type: 'bug', error })
    const bound = await listen(server, address, onError, { backlog: BACKLOG })
    this.#servers.push(server)
    return bound
  }

  /** Accepts no more; idle connections close now, busy ones after their response. Resolves when all are gone. */
  async drain(): Promise<void> {
    for (const server of this.#servers) server.close()
    for (const connection of this.#connections) connection.drain()
    if (this.#connections.size === 0) return
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve
    })
  }

  /** Ends what is left. */
  destroy(): void {
    for (const server of this.#servers) server.close()
    for (const connection of this.#connections) connection.destroy()
  }
}
