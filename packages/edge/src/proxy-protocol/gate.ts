import type { Socket } from 'node:net'
import { BrxyError } from '@brxy/protocol'
import { formatAddress } from '../address.ts'
import { Peer } from '../forward/peer.ts'
import type { Shared } from '../forward/shared.ts'
import { Throttle } from '../throttle.ts'
import type { ProxyHeader } from './header.ts'
import { ProxyReception } from './reception.ts'

/** Anybody can connect and send nonsense: so often is it told. */
const TOLD_EVERY_MS = 10_000

/**
 * Where connections of listeners with `proxyProtocol` come by. Each begins with a PROXY header, of a peer that
 * `trustedProxies` has, within `timeouts.headMs`; every other one is closed, for a header that anybody can write must
 * not be believed, and is no HTTP.
 */
export class ProxyGate {
  readonly #shared: Shared
  readonly #waiting = new Set<Socket>()
  readonly #throttle = new Throttle(TOLD_EVERY_MS)

  constructor(shared: Shared) {
    this.#shared = shared
  }

  /** Connections whose header has not come yet. */
  get count(): number {
    return this.#waiting.size
  }

  /**
   * Reads the header of a new connection.
   * @param onPeer hears whose connection it is; the socket is paused, and what came behind the header is in it
   */
  admit(socket: Socket, onPeer: (peer: Peer) => void): void {
    // A health check that ended by RST before it was accepted: nobody is there, and nothing is known of him.
    if (socket.remoteAddress === undefined) return void socket.destroy()
    const self = Peer.of(socket)
    const listener = formatAddress(socket.localAddress ?? '', socket.localPort ?? 0)
    const { trustedProxies, options, wheel } = this.#shared
    if (!trustedProxies.has(self.address)) {
      const remedy = 'only proxies in trustedProxies may connect to a listener with proxyProtocol'
      return this.#refuse(socket, self, listener, new BrxyError('edge/untrusted-proxy', remedy))
    }
    this.#waiting.add(socket)
    new ProxyReception(socket, wheel, options.timeouts.headMs, {
      onHeader: (header) => {
        this.#waiting.delete(socket)
        this.#contain(socket, () => onPeer(peerOf(header, self)))
      },
      onFailed: (error) => {
        this.#waiting.delete(socket)
        this.#refuse(socket, self, listener, error)
      },
    })
  }

  /** Ends those that wait. */
  destroy(): void {
    for (const socket of this.#waiting) socket.destroy()
  }

  #refuse(socket: Socket, { address }: Peer, listener: string, error: BrxyError | null): void {
    // What it says next is of no interest, nor that it is gone.
    socket.on('error', () => {})
    socket.destroy()
    if (error === null) return
    const leftOut = this.#throttle.pass(this.#shared.wheel.now())
    if (leftOut < 0) return
    const { code, message } = error
    this.#shared.emit({ type: 'connection-refused', listener, peer: address, code, message, leftOut })
  }

  /** A bug of ours ends one connection and nothing else. */
  #contain(socket: Socket, call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#shared.emit({ type: 'bug', error })
      socket.destroy()
    }
  }
}

function peerOf(header: ProxyHeader, self: Peer): Peer {
  switch (header.kind) {
    case 'client':
      return Peer.named(header.addresses)
    case 'unnamed':
      return self.asStandIn()
    case 'local':
      return self.asProbe()
  }
}
