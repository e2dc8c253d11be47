import type { Instance } from '@brxy/scaler'
import type { Fleet } from './fleet.ts'
import type { Member } from './members.ts'
import { servesBefore } from './serving-order.ts'

/**
 * Instances of platforms that would restart whatever exits: after GO they stop their application and wait, parked, to be
 * removed by the platform. Until it was asked for that they are the cheapest instances that there are, so a demand for more
 * recalls them before anything is launched. From then on they are none: a platform takes a second from the lower number to
 * the signal, and what it had begun in it would have the time of a drain. Should the platform remove one nevertheless, it
 * says goodbye, and the demand launches anew.
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
    if (member.phase !== 'parked' || member.isReplaced || member.removal !== 'none') continue
    if (best === null || servesBefore(member, best)) best = member
  }
  if (best === null) return false
  startAgain(fleet, best, nowMs)
  fleet.actions.push({ kind: 'recall', member: best.key })
  return true
}

/** Of those that are parked, how many the call that is out may prove to be kept: what is launched meanwhile starts no sooner. */
export function undecidedCount({ members }: Fleet): number {
  let count = 0
  for (const { phase, isReplaced, removal } of members)
    if (phase === 'parked' && !isReplaced && removal === 'out') count++
  return count
}

/** A call begins whose target names what is to be removed: the platform may take it from now on. */
export function removalsAsked({ members, removals }: Fleet): void {
  for (const member of members) {
    const { phase, instance, removal } = member
    if (phase !== 'parked' || instance === null || !removals.has(instance.id)) continue
    if (removal !== 'accepted') member.removal = 'out'
  }
}

/** @param accepted whether the call was; one that failed may have been carried out, and only its answer lost */
export function removalsAnswered({ members }: Fleet, accepted: boolean): void {
  for (const member of members)
    if (member.removal === 'out') member.removal = accepted ? 'accepted' : 'failed'
}

/** The platform has it still after a call for its removal that failed, or says that it has left it alone. */
export function stillListed(member: Member, { kept = false }: Instance): void {
  if (kept || member.removal === 'failed') member.removal = 'none'
}

/** It starts its application: as for any start, there is a time for that. */
export function startAgain(fleet: Fleet, member: Member, nowMs: number): void {
  fleet.begin(member, nowMs)
  member.deadlineMs = nowMs + fleet.options.startTimeoutMs
  if (member.instance !== null) fleet.removals.cancel(member.instance.id)
  // It counts again among those that the platform is to have.
  fleet.isCallWanted = true
}
