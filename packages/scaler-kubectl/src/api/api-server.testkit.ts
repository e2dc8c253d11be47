import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ApiTarget } from '@brxy/scaler/api'
import type { Transport } from './transport.ts'

/** One request that waits for the test's answer. */
export interface Asked {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
}

/** An API server that answers nothing by itself: a test takes each request in its turn. */
export class ApiServer implements Transport {
  readonly #server = createServer((request, response) => this.#arrived(request, response))
  readonly #waiting: Asked[] = []
  #wake = () => {}
  /** How often credentials were to be read anew. */
  refreshed = 0

  static async start(): Promise<ApiServer> {
    const api = new ApiServer()
    await once(api.#server.listen(0, '127.0.0.1'), 'listening')
    return api
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** The next request; the test's own timeout bounds the wait for it. */
  async next(): Promise<Asked> {
    while (this.#waiting.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#waiting.shift() as Asked
  }

  /** Answers the next request with JSON. @returns what it was */
  async answer(status: number, body: object, headers: Record<string, string> = {}): Promise<Asked> {
    const asked = await this.next()
    asked.response.writeHead(status, { 'content-type': 'application/json', ...headers })
    asked.response.end(JSON.stringify(body))
    return asked
  }

  async target(): Promise<ApiTarget> {
    return { where: 'http://127.0.0.1', host: '127.0.0.1', port: this.port }
  }

  async namespace(): Promise<string> {
    return 'default'
  }

  refresh(): void {
    this.refreshed++
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  #arrived(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://x')
    this.#waiting.push({ request, response, path: pathname, query: searchParams })
    this.#wake()
  }
}

/** An error as the API says it. */
export function statusOf(code: number, reason: string, message: string): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message }
}
