import { createServer, type Server, type Socket } from 'node:net'
import { parseAddress } from './address.ts'
import { ClientConnection } from './forward/client-connection.ts'
import { Peer } from './forward/peer.ts'
import type { Shared } from './forward/shared.ts'
import { listen } from './listen.ts'
import { type Bound, type Change, Listeners } from './listeners.ts'
import { LiveSet } from './live-set.ts'
import { openAt } from './loopback.ts'
import { ProxyGate } from './proxy-protocol/gate.ts'
import { RedirectConnection } from './tls/redirect.ts'
import type { ListenSettings } from './tls/settings.ts'
import { TlsFront } from './tls/tls-front.ts'

/** Clients that connect in a burst wait in the kernel, not in refusals. */
const BACKLOG = 4096
const PLAIN_TEXT = 'This port speaks TLS: the address begins with https.\n'
const PLAIN_ANSWER = Buffer.from(
  `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: ${PLAIN_TEXT.length}\r\nConnection: close\r\n\r\n${PLAIN_TEXT}`,
)

/** What becomes of what a listener accepts; a reload may change it. */
interface Use {
  readonly isRedirect: boolean
  readonly proxyProtocol: boolean
  readonly front: TlsFront | null
}

/** A connection on which HTTP is spoken. */
interface Connection {
  /** The listener that it came by. */
  readonly server: Server
  drain(): void
  retire(): void
  destroy(): void
}

/** The listeners for clients, and their connections. */
export class Clients {
  readonly listeners: Listeners<ListenSettings> = new Listeners((bind, settings) =>
    this.#open(bind, settings),
  )
  readonly #shared: Shared
  /** All that was accepted, those in a TLS handshake too. */
  readonly #sockets = new Set<Socket>()
  readonly #connections = new LiveSet<Connection>()
  readonly #gate: ProxyGate
  /** Whose connections they are, under TLS, for those that a proxy named. */
  readonly #peers = new WeakMap<Socket, Peer>()
  /** Where redirects lead. */
  #securePort = 0

  constructor(shared: Shared) {
    this.#shared = shared
    this.#gate = new ProxyGate(shared)
  }

  get count(): number {
    return this.#sockets.size
  }

  /**
   * Opens what is new and keeps the rest; see {@link Listeners.change}. A port that stays has its new certificates, or
   * something else to do, with the next connection.
   */
  async change(listen: readonly ListenSettings[]): Promise<Change> {
    const binds = listen.map(({ bind }) => bind)
    const { commit, rollback } = await this.listeners.change(binds, listen)
    return {
      commit: () => {
        commit()
        const secure = listen.findIndex(({ tls }) => tls !== null)
        if (secure >= 0) this.#securePort = parseAddress(this.listeners.addresses[secure]).port
      },
      rollback,
    }
  }

  async #open(bind: string, settings: ListenSettings): Promise<Bound<ListenSettings>> {
    const servers = new Set<Server>()
    const uses = new Map<Server, Use>()
    const use = (next: ListenSettings) => {
      for (const server of servers) uses.set(server, this.#useOf(server, next))
    }
    const { address, close } = await openAt(bind, async (at) => {
      const server = createServer({ allowHalfOpen: true, noDelay: true })
      servers.add(server)
      uses.set(server, this.#useOf(server, settings))
      server.on('connection', (socket) => this.#accept(socket, server, uses.get(server) as Use))
      const onError = (error: Error) => this.#shared.emit({ type: 'bug', error })
      return { address: await listen(server, at, onError, { backlog: BACKLOG }), close: () => server.close() }
    })
    return {
      address,
      use,
      close: () => {
        close()
        // Their clients are told with the next response; to cut an idle one would race with its next request.
        for (const connection of this.#connections) if (servers.has(connection.server)) connection.retire()
      },
    }
  }

  #useOf(server: Server, { isRedirect, proxyProtocol, tls }: ListenSettings): Use {
    const onSecure = (socket: Socket, tcp: Socket | null) => {
      const peer = proxyProtocol ? this.#peers.get(tcp ?? socket) : Peer.of(socket)
      // Better no answer than one to a client that is taken for its proxy.
      if (peer === undefined) socket.destroy()
      else this.#serve(socket, server, peer)
    }
    return {
      isRedirect,
      proxyProtocol,
      front: tls === null ? null : new TlsFront(tls, { onSecure, plainAnswer: PLAIN_ANSWER }),
    }
  }

  #accept(socket: Socket, server: Server, use: Use): void {
    if (this.#sockets.size >= this.#shared.options.limits.connections) return void socket.destroy()
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    if (!use.proxyProtocol) return this.#begin(socket, server, use, null)
    this.#gate.admit(socket, (peer) => {
      this.#peers.set(socket, peer)
      this.#begin(socket, server, use, peer)
      // TLS reads by itself.
      if (use.front === null) socket.resume()
    })
  }

  /** @param named by a proxy in front; null: the peer of the socket */
  #begin(socket: Socket, server: Server, { isRedirect, front }: Use, named: Peer | null): void {
    if (front !== null) return front.accept(socket)
    if (!isRedirect) return this.#serve(socket, server, named ?? Peer.of(socket))
    const port = () => this.#securePort
    this.#connections.add(new RedirectConnection(socket, server, this.#shared, port, this.#forget))
  }

  #serve(socket: Socket, server: Server, peer: Peer): void {
    if (this.#shared.isDraining) return void socket.destroy()
    const connection = new ClientConnection(socket, server, peer, this.#shared, this.#forget)
    // Its listener may have gone during the handshake.
    if (!server.listening) connection.retire()
    this.#connections.add(connection)
  }

  readonly #forget = (connection: Connection) => void this.#connections.delete(connection)

  /** Accepts no more; idle connections close now, busy ones after their response. Resolves when all are gone. */
  async drain(): Promise<void> {
    this.listeners.close()
    for (const connection of this.#connections) connection.drain()
    await this.#connections.whenEmpty()
  }

  /** Ends what is left. */
  destroy(): void {
    this.listeners.close()
    for (const connection of this.#connections) connection.destroy()
    for (const socket of this.#sockets) socket.destroy()
  }
}
