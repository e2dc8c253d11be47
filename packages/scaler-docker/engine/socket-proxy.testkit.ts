import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** Between the adapter and the Engine, to have the Engine go away without harm to it. */
export class SocketProxy {
  readonly path: string
  readonly #target: string
  readonly #sockets = new Set<Socket>()
  #server: Server | null = null
  #isSilent = false

  constructor(path: string, target: string) {
    this.path = path
    this.#target = target
  }

  async open(): Promise<void> {
    if (existsSync(this.path)) rmSync(this.path)
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      this.#keep(client)
      if (this.#isSilent) return
      const engine = this.#keep(connect({ path: this.#target, allowHalfOpen: true }))
      client.pipe(engine)
      engine.pipe(client)
      client.on('close', () => engine.destroy())
      engine.on('close', () => client.destroy())
    })
    this.#server.listen(this.path)
    await once(this.#server, 'listening')
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.cut()
    if (this.#server === null) return
    this.#server.close()
    await once(this.#server, 'close')
    this.#server = null
  }

  /** refused: nobody listens. silent: connections are accepted, and nothing is answered. @returns what ends it */
  async outage(kind: 'refused' | 'silent'): Promise<() => Promise<void>> {
    if (kind === 'silent') {
      this.#isSilent = true
      this.cut()
      return async () => {
        this.#isSilent = false
        this.cut()
      }
    }
    await this.close()
    return () => this.open()
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    return socket
  }
}
