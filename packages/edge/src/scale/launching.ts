import type { Fleet } from './fleet.ts'
import type { Member } from './members.ts'
import { recall, undecidedCount } from './parking.ts'
import { type Demand, launchesFor } from './sum.ts'

/** Who waits so long beside a slot that is free waits for something else than its grant (DESIGN section 7). */
const STUCK_MS = 100

/**
 * Launches what the demand and `min` ask for, within `max` and the pause after a failure; or says that nothing can come.
 * What is parked is recalled first.
 *
 * @param surplus of an instance and its successor, the one that does not count; null: there is no such pair
 */
export function launch(fleet: Fleet, demand: Demand, surplus: Member | null, nowMs: number): void {
  const { min, max, slots = 0, canLaunch } = fleet.options
  const { backoff } = fleet
  if (backoff.isClosed(nowMs)) {
    if (demand.held > 0 && isHopeless(fleet)) failHeld(fleet, nowMs)
    return
  }
  if (!canLaunch) return
  const count = fleet.members.count(surplus)
  const isPatient = nowMs < patientUntilMs(fleet, demand)
  const isStuck = nowMs >= stuckFromMs(fleet, demand)
  let launches = Math.max(
    launchesFor(demand, count, fleet.slots || slots, isPatient, isStuck),
    nowMs < fleet.blindUntilMs ? 0 : min - count.staying,
  )
  // One launch probes whether the app can be started again after a failure.
  if (backoff.failures > 0) launches = Math.min(launches, 1 - count.starting)
  launches = Math.min(launches, max - count.total)
  while (launches > 0 && recall(fleet, nowMs)) launches--
  for (launches -= undecidedCount(fleet); launches > 0; launches--) fleet.launch(nowMs)
}

/**
 * Nobody is ready, nor starting but what the platform tries by itself: one try follows the other for ever, so as long as the
 * pause lasts they are no better than a launch of ours would be.
 */
export function isHopeless({ members }: Fleet): boolean {
  const { starting, retries, ready } = members.count()
  return starting - retries + ready === 0
}

/** When more may be launched than could be now, if nothing else happens: after a pause, or when patience is over. */
export function nextLaunch(fleet: Fleet, demand: Demand, surplus: Member | null, nowMs: number): number {
  const { min, max, canLaunch } = fleet.options
  const { total, ready, staying } = fleet.members.count(surplus)
  const { backoff } = fleet
  if (!canLaunch || total >= max) return Number.POSITIVE_INFINITY
  // Only times to come: what could be done by now has been done.
  if (backoff.isClosed(nowMs)) {
    return demand.held > 0 || staying < min ? backoff.untilMs : Number.POSITIVE_INFINITY
  }
  const blindMs = staying < min && fleet.blindUntilMs > nowMs ? fleet.blindUntilMs : Number.POSITIVE_INFINITY
  if (demand.held === 0) return blindMs
  const untilMs = patientUntilMs(fleet, demand)
  if (ready > 0 && untilMs > nowMs) return Math.min(untilMs, blindMs)
  const stuckMs = stuckFromMs(fleet, demand)
  return stuckMs > nowMs ? Math.min(stuckMs, blindMs) : blindMs
}

/** The patience clock runs from the oldest request, and anew from each instance that became ready. */
function patientUntilMs({ lastReadyMs, options }: Fleet, demand: Demand): number {
  return Math.max(demand.oldestSinceMs, lastReadyMs) + options.patienceMs
}

/** An instance says that it is ready before its first grant is here: without any patience that is no reason for a second one. */
function stuckFromMs({ lastReadyMs, options }: Fleet, demand: Demand): number {
  return Math.max(demand.oldestSinceMs, lastReadyMs) + Math.max(STUCK_MS, options.patienceMs)
}

function failHeld({ lastProblem, backoff, actions }: Fleet, nowMs: number): void {
  if (lastProblem === null) return
  actions.push({ kind: 'fail-held', problem: lastProblem, retryMs: backoff.remainingMs(nowMs) })
}
