import type { AppScaler } from '@brxy/scaler'
import type { AppOptions } from '../app-options.ts'

/** Sessions that end count as starting for so long (DESIGN section 7). */
const LOST_MS = 2_000
/** Longer than a linker with a running application waits between two dials (brxy.v1 rule 9: 5 s), and the dial. */
const ADOPT_MS = 7_000
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

/** Of an app as it is configured. @param launches how its scaler starts instances; null: it has none */
export function scaleOptions(options: AppOptions, launches: AppScaler['launches'] | null): ScaleOptions {
  const { min, max, slots, patienceMs, startTimeoutMs, backoff } = options
  return {
    min,
    max,
    ...(slots === undefined ? {} : { slots }),
    patienceMs,
    startTimeoutMs,
    lostMs: LOST_MS,
    adoptMs: ADOPT_MS,
    leftMs: LEFT_MS,
    backoffMinMs: backoff.minMs,
    backoffMaxMs: backoff.maxMs,
    canLaunch: launches !== null,
    isCounted: launches === 'counted',
  }
}
