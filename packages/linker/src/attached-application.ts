import type { HealthPage } from './app/probe.ts'
import { waitUntilListening } from './app/readiness.ts'
import type { Application } from './application.ts'
import { LinkError } from './error.ts'
import type { AppEnd } from './life/action.ts'

/** An application that runs anyway (`--to`): it is neither started nor stopped. */
export class AttachedApplication implements Application {
  readonly exited = new Promise<AppEnd>(() => {})
  readonly #host: string
  readonly #port: number
  readonly #health: HealthPage | undefined

  /**
   * @param health undefined: a connection is readiness enough
   * @throws LinkError `link/bad-target`
   */
  constructor(target: string, health: HealthPage | undefined) {
    const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):)?(\d{1,5})$/.exec(target)
    if (match === null || Number(match[3]) > 65_535 || Number(match[3]) === 0) {
      throw new LinkError(
        'link/bad-target',
        `--to "${target}" is no address; expected HOST:PORT, [IPV6]:PORT or PORT (1 to 65535)`,
      )
    }
    this.#host = match[1] || match[2] || '127.0.0.1'
    this.#port = Number(match[3])
    this.#health = health
  }

  async waitUntilListening(signal: AbortSignal) {
    const { address, tookMs } = await waitUntilListening({
      hosts: [this.#host],
      port: this.#port,
      ...(this.#health === undefined ? {} : { health: this.#health }),
      signal,
    })
    return { host: address, port: this.#port, tookMs }
  }

  stop(): Promise<unknown> {
    return Promise.resolve()
  }

  isFailing(): boolean {
    return false
  }

  again(): Promise<this> {
    return Promise.resolve(this)
  }

  tail(): string {
    return ''
  }
}
