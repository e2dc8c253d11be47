import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP proxy before the API server, by which the adapters under test reach it: it can refuse, fall silent and cut. */
export class ApiRelay {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** What becomes of new connections. */
  #mode: 'open' | 'refused' | 'silent' = 'open'

  private constructor(target: number) {
    this.#server = createServer((client) => {
      if (this.#mode === 'refused') return client.destroy()
      const api = connect(target, '127.0.0.1')
      this.#carry(client, api)
      this.#carry(api, client)
      if (this.#mode === 'silent') this.#pause()
    })
  }

  static async start(target: number): Promise<ApiRelay> {
    const relay = new ApiRelay(target)
    relay.#server.listen(0, '127.0.0.1')
    await once(relay.#server, 'listening')
    return relay
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Cuts what goes through it now. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** @returns what ends it */
  fail(mode: 'refused' | 'silent'): () => Promise<void> {
    this.#mode = mode
    if (mode === 'refused') this.cut()
    else this.#pause()
    return async () => {
      this.#mode = 'open'
      this.cut()
    }
  }

  async close(): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #pause(): void {
    for (const socket of this.#sockets) socket.pause()
  }

  #carry(from: Socket, to: Socket): void {
    this.#sockets.add(from)
    from.on('error', () => to.destroy())
    from.on('close', () => {
      this.#sockets.delete(from)
      to.destroy()
    })
    from.pipe(to)
  }
}
