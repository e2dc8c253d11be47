import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RawClient } from './client.testkit.ts'
import { Edge, type EdgeConfig, type EdgeConfiguration } from './edge.ts'
import type { EdgeEvent } from './event.ts'
import { eventually } from './eventually.testkit.ts'
import { type LinkerScript, ScriptedLinker } from './linker.testkit.ts'
import type { Adapter } from './scale/scalers.ts'
import { Tokens } from './token/tokens.ts'

const SECRET = 'a secret for tests only'

/** Options of a test: those of an edge, and the hosts of its one app, whose hosts are each an app of their own. */
export type TestOptions = EdgeConfiguration['options'] & { readonly hosts?: readonly string[] }

/** What a test configures becomes what an edge needs: free ports, a secret, one app. */
export function testConfiguration(
  { hosts = [], ...options }: TestOptions,
  adapter: Adapter | null,
): EdgeConfiguration {
  const scaler = adapter === null ? {} : { scaler: { name: 'fake', options: {} } }
  return {
    options: {
      listen: [{ bind: '127.0.0.1:0' }],
      tunnel: { bind: '127.0.0.1:0' },
      admin: { bind: '127.0.0.1:0' },
      secret: SECRET,
      apps: { any: { hosts, perHost: true, ...scaler } },
      ...options,
      timeouts: { drainMs: 0, ...options.timeouts },
    },
    adapters: adapter === null ? {} : { fake: adapter },
  }
}

/** A real edge on free ports, without a scaler unless one is given, and everything that a test connects to it. */
export class TestEdge {
  readonly edge: Edge
  readonly events: EdgeEvent[]
  readonly port: number
  readonly tunnelUrl: string
  readonly adminPort: number
  readonly #stateDir: string
  readonly #tokens = new Tokens(new TextEncoder().encode(SECRET))
  readonly #closers: (() => void)[] = []

  private constructor(edge: Edge, events: EdgeEvent[], stateDir: string, ports: readonly number[]) {
    this.edge = edge
    this.events = events
    this.#stateDir = stateDir
    this.port = ports[0]
    this.tunnelUrl = `ws://127.0.0.1:${ports[1]}/brxy/v1/link`
    this.adminPort = ports[2]
  }

  static async start(
    options: TestOptions = {},
    adapter: Adapter | null = null,
    config: Partial<EdgeConfig> = {},
  ): Promise<TestEdge> {
    const stateDir = await mkdtemp(join(tmpdir(), 'brxy-edge-'))
    const events: EdgeEvent[] = []
    const edge = new Edge({
      ...testConfiguration(options, adapter),
      stateDir,
      version: '0.0.0',
      onEvent: (event) => events.push(event),
      reportRequests: true,
      ...config,
    })
    const { clients, tunnel, admin } = await edge.start()
    const ports = [clients[0], tunnel, admin].map((address) => Number(address.replace(/^.*:/, '')))
    return new TestEdge(edge, events, stateDir, ports)
  }

  client(port = this.port): RawClient {
    const client = new RawClient(port)
    this.#closers.push(() => client.close())
    return client
  }

  token(routes: readonly string[] = ['shop'], lifeMs = 60_000): Promise<string> {
    return this.#tokens.issue({ routes }, lifeMs)
  }

  adminToken(): Promise<string> {
    return this.#tokens.issueAdmin(60_000)
  }

  /** A linker of the route `shop`, welcomed. */
  async linker(script: Partial<LinkerScript> = {}): Promise<ScriptedLinker> {
    const token = await this.token([script.route ?? 'shop'])
    const linker = await ScriptedLinker.dial(this.tunnelUrl, { token, ...script })
    this.#closers.push(() => linker.close())
    return linker
  }

  /** The same linker process comes back. @param received highest stream that its last session saw; null: it does not say */
  back(
    linker: ScriptedLinker,
    received: number | null,
    script: Partial<LinkerScript> = {},
  ): Promise<ScriptedLinker> {
    const { instance, welcome } = linker
    return this.linker({ ...linker.script, instance, replaces: welcome?.session ?? '', received, ...script })
  }

  /** The connection is cut without a word, and the edge has noticed. */
  async lose(linker: ScriptedLinker): Promise<void> {
    const before = this.of('left').length
    linker.cut()
    await eventually('the loss', () => this.of('left').length > before)
  }

  /** Requests held for an app now. */
  held(route = 'shop'): number {
    return this.edge.status().apps.find(({ app }) => app === route)?.held.count ?? 0
  }

  /** Resolves when so many requests are held. */
  async untilHeld(count: number, route = 'shop'): Promise<void> {
    await eventually(`${count} held`, () => this.held(route) === count)
  }

  /** Resolves when so many grants are here: a request that comes then does not wait. */
  async untilLent(count: number, route = 'shop'): Promise<void> {
    await eventually(`${count} lent`, () => {
      const app = this.edge.status().apps.find(({ app }) => app === route)
      return app?.instances.reduce((sum, { grants }) => sum + grants, 0) === count
    })
  }

  /** The events of one type so far. */
  of<T extends EdgeEvent['type']>(type: T): Extract<EdgeEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<EdgeEvent, { type: T }> => event.type === type)
  }

  /** Ends everything. @throws if the edge has noticed a bug of its own */
  async close(): Promise<void> {
    for (const close of this.#closers) close()
    await this.edge.stop()
    await rm(this.#stateDir, { recursive: true, force: true })
    const bug = this.of('bug')[0]
    if (bug !== undefined) throw bug.error
  }
}
