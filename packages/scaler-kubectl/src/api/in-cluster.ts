import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ScalerError } from '@brxy/scaler'
import type { ApiTarget } from '@brxy/scaler/api'
import type { Transport } from './transport.ts'

/** Where a pod finds its service account. */
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'
/** A projected token lives an hour and is replaced before; the documentation asks to read it once a minute. */
const REREAD_MS = 10_000

/** Whether this process runs in a pod with a service account. */
export function isInCluster(env: NodeJS.ProcessEnv = process.env, account = ACCOUNT): boolean {
  return env.KUBERNETES_SERVICE_HOST !== undefined && existsSync(join(account, 'token'))
}

/** The API of the cluster that this process runs in, with the token and CA of its pod's service account. */
export class InCluster implements Transport {
  readonly #env: NodeJS.ProcessEnv
  readonly #account: string
  #target: Promise<ApiTarget> | null = null
  #readMs = 0

  constructor(env: NodeJS.ProcessEnv = process.env, account = ACCOUNT) {
    this.#env = env
    this.#account = account
  }

  target(): Promise<ApiTarget> {
    if (this.#target === null || performance.now() - this.#readMs >= REREAD_MS) {
      this.#readMs = performance.now()
      this.#target = this.#read()
      this.#target.catch(() => this.refresh())
    }
    return this.#target
  }

  async namespace(): Promise<string> {
    return (await this.#file('namespace')).trim()
  }

  refresh(): void {
    this.#target = null
  }

  async close(): Promise<void> {}

  async #read(): Promise<ApiTarget> {
    const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = this.#env
    if (host === undefined)
      throw new ScalerError(
        'scaler/unavailable',
        'KUBERNETES_SERVICE_HOST is not set: this edge does not run in a cluster; set the option "transport" of the scaler to proxy',
      )
    const [token, ca] = await Promise.all([this.#file('token'), this.#file('ca.crt')])
    const headers = { authorization: `Bearer ${token.trim()}` }
    const where = `https://${host.includes(':') ? `[${host}]` : host}:${port}`
    return { where, host, port: Number(port), tls: { ca }, headers }
  }

  async #file(name: string): Promise<string> {
    const file = join(this.#account, name)
    try {
      return await readFile(file, 'utf8')
    } catch (cause) {
      throw new ScalerError(
        'scaler/unavailable',
        `cannot read ${file}: give this edge's pod a service account (serviceAccountName, automountServiceAccountToken)`,
        { cause },
      )
    }
  }
}
