import { freePort, isPortFree } from './app/port.ts'
import { saysPortTaken } from './app/port-taken.ts'
import { type AppExit, type AppProcess, startApp } from './app/process.ts'
import { waitUntilListening } from './app/readiness.ts'
import type { Application } from './application.ts'

export interface StartedApplicationOptions {
  readonly argv: readonly string[]
  /** A free one is chosen if it is undefined. */
  readonly port: number | undefined
  readonly healthPath: string | undefined
  readonly env: NodeJS.ProcessEnv
  onOutput(stream: 'stdout' | 'stderr', chunk: Buffer): void
  onNotice(line: string): void
}

/**
 * An application that this linker started and will stop. If its free port was taken by somebody else before it could
 * bind, it is started once more with another one.
 */
export class StartedApplication implements Application {
  readonly isOwned = true
  readonly exited: Promise<AppExit>
  readonly #options: StartedApplicationOptions
  #process: AppProcess
  #port: number
  #isListening = false
  #isStopping = false
  #restarted: (() => void) | null = null

  /** @throws AppError if there is no port, or the command cannot be run */
  static async start(options: StartedApplicationOptions): Promise<StartedApplication> {
    const port = options.port ?? (await freePort(Math.random))
    return new StartedApplication(options, await startApp({ ...options, port }), port)
  }

  private constructor(options: StartedApplicationOptions, process: AppProcess, port: number) {
    this.#options = options
    this.#process = process
    this.#port = port
    this.exited = this.#untilExit()
  }

  get pid(): number {
    return this.#process.pid
  }

  get port(): number {
    return this.#port
  }

  async #untilExit(): Promise<AppExit> {
    const exit = await this.#process.exited
    const mayRetry = this.#options.port === undefined && !this.#isListening && !this.#isStopping
    if (!mayRetry || !(saysPortTaken(this.#process.tail()) || !(await isPortFree(this.#port)))) return exit
    this.#options.onNotice(
      `port ${this.#port} was taken meanwhile; starting the application with another one`,
    )
    this.#port = await freePort(Math.random)
    this.#process = await startApp({ ...this.#options, port: this.#port })
    this.#restarted?.()
    return this.#process.exited
  }

  async waitUntilListening(signal: AbortSignal) {
    for (;;) {
      const restart = new AbortController()
      this.#restarted = () => restart.abort()
      const { healthPath } = this.#options
      const port = this.#port
      try {
        const { address, tookMs } = await waitUntilListening({
          port,
          ...(healthPath === undefined ? {} : { healthPath }),
          signal: AbortSignal.any([signal, restart.signal]),
        })
        this.#isListening = true
        return { host: address, port, tookMs }
      } catch (error) {
        if (signal.aborted || !restart.signal.aborted) throw error
      }
    }
  }

  stop(killAfterMs: number): Promise<unknown> {
    this.#isStopping = true
    return this.#process.stop(killAfterMs)
  }

  tail(): string {
    return this.#process.tail()
  }
}
