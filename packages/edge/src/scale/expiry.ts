import type { Fleet } from './fleet.ts'
import { isUnseen, type Member } from './members.ts'
import { LOST, neverConnected, neverReady } from './problems.ts'

/** What becomes of members whose time in their phase is over: launches, lost sessions, and what has left. */
export function expire(fleet: Fleet, nowMs: number): void {
  const { canLaunch, leftMs } = fleet.options
  for (const member of fleet.members) {
    const { deadlineMs } = member
    if (nowMs < deadlineMs) continue
    member.deadlineMs = Number.POSITIVE_INFINITY
    switch (member.phase) {
      case 'asked':
        fleet.startFailed(member, member.problem ?? neverConnected(deadlineMs - member.createdMs), nowMs)
        break
      case 'starting':
        // Only one that was recalled has so long; of others the linker says that they did not start.
        fleet.startFailed(member, neverReady(deadlineMs - member.sinceMs), nowMs)
        break
      case 'lost':
        // One that was started by hand may come again by hand: that is no failed start.
        if (member.hasServed || !member.launched) giveUp(fleet, member, nowMs)
        else fleet.startFailed(member, LOST, nowMs)
        break
      case 'gone':
        if (member.instance !== null) fleet.remove(member.instance)
        // A call whose answer was lost may have started it: until the platform was seen nobody knows.
        if (canLaunch && isUnseen(member, fleet.seenMs)) member.deadlineMs = nowMs + leftMs
        else fleet.members.delete(member)
        break
    }
  }
}

/** When the first of them is over. */
export function nextExpiry({ members }: Fleet): number {
  let deadline = Number.POSITIVE_INFINITY
  for (const { deadlineMs } of members) deadline = Math.min(deadline, deadlineMs)
  return deadline
}

/** A platform that has not even started it yet (an image to pull) is given as long as for any launch. */
function giveUp(fleet: Fleet, member: Member, nowMs: number): void {
  fleet.enter(member, 'gone', nowMs)
  if (member.instance?.state === 'starting') {
    member.deadlineMs = Math.max(member.deadlineMs, member.createdMs + fleet.options.startTimeoutMs)
  }
}
