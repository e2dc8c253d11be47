import { connect, type Socket } from 'node:net'
import { eventually } from './eventually.testkit.ts'

/** A client that sends the bytes it is told to and keeps those that come back. */
export class RawClient {
  readonly socket: Socket
  /** Bytes received so far. */
  receivedBytes = 0
  /** How the connection ended: by FIN, or by RST. */
  end: 'fin' | 'reset' | null = null
  readonly #chunks: Buffer[] = []
  #at = 0

  constructor(port: number, host = '127.0.0.1') {
    this.socket = connect({ port, host, noDelay: true, allowHalfOpen: true })
    this.socket.on('data', (data) => {
      this.#chunks.push(data)
      this.receivedBytes += data.length
    })
    this.socket.on('end', () => {
      this.end ??= 'fin'
    })
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') this.end = 'reset'
    })
  }

  get received(): Buffer {
    if (this.#chunks.length > 1) this.#chunks.splice(0, Number.POSITIVE_INFINITY, Buffer.concat(this.#chunks))
    return this.#chunks[0] ?? Buffer.alloc(0)
  }

  get text(): string {
    return this.received.toString('latin1')
  }

  send(data: string | Buffer): this {
    this.socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data)
    return this
  }

  /** GET without a body. @param fields complete lines */
  get(target = '/', fields = '', host = 'shop'): this {
    return this.send(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`)
  }

  /** Resolves with what came since the last call, when it matches. */
  async until(pattern: RegExp | string): Promise<string> {
    const isMatch = (text: string) =>
      typeof pattern === 'string' ? text.includes(pattern) : pattern.test(text)
    try {
      await eventually(`receiving ${pattern}`, () => isMatch(this.text.slice(this.#at)))
    } catch (error) {
      throw new Error(
        `${(error as Error).message}; received ${JSON.stringify(this.text.slice(this.#at, this.#at + 2000))}`,
      )
    }
    const text = this.text.slice(this.#at)
    this.#at = this.text.length
    return text
  }

  /** Resolves when the server has ended the connection, with everything received since the last until(). */
  async ended(): Promise<string> {
    await eventually('the end of the connection', () => this.end !== null)
    const text = this.text.slice(this.#at)
    this.#at = this.text.length
    return text
  }

  /** FIN, with the other direction left open. */
  finish(): this {
    this.socket.end()
    return this
  }

  reset(): this {
    this.socket.resetAndDestroy()
    return this
  }

  close(): void {
    this.socket.destroy()
  }
}
