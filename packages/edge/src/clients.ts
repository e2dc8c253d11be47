import { createServer, type Server, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { parseAddress } from './address.ts'
import { ClientConnection } from './forward/client-connection.ts'
import { Http2Connection } from './forward/http2/http2-connection.ts'
import { watchForPreface } from './forward/http2/preface.ts'
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
  readonly http2: boolean
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

  #useOf(server: Server, { isRedirect, proxyProtocol, http2, tls }: ListenSettings): Use {
    const onSecure = (socket: TLSSocket, tcp: Socket | null) => {
      const peer = proxyProtocol ? this.#peers.get(tcp ?? socket) : Peer.of(socket)
      // Better no answer than one to a client that is taken for its proxy.
      if (peer === undefined || this.#shared.isDraining) socket.destroy()
      else if (socket.alpnProtocol === 'h2') this.#serveHttp2(socket, server, peer)
      else this.#serve(socket, server, peer)
    }
    const protocols = http2 ? ['h2', 'http/1.1'] : ['http/1.1']
    const handler = { onSecure, plainAnswer: PLAIN_ANSWER, protocols }
    return { isRedirect, proxyProtocol, http2, front: tls === null ? null : new TlsFront(tls, handler) }
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
  #begin(socket: Socket, server: Server, { isRedirect, http2, front }: Use, named: Peer | null): void {
    // It may have taken its time for a PROXY header.
    if (this.#shared.isDraining) return void socket.destroy()
    if (front !== null) return front.accept(socket)
    const peer = named ?? Peer.of(socket)
    if (isRedirect) {
      const port = () => this.#securePort
      this.#add(new RedirectConnection(socket, server, this.#shared, port, this.#forget))
    } else if (http2) {
      this.#serveEither(socket, server, peer)
    } else {
      this.#serve(socket, server, peer)
    }
  }

  /** HTTP/1, unless the client's first bytes are those of HTTP/2 (RFC 9113 3.3). */
  #serveEither(socket: Socket, server: Server, peer: Peer): void {
    watchForPreface(socket, (read) => {
      if (this.#shared.isDraining || !connection.cede()) return
      socket.unshift(read)
      this.#serveHttp2(socket, server, peer)
      this.#forget(connection)
    })
    const connection = this.#serve(socket, server, peer)
  }

  #serve(socket: Socket, server: Server, peer: Peer): ClientConnection {
    return this.#add(new ClientConnection(socket, server, peer, this.#shared, this.#forget))
  }

  #serveHttp2(socket: Socket, server: Server, peer: Peer): void {
    this.#add(new Http2Connection(socket, server, peer, this.#shared, this.#forget))
  }

  #add<C extends Connection>(connection: C): C {
    this.#connections.add(connection)
    // Its listener may have gone during the handshake.
    if (!connection.server.listening) connection.retire()
    return connection
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
