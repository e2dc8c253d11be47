import { once } from 'node:events'
import { type Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** What stands between adapters and an agent, so that tests can take the agent away, and refuse single requests. */
export class Front {
  readonly #target: URL
  readonly #server = createServer((asked, answer) => this.#pass(asked, answer))
  readonly #sockets = new Set<Socket>()
  #port = 0
  #isSilent = false
  /** Requests whose URL has one of these in it are refused. */
  readonly refused = new Set<string>()

  private constructor(target: string) {
    this.#target = new URL(target)
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  static async open(target: string): Promise<Front> {
    const front = new Front(target)
    await front.#listen()
    return front
  }

  get address(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Connections are refused, or accepted and never answered, until the function that comes back is called. */
  async outage(kind: 'refused' | 'silent'): Promise<() => Promise<void>> {
    this.#isSilent = kind === 'silent'
    if (kind === 'refused') this.#server.close()
    this.cut()
    return async () => {
      this.#isSilent = false
      this.cut()
      if (kind === 'refused') await this.#listen()
    }
  }

  /** Whoever is connected, is so no more. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  close(): void {
    this.#server.close()
    this.cut()
  }

  async #listen(): Promise<void> {
    await once(this.#server.listen(this.#port, '127.0.0.1'), 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  #pass(asked: IncomingMessage, answer: ServerResponse): void {
    if (this.#isSilent) return
    const { url = '', method, headers } = asked
    if ([...this.refused].some((part) => url.includes(part))) {
      answer.writeHead(500).end('refused by a sentinel')
      return
    }
    const { hostname, port } = this.#target
    const agent: Agent | false = false
    const onward = request({ hostname, port, path: url, method, headers, agent }, (came) => {
      answer.writeHead(came.statusCode ?? 502, came.headers)
      came.pipe(answer)
      came.once('error', () => answer.destroy())
    })
    onward.once('error', () => answer.destroy())
    answer.once('close', () => onward.destroy())
    asked.pipe(onward)
  }
}
