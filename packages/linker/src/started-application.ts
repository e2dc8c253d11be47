import { freePort, isPortFree } from './app/port.ts'
import { saysPortTaken } from './app/port-taken.ts'
import { prepareApp, release } from './app/prepared.ts'
import type { HealthPage } from './app/probe.ts'
import { type AppExit, type AppProcess, startApp } from './app/process.ts'
import { waitUntilListening } from './app/readiness.ts'
import type { Application } from './application.ts'

export interface StartedApplicationOptions {
  /** The command and its arguments; `{port}` in any of them becomes the port. */
  readonly argv: readonly string[]
  /** A free one is chosen if it is undefined. */
  readonly port: number | undefined
  /** undefined: a connection is enough. */
  readonly health: HealthPage | undefined
  /** The linker's environment; the application gets it without brxy's secrets. */
  readonly env: NodeJS.ProcessEnv
  /** Gets every byte of output as it comes. */
  onOutput(stream: 'stdout' | 'stderr', chunk: Buffer): void
  /** There is a process. */
  onStarted?(pid: number, port: number): void
  /** Gets a line for the operator. */
  onNotice(line: string): void
}

/**
 * An application that this linker started and will stop. If its free port was taken by somebody else before it could
 * bind, it is started once more with another one.
 */
export class StartedApplication implements Application {
  readonly exited: Promise<AppExit>
  readonly #options: StartedApplicationOptions
  #process: AppProcess
  #port: number
  #isListening = false
  #stopAfterMs: number | null = null
  #onRestart: (() => void) | null = null
  /** The second attempt, from the decision about it. */
  #restarting: Promise<AppExit | null> | null = null

  /** @throws AppError if there is no port, or the command cannot be run */
  static async start(options: StartedApplicationOptions): Promise<StartedApplication> {
    // Another process does most of it while this one looks for a port.
    const prepared = prepareApp(options.onNotice)
    let port: number
    try {
      const found = options.port ?? freePort(Math.random)
      // Both answer in a while. The handshake needs this one: two of its milliseconds are no loss now.
      process.getBuiltinModule('node:crypto')
      port = await found
    } catch (error) {
      release(await prepared)
      throw error
    }
    const started = new StartedApplication(options, await startApp({ ...options, port, prepared }), port)
    options.onStarted?.(started.pid, port)
    return started
  }

  private constructor(options: StartedApplicationOptions, process: AppProcess, port: number) {
    this.#options = options
    this.#process = process
    this.#port = port
    this.exited = this.#untilExit()
  }

  /** Process id of the application's first process. */
  get pid(): number {
    return this.#process.pid
  }

  get port(): number {
    return this.#port
  }

  async #untilExit(): Promise<AppExit> {
    const exit = await this.#process.exited
    try {
      this.#restarting = this.#restart()
      return (await this.#restarting) ?? exit
    } catch (error) {
      this.#options.onNotice(`the application could not be started again: ${(error as Error).message}`)
      return exit
    }
  }

  /** @returns how the second attempt ended; null if there is no reason for one */
  async #restart(): Promise<AppExit | null> {
    const { port } = this.#options
    const mayRetry = port === undefined && !this.#isListening && this.#stopAfterMs === null
    if (!mayRetry || !(saysPortTaken(this.#process.tail()) || !(await isPortFree(this.#port)))) return null
    // The first attempt may have left children behind.
    await this.#process.stop(0)
    const taken = this.#port
    this.#port = await freePort(Math.random)
    if (this.#stopAfterMs !== null) return null
    this.#options.onNotice(`port ${taken} was taken meanwhile; starting the application with ${this.#port}`)
    this.#process = await startApp({ ...this.#options, port: this.#port })
    if (this.#stopAfterMs !== null) return this.#process.stop(this.#stopAfterMs)
    this.#onRestart?.()
    this.#restarting = null
    return this.#process.exited
  }

  async waitUntilListening(signal: AbortSignal) {
    for (;;) {
      const restart = new AbortController()
      this.#onRestart = () => restart.abort()
      const { health } = this.#options
      const port = this.#port
      try {
        const { address, tookMs } = await waitUntilListening({
          port,
          ...(health === undefined ? {} : { health }),
          signal: AbortSignal.any([signal, restart.signal]),
        })
        this.#isListening = true
        return { host: address, port, tookMs }
      } catch (error) {
        if (signal.aborted || !restart.signal.aborted) throw error
      }
    }
  }

  async stop(killAfterMs: number): Promise<void> {
    this.#stopAfterMs = Math.min(killAfterMs, this.#stopAfterMs ?? killAfterMs)
    await this.#process.stop(killAfterMs)
    // It may just be starting again: that attempt sees the wish, and ends.
    await this.#restarting?.catch(() => {})
  }

  isFailing(): boolean {
    return this.#process.isFailing()
  }

  again(): Promise<StartedApplication> {
    return StartedApplication.start(this.#options)
  }

  tail(): string {
    return this.#process.tail()
  }
}
