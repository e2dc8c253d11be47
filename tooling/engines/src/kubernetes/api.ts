import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'

const MERGE_PATCH = 'application/merge-patch+json'

interface Kubeconfig {
  readonly clusters: readonly { cluster: { server: string; 'certificate-authority': string } }[]
  readonly users: readonly { user: { token: string } }[]
}

/** An object of the API, as tests look into it. */
// biome-ignore lint/suspicious/noExplicitAny: a test reads what it has just written, in the API's own words.
export type ApiObject = any

/** The API of a running engine, for tests: what a test arranges and looks at goes past the adapter, and past kubectl, which is slow to start. */
export class KubernetesApi {
  readonly server: string
  readonly token: string
  /** In PEM. */
  readonly ca: string
  readonly #agent: Agent

  /** @param kubeconfig the path of the engine's */
  constructor(kubeconfig: string) {
    const config: Kubeconfig = JSON.parse(readFileSync(kubeconfig, 'utf8'))
    const [cluster] = config.clusters
    const [user] = config.users
    if (cluster === undefined || user === undefined)
      throw new Error(`${kubeconfig} has no cluster or no user`)
    this.server = cluster.cluster.server
    this.token = user.user.token
    this.ca = readFileSync(cluster.cluster['certificate-authority'], 'utf8')
    this.#agent = new Agent({ keepAlive: true, maxSockets: 4, ca: this.ca })
  }

  /** @returns undefined for what is not there. @throws with the API's own words */
  async get(path: string): Promise<ApiObject | undefined> {
    return this.#call('GET', path, undefined, [404])
  }

  async list(path: string): Promise<ApiObject[]> {
    return (await this.#call('GET', path, undefined, [])).items
  }

  /** Creates an object, or changes the one that is there. @param collection `/api/v1/namespaces/x/pods` */
  async apply(collection: string, object: ApiObject): Promise<ApiObject> {
    const made = await this.#call('POST', collection, object, [409])
    if (made !== undefined) return made
    return this.patch(`${collection}/${object.metadata.name}`, object)
  }

  async create(collection: string, object: ApiObject): Promise<ApiObject> {
    return this.#call('POST', collection, object, [])
  }

  async patch(path: string, object: ApiObject): Promise<ApiObject> {
    return this.#call('PATCH', path, object, [])
  }

  /** Removes one object, or a collection of them, with what belongs to them, at once; nothing if it is not there. */
  async delete(path: string): Promise<void> {
    const options = { propagationPolicy: 'Background', gracePeriodSeconds: 0 }
    await this.#call('DELETE', path, options, [404])
  }

  /** Looks again and again until there is something. @throws after `withinMs` with what was seen last */
  async until<T>(what: string, look: () => Promise<T | undefined | false>, withinMs = 60_000): Promise<T> {
    const endMs = performance.now() + withinMs
    for (;;) {
      const found = await look()
      if (found !== undefined && found !== false) return found
      if (performance.now() > endMs) throw new Error(`${what}: not within ${withinMs} ms`)
      await sleep(50)
    }
  }

  close(): void {
    this.#agent.destroy()
  }

  #call(method: string, path: string, body: ApiObject, expected: readonly number[]): Promise<ApiObject> {
    const payload = body === undefined ? undefined : JSON.stringify(body)
    const headers = {
      authorization: `Bearer ${this.token}`,
      'content-type': method === 'PATCH' ? MERGE_PATCH : 'application/json',
      // Node sends a DELETE's body without a length else.
      'content-length': Buffer.byteLength(payload ?? ''),
    }
    return new Promise((resolve, reject) => {
      const outgoing = request(`${this.server}${path}`, { method, headers, agent: this.#agent }, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk) => chunks.push(chunk))
        answer.on('error', reject)
        answer.on('end', () => {
          const { statusCode = 0 } = answer
          const text = Buffer.concat(chunks).toString()
          if (expected.includes(statusCode)) resolve(undefined)
          else if (statusCode >= 400) reject(new Error(`${method} ${path}: ${statusCode} ${text}`))
          else resolve(JSON.parse(text))
        })
      })
      outgoing.on('error', reject)
      outgoing.end(payload)
    })
  }
}
