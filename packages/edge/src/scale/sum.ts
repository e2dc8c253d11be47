import type { MemberCount } from './members.ts'

/** The demand of one app at a moment, as the broker knows it. */
export interface Demand {
  readonly held: number
  /** Since when the oldest held request waits. Meaningless while held is 0. */
  readonly oldestSinceMs: number
  /** Slots of eligible instances without a request: lent, or about to be (a GRANT may be on its way). */
  readonly freeSlots: number
}

/**
 * How many launches the demand asks for, before min, max and back-off (DESIGN section 7):
 *
 *     ceil((held - free slots of eligible instances - starting x S) / S)
 *
 * @param slots S, what one instance serves at a time; 0 until an instance has said so.
 * @param isPatient whether what is held has not yet waited long enough to ask for more than the ready instances.
 * @param isStuck whether it has waited longer than the grant of a free slot can take.
 */
export function launchesFor(
  demand: Demand,
  count: MemberCount,
  slots: number,
  isPatient: boolean,
  isStuck: boolean,
): number {
  const { starting, ready } = count
  if (demand.held === 0) return 0
  if (ready > 0 && isPatient) return 0
  // One is enough to learn what an instance can do.
  if (slots === 0) return starting + ready === 0 ? 1 : 0
  const launches = Math.ceil((demand.held - demand.freeSlots - starting * slots) / slots)
  // Somebody waits although the sum says all is well: the sum is wrong, or an instance is stuck.
  if (launches <= 0) return isStuck && starting === 0 ? 1 : 0
  return launches
}
