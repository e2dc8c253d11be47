import type { Instance, Problem } from '@brxy/scaler'
import type { Fleet } from './fleet.ts'
import { memberOfListed, pairListed, unpairAbsent } from './identity.ts'
import { isStarting, type Member } from './members.ts'
import { stillListed } from './parking.ts'
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
  fleet.blindUntilMs = Number.NEGATIVE_INFINITY
  unpairAbsent(fleet, listed)
  // Those that are known first: what fails there tells what another one is there for.
  const unknown = instances.filter((instance) => {
    const member = memberOfListed(fleet, instance)
    if (member !== null) observeMember(fleet, member, instance, nowMs)
    return member === null
  })
  const strays: Instance[] = []
  for (const instance of unknown) {
    if (instance.state === 'ended') removeRecord(fleet, instance)
    // It is to go, and its member was forgotten: nobody waits for it again, nor does it stand for a launch, or the platform
    // would start another one in its place as long as it cannot remove it. Should it come after all, `joined` keeps it. (What
    // could not be created is listed under another id by then, so the next launch does hear of that: `Placeholders`.)
    else if (removals.has(instance.id)) continue
    else if (fleet.options.isCounted) takeUpReplica(fleet, instance, adopt, nowMs)
    else if (adopt) adoptInstance(fleet, instance, nowMs)
    else if (instance.state === 'starting') strays.push(instance)
  }
  for (const stray of fleet.strays.overdue(strays, fleet.options.startTimeoutMs, nowMs)) fleet.remove(stray)
  for (const instance of instances) standIn(fleet, instance, nowMs)
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
  stillListed(member, instance)
  if (problem !== undefined) member.problem = problem
  const hasEnded = instance.state === 'ended'
  if (isStarting(member) && (hasEnded || problem?.final === true)) {
    if (member.phase === 'lost' && member.hasServed && !hasNeverConnected(fleet, member, problem))
      fleet.enter(member, 'gone', nowMs)
    else fleet.startFailed(member, problem ?? ENDED, nowMs)
  }
  // giveUp() (expiry.ts) leaves one that the platform has not started as long as any launch. Now that it runs, it has no
  // longer than others that are gone.
  if (member.phase === 'gone' && instance.state === 'running')
    member.deadlineMs = Math.min(member.deadlineMs, nowMs + fleet.options.leftMs)
  // A connected one tells its own story; the record of one that is gone is of no use any more.
  if (member.phase === 'parked' || (member.phase === 'gone' && (hasEnded || member.hasFailed)))
    fleet.remove(instance)
}

/**
 * Counted: nothing was heard of its linker, and the platform says what is wrong with it: a start that failed, not an instance
 * that ended.
 */
function hasNeverConnected({ options }: Fleet, { linker }: Member, problem: Problem | undefined): boolean {
  return options.isCounted && linker === null && problem !== undefined
}

/**
 * A replica that nobody knows is what the oldest launch asked for. There may be none: a call whose answer was lost has
 * raised the number, or the platform has replaced one by another. All replicas are the app's, so it is waited for like one of
 * an earlier edge.
 */
function takeUpReplica(fleet: Fleet, instance: Instance, adopt: boolean, nowMs: number): void {
  const launch = pairListed(fleet, instance)
  if (launch !== null) return observeMember(fleet, launch, instance, nowMs)
  const member = adoptInstance(fleet, instance, nowMs)
  member.isRetry = !adopt && fleet.hasReplicaFailed
  if (instance.problem?.final === true) observeMember(fleet, member, instance, nowMs)
}

/**
 * Counted: a launch for which no replica came stands for that of one that is gone, as it would if its linker connected: there
 * are as many as were asked for. So what the platform says of it is said of the launch, and is the reason why that fails.
 * One of which it says nothing may be hanging; it is removed in its time, and another one comes.
 */
function standIn(fleet: Fleet, instance: Instance, nowMs: number): void {
  const { id, problem } = instance
  if (!fleet.options.isCounted || problem === undefined || fleet.removals.has(id)) return
  const member = memberOfListed(fleet, instance)
  if (member?.phase !== 'gone') return
  const launch = pairListed(fleet, instance)
  if (launch === null) return
  member.platform = null
  member.instance = null
  observeMember(fleet, launch, instance, nowMs)
}

/** What is left of an instance that nobody knows. Replicas that ended are the platform's own to replace: it counts them. */
function removeRecord(fleet: Fleet, instance: Instance): void {
  if (!fleet.options.isCounted) fleet.remove(instance)
}

/** An instance of an earlier edge: its linker is about to redial, if it has started at all. */
function adoptInstance(fleet: Fleet, instance: Instance, nowMs: number): Member {
  const { isCounted } = fleet.options
  const member = fleet.meet(instance.launch ?? instance.id, isCounted || instance.launch !== undefined, nowMs)
  if (isCounted) member.platform = instance.id
  fleet.enter(member, 'lost', nowMs)
  member.instance = instance
  member.problem = instance.problem ?? null
  // Nothing says that it failed, and it need not be removed to make room.
  member.hasServed = true
  member.awaitedMs = fleet.options.adoptMs
  member.deadlineMs = nowMs + member.awaitedMs
  return member
}
