import type { AppExit } from './app/process.ts'
import type { AppAddress } from './forward/app-connection.ts'

/** The application as the linker sees it, whether it started it or only attached to it. */
export interface Application {
  /** Whether it was started here, and so is stopped here. */
  readonly isOwned: boolean
  /** How the first process ended, if it was started here; never resolves otherwise. */
  readonly exited: Promise<AppExit>
  /** Resolves when it accepts connections. Rejects with the signal's reason. */
  waitUntilListening(signal: AbortSignal): Promise<AppAddress & { readonly tookMs: number }>
  stop(killAfterMs: number): Promise<unknown>
  /** The last output, for the report of a failure. */
  tail(): string
}
