import { EventEmitter } from 'node:events'
import { theWorld } from '../machine/globals.ts'
import type { Listener } from '../network/network.ts'
import { SimSocket, systemError } from './socket.ts'

interface ServerOptions {
  readonly allowHalfOpen?: boolean
}

/** A net.Server on the simulated network. */
export class Server extends EventEmitter {
  maxConnections = Number.POSITIVE_INFINITY
  readonly #options: ServerOptions
  #listener: Listener | null = null

  constructor(options: ServerOptions = {}) {
    super()
    this.#options = options
  }

  get listening(): boolean {
    return this.#listener !== null
  }

  listen({ port, host }: { readonly port: number; readonly host?: string }, onListening: () => void): this {
    const world = theWorld()
    const { current: owner } = world
    if (owner === null) throw new Error('somebody outside of the world listens')
    this.once('listening', onListening)
    world.tick(() => {
      const address = `${host ?? owner.host}:${port}`
      this.#listener = world.network.listen(owner, address, (endpoint) => {
        const socket = new SimSocket(this.#options).attach(endpoint)
        if (!this.listening) socket.resetAndDestroy()
        else this.emit('connection', socket)
      })
      if (this.#listener !== null) this.emit('listening')
      else this.emit('error', systemError('EADDRINUSE', `listen EADDRINUSE: ${address}`))
    })
    return this
  }

  address(): { readonly address: string; readonly port: number; readonly family: string } | null {
    if (this.#listener === null) return null
    const [address, port] = this.#listener.address.split(':')
    return { address, port: Number(port), family: 'IPv4' }
  }

  close(): this {
    if (this.#listener !== null) theWorld().network.close(this.#listener)
    this.#listener = null
    return this
  }

  // An http.Server has these two, and the simulated one keeps no connections.
  closeAllConnections(): void {}
  closeIdleConnections(): void {}
}

/** As net.createServer(). */
export function createServer(options: ServerOptions = {}): Server {
  return new Server(options)
}
