import type { Fleet } from './fleet.ts'
import { isUnseen, type Member } from './members.ts'
import { LOST, neverConnected, neverReady } from './problems.ts'

/** While others come back one is waited for so many times as long as alone. */
const MAX_AWAITED_TIMES = 4

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
        member.deadlineMs = returnsUntilMs(fleet, member)
        if (nowMs < member.deadlineMs) break
        member.deadlineMs = Number.POSITIVE_INFINITY
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

/**
 * Hundreds that lost the same edge do not come back at once: their pauses differ, and so many handshakes take their time. As
 * long as some do, the others are on their way.
 */
function returnsUntilMs({ lastReturnMs }: Fleet, { sinceMs, awaitedMs }: Member): number {
  const sinceOthersMs = Math.max(sinceMs, lastReturnMs)
  return Math.min(sinceOthersMs + awaitedMs, sinceMs + MAX_AWAITED_TIMES * awaitedMs)
}

/** A platform that has not even started it yet (an image to pull) is given as long as for any launch. */
function giveUp(fleet: Fleet, member: Member, nowMs: number): void {
  fleet.enter(member, 'gone', nowMs)
  if (member.instance?.state === 'starting') {
    member.deadlineMs = Math.max(member.deadlineMs, member.createdMs + fleet.options.startTimeoutMs)
  }
}
