import type { AppOptions } from '../app-options.ts'
import type { ScaleOptions } from './controller.ts'

/** Sessions that end count as starting for so long (DESIGN section 7). */
const LOST_MS = 2_000
/** Longer than a linker with a running application waits between two dials (brxy.v1 rule 9: 5 s), and the dial. */
const ADOPT_MS = 7_000
/** An instance that left by itself is removed from the platform if it is still there after this time. */
const LEFT_MS = 15_000

/** What the scaling controller of an app goes by. */
export function scaleOptions(options: AppOptions, canLaunch: boolean): ScaleOptions {
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
    canLaunch,
  }
}
