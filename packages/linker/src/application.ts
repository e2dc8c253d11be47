import type { AppAddress } from './forward/app-connection.ts'
import type { AppEnd } from './life/action.ts'

/** The application as the linker sees it, whether it started it or only attached to it. */
export interface Application {
  /** How the first process ended, if it was started here; never resolves otherwise, and never rejects. */
  readonly exited: Promise<AppEnd>
  /** It is ending by a signal, or with a status other than 0: what it has not completed will not be. */
  isFailing(): boolean
  /** Resolves when it accepts connections. Rejects with the signal's reason. */
  waitUntilListening(signal: AbortSignal): Promise<AppAddress & { readonly tookMs: number }>
  /** Resolves when all of it is gone; at once for one that was not started here. Idempotent, never rejects. */
  stop(killAfterMs: number): Promise<unknown>
  /**
   * The same application once more, after it was stopped: a new process, if it was started here.
   * @throws Error (as a rejection) if it cannot be started
   */
  again(): Promise<Application>
  /** The last output, for the report of a failure. */
  tail(): string
}
