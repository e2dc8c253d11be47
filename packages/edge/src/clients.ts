import { createServer, type Server } from 'node:net'
import { formatAddress, parseAddress } from './address.ts'
import { ClientConnection } from './forward/client-connection.ts'
import type { Shared } from './forward/shared.ts'
import { listen } from './listen.ts'
import { type Bound, Listeners } from './listeners.ts'

/** Clients that connect in a burst wait in the kernel, not in refusals. */
const BACKLOG = 4096
/** What a machine without IPv6 says. */
const NO_IPV6: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL'])

/** The listeners for clients, and their connections. */
export class Clients {
  /** `localhost:8080`, or the port alone, means both loopback addresses; a machine without IPv6 has one. */
  readonly listeners = new Listeners((bind) => this.#open(bind))
  readonly #shared: Shared
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

  async #open(bind: string): Promise<Bound> {
    const { host, port } = parseAddress(bind)
    const isBoth = host === 'localhost' || (host === undefined && !bind.startsWith(':'))
    if (!isBoth) return this.#bound([await this.#listen(bind)])
    const servers = [await this.#listen(formatAddress('127.0.0.1', port))]
    const bound = parseAddress(servers[0].address)
    try {
      servers.push(await this.#listen(formatAddress('::1', bound.port)))
    } catch (error) {
      const cause = (error as { cause?: NodeJS.ErrnoException }).cause?.code ?? ''
      // A port that the kernel chose may be taken on the other address; one that was asked for may not.
      if (!NO_IPV6.has(cause) && port !== 0) {
        servers[0].server.close()
        throw error
      }
    }
    return this.#bound(servers, formatAddress('localhost', bound.port))
  }

  #bound(servers: readonly { server: Server; address: string }[], address = servers[0].address): Bound {
    const own = new Set(servers.map(({ server }) => server))
    return {
      address,
      close: () => {
        for (const server of own) server.close()
        // Their clients are told with the next response; to cut an idle one would race with its next request.
        for (const connection of this.#connections) if (own.has(connection.server)) connection.retire()
      },
    }
  }

  async #listen(address: string): Promise<{ server: Server; address: string }> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    server.on('connection', (socket) => {
      if (this.#connections.size >= this.#shared.options.limits.connections) return socket.destroy()
      this.#connections.add(new ClientConnection(socket, server, this.#shared, this.#forget))
    })
    const onError = (error: Error) => this.#shared.emit({ type: 'bug', error })
    return { server, address: await listen(server, address, onError, { backlog: BACKLOG }) }
  }

  /** Accepts no more; idle connections close now, busy ones after their response. Resolves when all are gone. */
  async drain(): Promise<void> {
    this.listeners.close()
    for (const connection of this.#connections) connection.drain()
    if (this.#connections.size === 0) return
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve
    })
  }

  /** Ends what is left. */
  destroy(): void {
    this.listeners.close()
    for (const connection of this.#connections) connection.destroy()
  }
}
