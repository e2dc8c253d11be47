import { BrxyError } from '@brxy/protocol'
import type { AppExit } from './app/process.ts'
import { waitUntilListening } from './app/readiness.ts'
import type { Application } from './application.ts'

/** An application that runs anyway (`--to`): it is neither started nor stopped. */
export class AttachedApplication implements Application {
  readonly isOwned = false
  readonly exited = new Promise<AppExit>(() => {})
  readonly #host: string
  readonly #port: number
  readonly #healthPath: string | undefined

  /** @throws BrxyError `link/bad-target` */
  constructor(target: string, healthPath: string | undefined) {
    const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(target)
    if (match === null || Number(match[3]) > 65_535 || Number(match[3]) === 0) {
      throw new BrxyError(
        'link/bad-target',
        `--to "${target}" is no address; expected HOST:PORT, [IPV6]:PORT or PORT`,
      )
    }
    this.#host = match[1] ?? match[2] ?? '127.0.0.1'
    this.#port = Number(match[3])
    this.#healthPath = healthPath
  }

  async waitUntilListening(signal: AbortSignal) {
    const { address, tookMs } = await waitUntilListening({
      hosts: [this.#host],
      port: this.#port,
      ...(this.#healthPath === undefined ? {} : { healthPath: this.#healthPath }),
      signal,
    })
    return { host: address, port: this.#port, tookMs }
  }

  stop(): Promise<unknown> {
    return Promise.resolve()
  }

  tail(): string {
    return ''
  }
}
