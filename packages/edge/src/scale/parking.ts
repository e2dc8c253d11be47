import type { Fleet } from './fleet.ts'
import type { Member } from './members.ts'
import { servesBefore } from './serving-order.ts'

/**
 * Instances of platforms that would restart whatever exits: after GO they stop their application and wait, parked, to be
 * removed by the platform. Until that has happened they are the cheapest instances that there are, so a demand for more
 * recalls them before anything is launched. Should the platform remove one nevertheless, it says goodbye, and the
 * demand launches anew.
 */
export function park(fleet: Fleet, member: Member, nowMs: number): void {
  fleet.enter(member, 'parked', nowMs)
  // Of one that the platform has not listed yet this follows when it does.
  if (member.instance !== null) fleet.remove(member.instance)
}

/** Has one that is parked start again, the last to be removed first. @returns false if there is none */
export function recall(fleet: Fleet, nowMs: number): boolean {
  let best: Member | null = null
  for (const member of fleet.members) {
    // One that was replaced would come back with what it was replaced for.
    if (member.phase !== 'parked' || member.isReplaced) continue
    if (best === null || servesBefore(member, best)) best = member
  }
  if (best === null) return false
  startAgain(fleet, best, nowMs)
  fleet.actions.push({ kind: 'recall', member: best.key })
  return true
}

/** It starts its application: as for any start, there is a time for that. */
export function startAgain(fleet: Fleet, member: Member, nowMs: number): void {
  fleet.begin(member, nowMs)
  member.deadlineMs = nowMs + fleet.options.startTimeoutMs
  if (member.instance !== null) fleet.removals.cancel(member.instance.id)
  // It counts again among those that the platform is to have.
  fleet.isCallWanted = true
}
