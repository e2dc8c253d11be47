import type { AppScaler } from '@brxy/scaler'
import type { AppOptions } from '../app-options.ts'

/** Sessions that end count as starting for so long (DESIGN section 7). */
const LOST_MS = 2_000
/** Longer than a linker with a running application waits between two dials (brxy.v1 rule 9: 5 s), and the dial. */
const ADOPT_MS = 7_000
/** What a dial takes, once its time has come. */
const DIAL_MS = 1_000
/** Nobody is waited for any longer, however far apart linkers are told to redial: a request is held for 50 s. */
const MAX_AWAITED_MS = 30_000
/** An instance that left by itself is removed from the platform if it is still there after this time. */
const LEFT_MS = 15_000

/** What the scaling controller of an app goes by. */
export interface ScaleOptions {
  /** Instances kept running. */
  readonly min: number
  /** Bounds connected + starting instances. */
  readonly max: number
  /** S until the first instance has said its own. Without it, one is started to learn S before any more are. */
  readonly slots?: number | undefined
  /** How long a request may be held, while instances are ready, before another is started. */
  readonly patienceMs: number
  /** A launch that has not connected by then has failed. */
  readonly startTimeoutMs: number
  /** A session that ended without leaving counts as starting for so long. */
  readonly lostMs: number
  /** Instances found at the start count as starting for so long. */
  readonly adoptMs: number
  /** An instance that left is removed from the platform if it is still there after this time. */
  readonly leftMs: number
  readonly backoffMinMs: number
  readonly backoffMaxMs: number
  /** Whether this edge can start instances of the app at all. */
  readonly canLaunch: boolean
  /** Whether the platform only counts replicas: no launch can be told from another until its linker connects. */
  readonly isCounted: boolean
}

/**
 * Of an app as it is configured.
 *
 * @param launches how its scaler starts instances; null: it has none
 * @param spreadMs over which linkers redial when their session was lost
 */
export function scaleOptions(
  options: AppOptions,
  launches: AppScaler['launches'] | null,
  spreadMs: number,
): ScaleOptions {
  const { min, max, slots, patienceMs, startTimeoutMs, backoff } = options
  return {
    min,
    max,
    ...(slots === undefined ? {} : { slots }),
    patienceMs,
    startTimeoutMs,
    lostMs: awaitedMs(LOST_MS, spreadMs),
    adoptMs: awaitedMs(ADOPT_MS, spreadMs),
    leftMs: LEFT_MS,
    backoffMinMs: backoff.minMs,
    backoffMaxMs: backoff.maxMs,
    canLaunch: launches !== null,
    isCounted: launches === 'counted',
  }
}

/** Whoever is to come back later than others is waited for. */
function awaitedMs(atLeastMs: number, spreadMs: number): number {
  return Math.max(atLeastMs, Math.min(spreadMs + DIAL_MS, MAX_AWAITED_MS))
}
