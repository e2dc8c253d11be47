import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Edge, Tokens } from '@brxy/edge'
import { AttachedApplication, LINKER_OPTIONS, Linker } from '@brxy/linker'
import { resolveOptions } from '@brxy/options'
import { demand } from './demand.ts'
import { type EdgeCase, makeEdgeCase } from './edge-case.ts'
import { EdgeClient } from './edge-client.ts'
import type { Random } from './random.ts'
import { isAnswerable, StrictApp, wordOf } from './strict-app.ts'
import type { Target } from './target.ts'

const SECRET = 'a secret for the fuzzer only'
const SLOTS = 4
/** A request whose client has left may reach the application a little later: so many cases are remembered. */
const MEMORY = 16

/**
 * A whole edge and a linker in this process, with real sockets, between clients that send broken requests and an
 * application that accepts nothing but strict HTTP: it sees only requests that some client sent, and each once; and
 * each client gets, in its order, the answers to its own requests, in bytes that a strict client understands.
 */
export class EdgeTarget implements Target<EdgeCase> {
  readonly name = 'edge'
  readonly counts = { connections: 0, served: 0, refused: 0, unfinished: 0, bytes: 0 }
  readonly #app: StrictApp
  readonly #edge: Edge
  readonly #linker: Linker
  readonly #port: number
  readonly #stateDir: string
  readonly #bugs: unknown[]
  /** How often each word was sent and not seen yet; the last case first. */
  readonly #sent: Map<string, number>[] = []

  private constructor(
    app: StrictApp,
    edge: Edge,
    linker: Linker,
    port: number,
    stateDir: string,
    bugs: unknown[],
  ) {
    this.#app = app
    this.#edge = edge
    this.#linker = linker
    this.#port = port
    this.#stateDir = stateDir
    this.#bugs = bugs
  }

  static async start(): Promise<EdgeTarget> {
    const app = await StrictApp.start()
    const stateDir = mkdtempSync(join(tmpdir(), 'brxy-fuzz-'))
    const bugs: unknown[] = []
    const edge = new Edge({
      options: {
        listen: [{ bind: '127.0.0.1:0', http2: false }],
        tunnel: { bind: '127.0.0.1:0' },
        admin: { bind: '127.0.0.1:0' },
        secret: SECRET,
        timeouts: { drainMs: 0 },
        // One app, whatever the host: hosts are broken too.
        apps: { shop: { hosts: ['*'] } },
      },
      stateDir,
      version: '0.0.0',
      onEvent: (event) => {
        if (event.type === 'bug') bugs.push(event.error)
      },
    })
    const { clients, tunnel } = await edge.start()
    const token = await new Tokens(new TextEncoder().encode(SECRET)).issue({ routes: ['shop'] }, 3_600_000)
    let isReady = () => {}
    const ready = new Promise<void>((resolve) => {
      isReady = resolve
    })
    const linker = new Linker({
      options: resolveOptions(LINKER_OPTIONS, { edges: [tunnel], concurrency: SLOTS, idleMs: 3_600_000 }),
      route: 'shop',
      application: new AttachedApplication(`127.0.0.1:${app.port}`, undefined),
      token: () => token,
      onEvent: (event) => {
        if (event.type === 'bug') bugs.push(event.error)
        if (event.type === 'connected') isReady()
      },
    })
    linker.start()
    await ready
    return new EdgeTarget(app, edge, linker, Number(clients[0].replace(/^.*:/, '')), stateDir, bugs)
  }

  make(random: Random): EdgeCase {
    return makeEdgeCase(random)
  }

  async run({ connections }: EdgeCase): Promise<void> {
    const clients = connections.map(
      ({ text, cuts, finishes }) => new EdgeClient(this.#port, text, cuts, finishes),
    )
    try {
      await Promise.all(clients.map((client) => client.run()))
    } finally {
      for (const client of clients) client.close()
    }
    this.#remember(clients)
    const { seen, errors } = this.#app
    this.#app.seen = []
    this.#app.errors = []
    demand(errors.length === 0, `the application got what is no HTTP: ${errors[0]}`)
    for (const request of seen) {
      const word = wordOf(request)
      const from = this.#sent.find((words) => (words.get(word) ?? 0) > 0)
      demand(from !== undefined, `the application saw what nobody sent, or twice: ${JSON.stringify(request)}`)
      from.set(word, (from.get(word) ?? 0) - 1)
    }
    demand(
      this.#bugs.length === 0,
      `a bug: ${this.#bugs.map((bug) => (bug as Error)?.stack ?? bug).splice(0, 1)}`,
    )
    for (const client of clients) {
      this.counts.connections++
      this.counts.served += client.served
      this.counts.refused += client.refused
      this.counts.bytes += client.receivedBytes
      if (client.asked.at(-1)?.isComplete === false) this.counts.unfinished++
    }
  }

  #remember(clients: readonly EdgeClient[]): void {
    const words = new Map<string, number>()
    for (const { asked } of clients)
      for (const request of asked)
        if (isAnswerable(request)) words.set(wordOf(request), (words.get(wordOf(request)) ?? 0) + 1)
    this.#sent.unshift(words)
    this.#sent.length = Math.min(this.#sent.length, MEMORY)
  }

  async close(): Promise<void> {
    this.#linker.drain()
    this.#linker.kill(15)
    await this.#linker.done
    await this.#edge.stop()
    await this.#app.close()
    rmSync(this.#stateDir, { recursive: true, force: true })
  }
}
