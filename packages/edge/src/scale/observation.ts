import type { Instance } from '@brxy/scaler'
import type { Fleet } from './fleet.ts'
import { isStarting, type Member } from './members.ts'
import { ENDED } from './problems.ts'

/**
 * What follows from what the platform lists: launches that have failed there, what must be removed, and what may be
 * forgotten. That something is absent says nothing.
 *
 * @param adopt the first look, whose instances are those of an earlier edge
 */
export function observe(fleet: Fleet, instances: readonly Instance[], adopt: boolean, nowMs: number): void {
  const { members, removals } = fleet
  const listed = new Set(instances.map(({ id }) => id))
  fleet.seenMs = nowMs
  for (const instance of instances) {
    const key = instance.launch ?? instance.id
    const member = members.get(key)
    if (member !== undefined) observeMember(fleet, member, instance, nowMs)
    else if (instance.state === 'ended') fleet.remove(instance)
    else if (adopt) adoptInstance(fleet, key, instance, nowMs)
  }
  removals.onListed(listed)
  for (const member of members) {
    // One that was never listed may yet appear: its deadline says how long that is waited for.
    if (member.phase === 'gone' && member.instance !== null && !listed.has(member.instance.id)) {
      members.delete(member)
    }
  }
}

function observeMember(fleet: Fleet, member: Member, instance: Instance, nowMs: number): void {
  const { problem } = instance
  member.instance = instance
  if (problem !== undefined) member.problem = problem
  const hasEnded = instance.state === 'ended'
  if (isStarting(member) && (hasEnded || problem?.final === true)) {
    if (member.phase === 'lost' && member.hasServed) fleet.enter(member, 'gone', nowMs)
    else fleet.startFailed(member, problem ?? ENDED, nowMs)
  }
  // A connected one tells its own story; the record of one that is gone is of no use any more.
  if (member.phase === 'gone' && (hasEnded || member.hasFailed)) fleet.remove(instance)
}

/** An instance of an earlier edge: its linker is about to redial, if it has started at all. */
function adoptInstance(fleet: Fleet, key: string, instance: Instance, nowMs: number): void {
  const member = fleet.meet(key, instance.launch !== undefined, nowMs)
  fleet.enter(member, 'lost', nowMs)
  member.instance = instance
  // Nothing says that it failed, and it need not be removed to make room.
  member.hasServed = true
  member.deadlineMs = nowMs + fleet.options.adoptMs
}
