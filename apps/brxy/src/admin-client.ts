import { existsSync } from 'node:fs'
import { checkSecret, loadSecret, Tokens } from '@brxy/edge'
import { defineOptions, type Options } from '@brxy/options'
import { BrxyError } from '@brxy/protocol'
import { readAccess } from './config/access.ts'
import { defaultStateDir } from './state-dir.ts'

/** How commands find a running edge, and what they show it. */
export const ADMIN_OPTIONS = defineOptions({
  admin: {
    kind: 'string',
    flag: true,
    placeholder: 'HOST:PORT',
    doc: 'Admin port of the edge (default: that of the file, else 127.0.0.1:9081).',
  },
  adminToken: {
    kind: 'secret',
    doc: "The configured `admin.token` (default: a token made with the edge's secret).",
  },
  file: {
    kind: 'string',
    flag: true,
    alias: 'f',
    env: 'BRXY_FILE',
    placeholder: 'FILE',
    doc: 'Configuration file of the edge, for its address and secret (default: brxy.yaml, if it is here).',
  },
  stateDir: {
    kind: 'string',
    flag: true,
    placeholder: 'DIR',
    doc: 'State directory of the edge, with its secret (default: as for brxy edge).',
  },
})

const DEFAULT_FILE = 'brxy.yaml'
/** How long a token that a command makes for itself is good. */
const TOKEN_LIFE_MS = 60_000
const TIMEOUT_MS = 60_000

/** An answer of the admin port. */
export interface AdminAnswer {
  readonly status: number
  readonly body: unknown
}

/** Asks the admin port of a running edge. */
export class AdminClient {
  readonly address: string
  readonly #token: () => Promise<string>

  private constructor(address: string, token: () => Promise<string>) {
    this.address = address
    this.#token = token
  }

  /** @throws ConfigError, OptionsError: what the file says of the admin port or the secret cannot be read */
  static find(options: Options<typeof ADMIN_OPTIONS>, env: NodeJS.ProcessEnv): AdminClient {
    const file = options.file ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : null)
    // An address that was given needs no file, which may belong to another edge.
    const access = readAccess(options.admin === undefined ? file : null, env)
    const configured = options.adminToken ?? access.admin.token
    const stateDir = options.stateDir ?? access.stateDir ?? defaultStateDir(env)
    const token = async () => configured ?? (await madeToken(access.secret, stateDir))
    return new AdminClient(reachable(options.admin ?? access.admin.bind), token)
  }

  /**
   * @param shows whether the request needs a token wherever it comes from
   * @throws BrxyError `admin/unreachable`, `edge/bad-secret`
   */
  async ask(method: 'GET' | 'POST', path: string, shows: boolean): Promise<AdminAnswer> {
    const headers: Record<string, string> = shows ? { Authorization: `Bearer ${await this.#token()}` } : {}
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS)
      const response = await fetch(`http://${this.address}${path}`, { method, headers, signal })
      // The same question with a token, where the edge wants one from so far away.
      if (response.status === 401 && !shows) return await this.ask(method, path, true)
      return { status: response.status, body: await response.json() }
    } catch (error) {
      if (error instanceof BrxyError) throw error
      const cause = (error as { cause?: Error }).cause ?? (error as Error)
      throw new BrxyError(
        'admin/unreachable',
        `no edge answers at ${this.address}: ${cause.message}. Start it, or give --admin HOST:PORT (where it listened before, if the file has just moved it)`,
        { cause },
      )
    }
  }
}

/** A port alone is on this machine; an address that means all of them is this one, too. */
function reachable(address: string): string {
  return /^\d+$/.test(address)
    ? `127.0.0.1:${address}`
    : address.replace(/^(0\.0\.0\.0|\[::\])?:/, '127.0.0.1:')
}

async function madeToken(secret: string | undefined, stateDir: string): Promise<string> {
  const key = secret === undefined ? await loadSecret(stateDir) : checkSecret(secret, 'BRXY_SECRET')
  return new Tokens(key).issueAdmin(TOKEN_LIFE_MS)
}
