import type { TimerWheel } from '@brxy/protocol/transport'
import { AppError } from './app/errors.ts'
import type { Application } from './application.ts'
import { Forwarder, type ForwarderEvents } from './forward/forwarder.ts'
import type { AppEnd } from './life/action.ts'
import type { LinkerOptions } from './options.ts'

/** What the linker is told of its application. */
export interface ApplicationRunOwner extends Omit<ForwarderEvents, 'isAppFailing'> {
  /** It accepts connections: `forwarder` brings requests there. */
  onListening(forwarder: Forwarder, address: string, tookMs: number): void
  /** It ended without having been stopped, or could not be started. */
  onEnded(end: AppEnd): void
}

/**
 * The application from one start to its end: waits until it listens, makes the way to it, asks again when it accepts no
 * connections, and stops it. One that is started again is another run.
 */
export class ApplicationRun {
  readonly #options: LinkerOptions
  readonly #wheel: TimerWheel
  readonly #owner: ApplicationRunOwner
  readonly #abort = new AbortController()
  /** Settles when there is a process, or it is known that there will be none. */
  readonly #started: Promise<unknown>
  /** null until it was started. */
  #application: Application | null = null
  #forwarder: Forwarder | null = null
  #isProbing = false
  #isStopping = false

  /** @param application one that runs; a promise while it is being started, which rejects if it cannot be */
  constructor(
    application: Application | Promise<Application>,
    options: LinkerOptions,
    wheel: TimerWheel,
    owner: ApplicationRunOwner,
  ) {
    this.#options = options
    this.#wheel = wheel
    this.#owner = owner
    if (application instanceof Promise) {
      this.#started = application.then(
        (started) => this.#begin(started),
        (error: unknown) => this.#ended(unstarted(error)),
      )
    } else {
      this.#started = Promise.resolve()
      this.#begin(application)
    }
  }

  /** Neither ended nor stopped. */
  get isAlive(): boolean {
    return !this.#abort.signal.aborted
  }

  /** Requests whose client has left, and which the application may still be computing. */
  get lingering(): number {
    return this.#forwarder?.lingeringCount ?? 0
  }

  /** The last output, for the report of a failure. */
  tail(): string {
    return this.#application?.tail() ?? ''
  }

  /**
   * The application accepts no connections: waits until it does again. One question at a time.
   * @returns false if there is nothing to wait for, or somebody waits already
   */
  async probe(): Promise<boolean> {
    if (this.#isProbing || !this.isAlive) return false
    this.#isProbing = true
    const listening = await this.#untilListening()
    this.#isProbing = false
    return listening !== null
  }

  /** Resolves when all of it is gone. Idempotent; a later call can only shorten the wait. Never rejects. */
  async stop(killAfterMs: number): Promise<void> {
    this.#isStopping = true
    this.#abort.abort()
    if (this.#application === null) await this.#started
    await this.#application?.stop(killAfterMs)
  }

  /** Ends the connections to it. */
  close(): void {
    this.#forwarder?.close()
  }

  #begin(application: Application): void {
    this.#application = application
    void application.exited.then((end) => this.#ended(end))
    if (this.isAlive) void this.#serve()
  }

  #ended(end: AppEnd): void {
    const wasStopped = !this.isAlive
    this.#abort.abort()
    if (!wasStopped) this.#owner.onEnded(end)
  }

  async #serve(): Promise<void> {
    // Large, and nobody else needs it.
    const http2 = this.#options.h2c ? process.getBuiltinModule('node:http2').connect : null
    const listening = await this.#untilListening()
    if (listening === null) return
    const { host, port, tookMs } = listening
    const owner = this.#owner
    const events: ForwarderEvents = {
      onFreed: (isPassive) => owner.onFreed(isPassive),
      onUnreachable: (session) => owner.onUnreachable(session),
      // One that is being stopped may exit with status 0 in the middle of what it does.
      isAppFailing: () => this.#isStopping || this.#application?.isFailing() === true,
      onLimit: (streams) => owner.onLimit(streams),
      onSlots: (value) => owner.onSlots(value),
      onBadResponse: (message) => owner.onBadResponse(message),
      onBug: (error) => owner.onBug(error),
    }
    this.#forwarder = new Forwarder({ host, port }, this.#options, this.#wheel, events, http2)
    owner.onListening(this.#forwarder, `${host}:${port}`, tookMs)
  }

  /** @returns null when the application ended or is being stopped, and that has been said. */
  async #untilListening() {
    const { signal } = this.#abort
    try {
      const listening = await this.#application?.waitUntilListening(signal)
      return signal.aborted ? null : (listening ?? null)
    } catch (error) {
      if (!signal.aborted) this.#owner.onBug(error)
      return null
    }
  }
}

/** Why there is no process. */
function unstarted(error: unknown): AppEnd {
  const { message } = error as Error
  return { code: error instanceof AppError ? error.exitStatus : 1, signal: null, reason: message }
}
