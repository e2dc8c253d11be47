import { monotonicMs } from '../monotonic.ts'
import { type HealthPage, probe } from './probe.ts'

export interface WaitOptions {
  /** IP addresses, the preferred one first. Default 127.0.0.1, then ::1: some applications listen on ::1 only. */
  readonly hosts?: readonly string[]
  readonly port: number
  /** Without one, a connection that is accepted is readiness enough. */
  readonly health?: HealthPage
  /** Ends the waiting: the application exited, or took too long. The caller decides both. */
  readonly signal: AbortSignal
}

export interface Listening {
  /** The address that answered first; the application is reached there from now on. */
  readonly address: string
  /** From the call to the answer. */
  readonly tookMs: number
}

const LOOPBACK: readonly string[] = ['127.0.0.1', '::1']

// An application is noticed at most a tenth later than it could have been (3 ms for one that takes 40, with a fifth it were
// 6), and one that takes long is asked ten times a second.
const FIRST_INTERVAL_MS = 2
const INTERVAL_GROWTH = 1.1
const MAX_INTERVAL_MS = 100

/**
 * Waits until the application answers on one of `hosts`.
 *
 * Whoever answers there passes for the application; that the port was free just before is the caller's to ensure
 * (port.ts), and that the application still runs is what `signal` is for.
 *
 * @throws `signal.reason` once it is aborted
 */
export async function waitUntilListening(options: WaitOptions): Promise<Listening> {
  const { hosts = LOOPBACK, port, health, signal } = options
  const startedAt = monotonicMs()
  for (let intervalMs = FIRST_INTERVAL_MS; ; intervalMs *= INTERVAL_GROWTH) {
    for (const address of hosts) {
      const ready = await probe(address, port, health, signal)
      signal.throwIfAborted()
      if (ready) return { address, tookMs: monotonicMs() - startedAt }
    }
    await pause(Math.min(intervalMs, MAX_INTERVAL_MS), signal)
    signal.throwIfAborted()
  }
}

/** Resolves after `ms`, or at once when `signal` is aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', finish)
      resolve()
    }
    const timer = setTimeout(finish, ms)
    signal.addEventListener('abort', finish)
  })
}
