import type { Instance } from '@brxy/scaler'
import type { Fleet } from './fleet.ts'
import type { Member } from './members.ts'

/** How a linker names itself in HELLO. */
export interface LinkerIdentity {
  /** Of its process. */
  readonly instance: string
  /** The launch that started it, where launches are named. */
  readonly launch?: string
  /** The platform's name for it: `Instance.id`. */
  readonly platform?: string
}

/**
 * Which member a linker is, or is to be.
 *
 * Where launches are named it says so itself. On platforms that only count replicas a launch is one replica more, and no id
 * of ours comes back: a replica that connects without being known stands for the oldest launch that was asked for. So does the
 * replica of one that is gone, when the platform has started it again: with it there are as many as were asked for, and no
 * other one will come. A linker that does not say which replica it is (BRXY_INSTANCE) was started by hand and stands for none:
 * the replica of the launch is still to come, and the two would be one replica that the platform can never have.
 */
export function keyOfLinker(fleet: Fleet, linker: LinkerIdentity): string {
  const known = knownKeyOf(fleet, linker)
  const isAgain = fleet.options.isCounted && known !== null && hasGone(fleet, known, linker)
  if (known !== null && !isAgain) return known
  if (linker.platform === undefined) return linker.instance
  return oldestAsked(fleet)?.key ?? known ?? linker.platform
}

/** Whether the member's process is over, and this linker another one. */
function hasGone({ members }: Fleet, key: string, { instance }: LinkerIdentity): boolean {
  const member = members.get(key)
  return member?.phase === 'gone' && member.linker !== instance
}

/** The linker is that of the member from now on; and where replicas are counted its replica nobody else's. */
export function pairLinker(fleet: Fleet, member: Member, { instance, platform }: LinkerIdentity): void {
  // It was another process that had a successor: the platform has started this one since.
  if (member.linker !== instance) member.isReplaced = false
  member.linker = instance
  if (!fleet.options.isCounted || platform === undefined) return
  const before = find(fleet, (other) => other !== member && other.platform === platform)
  if (before !== null) {
    fleet.removals.cancel(platform)
    before.platform = null
    before.instance = null
  }
  member.platform = platform
}

/** The same of one that stands for no launch unless it is known to. @returns null: it is not known */
export function knownKeyOf(fleet: Fleet, { instance, launch, platform }: LinkerIdentity): string | null {
  if (!fleet.options.isCounted) return launch ?? instance
  const known = find(fleet, (member) => platform !== undefined && member.platform === platform)
  return (known ?? find(fleet, ({ linker }) => linker === instance))?.key ?? null
}

/** Which member a listed instance is; null: none yet. */
export function memberOfListed(fleet: Fleet, { id, launch }: Instance): Member | null {
  if (!fleet.options.isCounted) return fleet.members.get(launch ?? id) ?? null
  return find(fleet, ({ platform }) => platform === id)
}

/** Counted: an instance that nobody knows stands for the oldest launch too. @returns null if there is none to stand for */
export function pairListed(fleet: Fleet, { id }: Instance): Member | null {
  const member = oldestAsked(fleet)
  if (member !== null) member.platform = id
  return member
}

/** Counted: a replica that vanished before it connected is replaced by the platform; its launch waits for the next one. */
export function unpairAbsent(fleet: Fleet, listed: ReadonlySet<string>): void {
  if (!fleet.options.isCounted) return
  for (const member of fleet.members) {
    if (member.phase !== 'asked' || member.platform === null || listed.has(member.platform)) continue
    member.platform = null
    member.instance = null
  }
}

/** Members are in launch order. */
function oldestAsked(fleet: Fleet): Member | null {
  return find(fleet, ({ phase, platform }) => phase === 'asked' && platform === null)
}

function find({ members }: Fleet, matches: (member: Member) => boolean): Member | null {
  for (const member of members) if (matches(member)) return member
  return null
}
