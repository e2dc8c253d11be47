import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP proxy on the way to a server, which can keep back what the server says, and cut the connections. */
export class Gate {
  /** `127.0.0.1:port` of the proxy. */
  readonly address: string
  readonly #sockets = new Set<Socket>()
  readonly #kept: { readonly to: Socket; readonly data: Buffer }[] = []
  readonly #close: () => void
  #isShut = false

  private constructor(address: string, close: () => void) {
    this.address = address
    this.#close = close
  }

  /** @param target `host:port` */
  static async open(target: string): Promise<Gate> {
    const [host, port] = target.split(':')
    const server = createServer((client) => gate.#relay(client, connect(Number(port), host)))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const gate: Gate = new Gate(`127.0.0.1:${(server.address() as AddressInfo).port}`, () => server.close())
    return gate
  }

  /** From now on only the first chunk of each new connection comes through, an answer to its handshake. */
  shut(): void {
    this.#isShut = true
  }

  /** How much waits. */
  get keptBytes(): number {
    return this.#kept.reduce((sum, { data }) => sum + data.length, 0)
  }

  /** Lets all of it through, and what follows. */
  reopen(): void {
    this.#isShut = false
    for (const { to, data } of this.#kept.splice(0)) to.write(data)
  }

  /** Every connection is gone, with all that was kept; those to come are let through. */
  cut(): void {
    this.#isShut = false
    this.#kept.length = 0
    for (const socket of this.#sockets) socket.destroy()
  }

  close(): void {
    this.#close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #relay(client: Socket, server: Socket): void {
    let isFirst = true
    server.on('data', (data) => {
      if (this.#isShut && !isFirst) this.#kept.push({ to: client, data })
      else client.write(data)
      isFirst = false
    })
    client.on('data', (data) => server.write(data))
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ]) {
      this.#sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
  }
}
