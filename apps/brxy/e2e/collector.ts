import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { eventually } from '@brxy-tooling/testkit'

const APP = fileURLToPath(new URL('counted-app.mjs', import.meta.url))

/** Where applications report each request before they answer it: nothing that they executed is missed, whatever dies then. */
export class Collector {
  readonly #server: Server
  /** `GET/path`, once for each execution. */
  readonly executed: string[] = []
  #waiting: ServerResponse[] = []
  #isOpen = false

  private constructor() {
    this.#server = createServer((request, response) => {
      this.executed.push((request.url ?? '').slice(1).replace(/\?.*$/, ''))
      if (this.#isOpen) response.end()
      else this.#waiting.push(response)
    })
  }

  static async start(): Promise<Collector> {
    const collector = new Collector()
    await new Promise<void>((resolve) => collector.#server.listen(0, '127.0.0.1', resolve))
    return collector
  }

  /** The command of an application that reports here. */
  get app(): string[] {
    return [process.execPath, APP, `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`]
  }

  /** How often a request was executed. */
  count(request: string): number {
    return this.executed.filter((one) => one === request).length
  }

  /** Resolves when so many executions have begun. */
  async executions(count: number): Promise<void> {
    await eventually(`${count} executions`, () => this.executed.length >= count)
  }

  /** Applications may answer what they have, and all that comes. */
  release(): void {
    this.#isOpen = true
    for (const response of this.#waiting.splice(0)) response.end()
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}
