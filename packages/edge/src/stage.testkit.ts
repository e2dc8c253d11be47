import { afterEach, beforeEach } from 'vitest'
import { TestEdge, type TestOptions } from './edge.testkit.ts'

/** An edge of its own for each test of a file, and whoever connects to it; both are closed after the test. */
export class EdgeStage<C extends { close(): void } = { close(): void }> {
  edge!: TestEdge
  #clients: C[] = []

  add<K extends C>(client: K): K {
    this.#clients.push(client)
    return client
  }

  /** Another edge in its place, with other options. */
  async restart(options: TestOptions): Promise<void> {
    await this.edge.close()
    this.edge = await TestEdge.start(options)
  }

  async begin(): Promise<void> {
    this.edge = await TestEdge.start()
  }

  /** @returns who was connected */
  async end(): Promise<readonly C[]> {
    const clients = this.#clients
    this.#clients = []
    for (const client of clients) client.close()
    await this.edge.close()
    return clients
  }
}

/**
 * For a test file: begun before each test, ended after it.
 * @param afterEnd what each client must be true of then
 */
export function staged<C extends { close(): void } = { close(): void }>(
  afterEnd: (client: C) => void = () => {},
): EdgeStage<C> {
  const stage = new EdgeStage<C>()
  beforeEach(() => stage.begin())
  afterEach(async () => {
    for (const client of await stage.end()) afterEnd(client)
  })
  return stage
}
