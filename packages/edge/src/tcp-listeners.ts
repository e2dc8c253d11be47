import { createServer, type Socket } from 'node:net'
import { parseAddress } from './address.ts'
import type { App } from './app.ts'
import type { ClientErrorCode } from './error.ts'
import { cut } from './forward/opaque-socket.ts'
import { Peer } from './forward/peer.ts'
import type { Shared } from './forward/shared.ts'
import { TcpExchange } from './forward/tcp-exchange.ts'
import { listen } from './listen.ts'
import { type Bound, type Change, Listeners } from './listeners.ts'
import { LiveSet } from './live-set.ts'
import { openAt } from './loopback.ts'
import { ProxyGate } from './proxy-protocol/gate.ts'
import type { EdgeSettings } from './settings.ts'

/** Clients that connect in a burst wait in the kernel, not in refusals. */
const BACKLOG = 4096

/** Finds the app of a listener. */
export interface TcpRouter {
  forRoute(route: string): App | ClientErrorCode
}

/** The ports of the TCP apps, and the connections of their clients: whoever connects to the one is for the other. */
export class TcpListeners {
  readonly #listeners = new Listeners((key) => openAt(bindOf(key), (address) => this.#listen(key, address)))
  readonly #shared: Shared
  readonly #router: TcpRouter
  /** Of clients that count towards the same bound. */
  readonly #otherCount: () => number
  /** Names of the apps, by the key of their listener. */
  #routes = new Map<string, string>()
  readonly #exchanges = new LiveSet<TcpExchange>()
  readonly #gate: ProxyGate

  constructor(shared: Shared, router: TcpRouter, otherCount: () => number) {
    this.#shared = shared
    this.#gate = new ProxyGate(shared)
    this.#router = router
    this.#otherCount = otherCount
  }

  /** Connections of clients. */
  get count(): number {
    return this.#exchanges.size + this.#gate.count
  }

  /** Where each app is, by its name. */
  get addresses(): Readonly<Record<string, string>> {
    const { addresses } = this.#listeners
    return Object.fromEntries([...this.#routes.values()].map((route, at) => [route, addresses[at]]))
  }

  /** Opens what is new and keeps the rest; see {@link Listeners.change}. An app may take an address over from another. */
  async change({ apps }: EdgeSettings): Promise<Change> {
    const routes = new Map<string, string>()
    for (const { name, options } of apps.values())
      if (options.tcp !== undefined) routes.set(keyOf(options.tcp.bind, name), name)
    const { commit, rollback } = await this.#listeners.change([...routes.keys()])
    return {
      commit: () => {
        commit()
        this.#routes = routes
      },
      rollback,
    }
  }

  /** Accepts no more. Resolves when all connections are gone, which nobody hurries; held ones are their app's to refuse. */
  async drain(): Promise<void> {
    this.#listeners.close()
    await this.#exchanges.whenEmpty()
  }

  /** Ends what is left. */
  destroy(): void {
    this.#listeners.close()
    for (const exchange of this.#exchanges) exchange.destroy()
    this.#gate.destroy()
  }

  async #listen(key: string, at: string): Promise<Bound> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    const place = { target: '' }
    server.on('connection', (socket) => this.#onConnection(socket, key, place))
    const onError = (error: Error) => this.#shared.emit({ type: 'bug', error })
    const address = await listen(server, at, onError, { backlog: BACKLOG })
    place.target = address
    // What was accepted goes on.
    return { address, close: () => void server.close() }
  }

  #onConnection(socket: Socket, key: string, place: { readonly target: string }): void {
    // Between its accept and here a client may have gone: what that says is of no interest.
    socket.on('error', () => {})
    try {
      const app = this.#appOf(key)
      const isFull = this.count + this.#otherCount() >= this.#shared.options.limits.connections
      if (app === null || isFull) return cut(socket)
      if (app.settings.options.tcp?.proxyProtocol !== true)
        return this.#serve(socket, Peer.of(socket), app, place)
      this.#gate.admit(socket, (peer) => {
        // It may be another one by now, or none.
        const now = this.#appOf(key)
        if (now === null) return cut(socket)
        this.#serve(socket, peer, now, place)
        socket.resume()
      })
    } catch (error) {
      // It ends this connection and nothing else.
      this.#shared.emit({ type: 'bug', error })
      cut(socket)
    }
  }

  /** Whose listener it is now; null if nobody is served there. */
  #appOf(key: string): App | null {
    const route = this.#routes.get(key)
    const app = route === undefined ? 'edge/no-app' : this.#router.forRoute(route)
    return typeof app === 'string' || this.#shared.isDraining ? null : app
  }

  #serve(socket: Socket, peer: Peer, app: App, place: { readonly target: string }): void {
    const exchange = new TcpExchange(socket, peer, app, this.#shared, place, this.#forget)
    this.#exchanges.add(exchange)
    app.submit(exchange)
  }

  readonly #forget = (exchange: TcpExchange) => void this.#exchanges.delete(exchange)
}

/** An address is one listener, whose app may change; of a port that the kernel chooses each app has its own. */
function keyOf(bind: string, route: string): string {
  return parseAddress(bind).port === 0 ? `${bind} ${route}` : bind
}

function bindOf(key: string): string {
  return key.split(' ', 1)[0]
}
