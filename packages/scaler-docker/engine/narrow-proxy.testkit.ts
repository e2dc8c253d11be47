import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'

/** Endpoints by folder and what is done there: `{ '/tasks': ['list'] }`. */
export type Endpoints = Readonly<Record<string, readonly string[]>>

/** As docs/scalers.md names them. Anything else is named by its method and path. */
const NAMES: Readonly<Record<string, RegExp>> = {
  '/_ping': /^GET \/_ping$/,
  '/events': /^GET \/events$/,
  '/images create': /^POST \/images\/create$/,
  '/containers list': /^GET \/containers\/json$/,
  '/containers create': /^POST \/containers\/create$/,
  '/containers inspect': /^GET \/containers\/[^/]+\/json$/,
  '/containers start': /^POST \/containers\/[^/]+\/start$/,
  '/containers stop': /^POST \/containers\/[^/]+\/stop$/,
  '/containers logs': /^GET \/containers\/[^/]+\/logs$/,
  '/containers delete': /^DELETE \/containers\/[^/]+$/,
  '/services list': /^GET \/services$/,
  '/services create': /^POST \/services\/create$/,
  '/services inspect': /^GET \/services\/[^/]+$/,
  '/services update': /^POST \/services\/[^/]+\/update$/,
  '/services delete': /^DELETE \/services\/[^/]+$/,
  '/tasks list': /^GET \/tasks$/,
  '/tasks logs': /^GET \/tasks\/[^/]+\/logs$/,
}

/** Each endpoint by its name: `/tasks list`; a folder in which nothing is told apart by itself. */
export function namesOf(endpoints: Endpoints): string[] {
  return Object.entries(endpoints).flatMap(([folder, kinds]) =>
    kinds.length === 0 ? folder : kinds.map((kind) => `${folder} ${kind}`),
  )
}

/** What stands between an edge and the socket of an Engine, and lets through as little as it is told. */
export class NarrowProxy {
  readonly path: string
  readonly #engine: string
  readonly #allowed: ReadonlySet<string>
  readonly #server: Server
  /** What the Engine does, whether or not somebody waits for it. */
  readonly #writes = new Set<Promise<unknown>>()

  private constructor(path: string, engine: string, allowed: readonly string[]) {
    this.path = path
    this.#engine = engine
    this.#allowed = new Set(allowed)
    this.#server = createServer((asked, answer) => this.#pass(asked, answer))
  }

  /**
   * @param path of its socket
   * @param engine the Engine's
   * @param allowed names of endpoints
   */
  static async open(path: string, engine: string, allowed: readonly string[]): Promise<NarrowProxy> {
    const proxy = new NarrowProxy(path, engine, allowed)
    await once(proxy.#server.listen(path), 'listening')
    return proxy
  }

  /** Nothing comes through any more; resolves when the Engine has done what did. */
  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await Promise.all(this.#writes)
  }

  #pass(asked: IncomingMessage, answer: ServerResponse): void {
    const { method, url: path = '', headers } = asked
    const what = `${method} ${path.replace(/^\/v[\d.]+/, '').replace(/\?.*/, '')}`
    const [name = what] = Object.entries(NAMES).find(([, endpoint]) => endpoint.test(what)) ?? []
    if (!this.#allowed.has(name)) {
      answer.writeHead(403, { 'content-type': 'application/json' })
      answer.end(JSON.stringify({ message: `not let through: ${name}` }))
      return
    }
    const onward = request({ socketPath: this.#engine, method, path, headers, agent: false }, (came) => {
      answer.writeHead(came.statusCode ?? 502, came.headers)
      answer.flushHeaders()
      came.pipe(answer)
      came.once('error', () => answer.destroy())
    })
    onward.once('error', () => answer.destroy())
    asked.pipe(onward)
    if (method === 'GET') answer.once('close', () => onward.destroy())
    else this.#await(new Promise((resolve) => onward.once('close', resolve)))
  }

  async #await(write: Promise<unknown>): Promise<void> {
    this.#writes.add(write)
    await write
    this.#writes.delete(write)
  }
}
