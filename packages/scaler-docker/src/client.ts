import { readFile } from 'node:fs/promises'
import { ScalerError } from '@brxy/scaler'
import { type ApiCall, ApiClient, type ApiTarget } from '@brxy/scaler/api'
import { type Address, formatAddress, type TlsFiles } from './address.ts'

/** The newest version of the API that this code was written against; an older Engine says its own. */
const NEWEST_VERSION: readonly [number, number] = [1, 51]

/**
 * The Engine's HTTP API, of which about ten endpoints are needed. The version is that of the Engine, for 20.10 speaks up
 * to 1.41, and 29 refuses what is below 1.44. Paths are those below the version: `/containers/json`.
 *
 * All calls can be repeated: what exists already is answered with 409, what runs already with 304.
 */
export class DockerClient {
  readonly #address: Address
  readonly #client: ApiClient
  #target: Promise<ApiTarget> | null = null
  #version: Promise<string> | null = null

  /** No I/O. */
  constructor(address: Address) {
    this.#address = address
    this.#client = new ApiClient({
      platform: 'Docker',
      hint: 'is dockerd running, and is that its address?',
      accessHint: 'run the edge as a user who may (group docker), which makes it root',
      target: () => {
        this.#target ??= targetOf(address).catch((error) => {
          this.#target = null
          throw error
        })
        return this.#target
      },
    })
  }

  /** @returns and @throws as ApiClient.call() */
  async call<T>(call: ApiCall): Promise<T> {
    return this.#client.call<T>(await this.#versioned(call))
  }

  /** The same, of answers that are no JSON. */
  async bytes(call: ApiCall): Promise<Buffer> {
    return (await this.#client.answer(await this.#versioned(call))).body
  }

  /** Hands over each line of an answer as it comes; resolves at its end. */
  async lines(call: ApiCall, onLine: (line: string) => void): Promise<void> {
    return this.#client.lines(await this.#versioned(call), onLine)
  }

  /** Ends every call under way. What the Engine was asked to do goes on. */
  close(): void {
    this.#client.close()
  }

  async #versioned(call: ApiCall): Promise<ApiCall> {
    this.#version ??= this.#negotiate(call.signal).catch((error) => {
      // The next call asks anew.
      this.#version = null
      throw error
    })
    return { ...call, path: `/v${await this.#version}${call.path}` }
  }

  async #negotiate(signal: AbortSignal | undefined): Promise<string> {
    const { headers } = await this.#client.answer({ path: '/_ping', ...(signal && { signal }) })
    const theirs = String(headers['api-version'] ?? '')
      .split('.')
      .map(Number)
    const [major = 0, minor = 0] = theirs
    const isOlder = major < NEWEST_VERSION[0] || (major === NEWEST_VERSION[0] && minor < NEWEST_VERSION[1])
    if (theirs.length !== 2 || theirs.some(Number.isNaN))
      throw new ScalerError(
        'scaler/unavailable',
        `${formatAddress(this.#address)} does not answer as Docker does`,
      )
    return (isOlder ? theirs : NEWEST_VERSION).join('.')
  }
}

async function targetOf(address: Address): Promise<ApiTarget> {
  const where = formatAddress(address)
  if (address.kind === 'unix') return { where, socketPath: address.path }
  const { host, port, tls } = address
  return { where, host, port, ...(tls === null ? {} : { tls: await pemsOf(tls) }) }
}

async function pemsOf(files: TlsFiles): Promise<NonNullable<ApiTarget['tls']>> {
  const given = Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return Object.fromEntries(await Promise.all(given.map(async ([name, path]) => [name, await pemIn(path)])))
}

async function pemIn(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const message = `a file of Docker's TLS cannot be read: ${(error as Error).message}`
    throw new ScalerError('scaler/unavailable', message, { cause: error })
  }
}
