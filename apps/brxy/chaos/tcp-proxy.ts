import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** What stops to be carried: the bytes of who dialled, or those of whom it dialled. */
export type Direction = 'from the dialler' | 'to the dialler'

/** A TCP proxy that can stop to carry bytes and their ends, as a network does that loses every packet and says nothing. */
export class TcpProxy {
  /** Where it listens. */
  port = 0
  readonly #server: Server
  readonly #carried = new Map<Socket, Direction>()
  readonly #holes = new Set<Direction>()

  private constructor(target: number) {
    this.#server = createServer({ allowHalfOpen: true }, (dialler) => {
      const dialled = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true })
      this.#carry(dialler, dialled, 'from the dialler')
      this.#carry(dialled, dialler, 'to the dialler')
    })
  }

  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    proxy.port = (proxy.#server.address() as AddressInfo).port
    return proxy
  }

  #carry(from: Socket, to: Socket, direction: Direction): void {
    this.#carried.set(from, direction)
    from.on('error', () => to.destroy())
    from.on('data', (data) => to.write(data))
    from.on('end', () => to.end())
    from.on('close', () => this.#carried.delete(from))
    if (this.#holes.has(direction)) from.pause()
  }

  /** Nothing gets through in that direction. */
  stall(direction: Direction): void {
    this.#holes.add(direction)
    for (const [socket, its] of this.#carried) if (its === direction) socket.pause()
  }

  /** All that waited gets through: TCP sends again what was lost. */
  heal(): void {
    this.#holes.clear()
    for (const socket of this.#carried.keys()) socket.resume()
  }

  /** Cuts what goes through it now. */
  cut(): void {
    for (const socket of this.#carried.keys()) socket.destroy()
  }

  async close(): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
