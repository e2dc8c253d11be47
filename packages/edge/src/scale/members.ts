import type { Instance, Problem } from '@brxy/scaler'

/**
 * Where an instance is in its life, as the scaling controller sees it.
 *
 *     asked -> starting -> ready <-> asking -> leaving -> gone
 *        \         \         /                  (a signal: from any to leaving)
 *         \         \-> lost <--> back by reconnecting
 *          \--------------\----------------------------> gone
 *
 *     leaving -> parked -> gone, or recalled: starting       (platforms that restart what exits)
 *     ready -> leaving, when its successor has granted       (REPLACE)
 *
 * One that is gone is kept while the platform may still list it, so that it can be removed there.
 */
export type Phase = 'asked' | 'starting' | 'ready' | 'asking' | 'leaving' | 'parked' | 'lost' | 'gone'

/** One instance or launch of an app. */
export interface Member {
  /** The launch id, or the instance id of a linker that was started by hand. */
  readonly key: string
  /** Whether an edge launched it. */
  readonly launched: boolean
  /** The number people see: `shop/3`. The newest has the highest. */
  readonly copy: number
  readonly createdMs: number
  phase: Phase
  /** When it entered its phase. */
  sinceMs: number
  /** When its phase is over by itself. */
  deadlineMs: number
  /** How long it is waited for, since its session was lost. */
  awaitedMs: number
  slots: number
  hasServed: boolean
  /** It has lent a slot. */
  hasGranted: boolean
  /** It leaves because a successor serves in its place. */
  isReplaced: boolean
  /** Its start failed: whatever the platform has of it is removed at once. */
  hasFailed: boolean
  /** The platform has made it by itself after another one had failed, and nothing was heard of its linker. */
  isRetry: boolean
  /** People were told that its linker is long in coming. */
  isSlowTold: boolean
  /** Where its launch is: in no call to the scaler yet, in the one that is out, or accepted by the platform. */
  call: 'none' | 'out' | 'accepted'
  /**
   * Parked: what became of the call that names it among the removals. 'out' and 'accepted': it may be ended at any moment;
   * 'failed': it may be, until the platform is seen to have it still.
   */
  removal: 'none' | 'out' | 'accepted' | 'failed'
  /** Requests it had been given when it last asked to leave. */
  dispatched: number
  /** The same, when it was last kept only for being the newest; -1 for never. */
  keptAt: number
  /** Its linker's process: the platform may have started another one in its name. */
  linker: string | null
  /** The platform's name for it, once known: `Instance.id`, which a linker says too. Only where launches are counted. */
  platform: string | null
  /** The platform's view, once observed. */
  instance: Instance | null
  /** The platform's latest complaint, the reason given if the launch times out. */
  problem: Problem | null
}

/** How many members are where. */
export interface MemberCount {
  /** Connected and starting: what `max` bounds. */
  readonly total: number
  /** May become ready without anything new being launched. */
  readonly starting: number
  /** Of those, what the platform tries by itself after another one has failed. */
  readonly retries: number
  /** May be given requests. */
  readonly ready: number
  /** Of the total, those that are not on their way out: what `min` asks for. */
  readonly staying: number
}

/** Whether it may yet become ready without anything new being launched. */
export function isStarting(member: Member): boolean {
  return member.phase === 'asked' || member.phase === 'starting' || member.phase === 'lost'
}

/** Whether its launch has failed and the platform was not seen since. @param seenMs when it was last seen */
export function isUnseen(member: Member, seenMs: number): boolean {
  return member.hasFailed && seenMs <= member.sinceMs
}

/** The instances of one app. Few (bounded by `max`), so counting walks over them. */
export class Members {
  readonly #byKey = new Map<string, Member>()

  get(key: string): Member | undefined {
    return this.#byKey.get(key)
  }

  /** @param copy higher than that of any member before. */
  add(key: string, launched: boolean, copy: number, nowMs: number): Member {
    const member: Member = {
      key,
      launched,
      copy,
      createdMs: nowMs,
      phase: 'asked',
      sinceMs: nowMs,
      deadlineMs: Number.POSITIVE_INFINITY,
      awaitedMs: 0,
      slots: 0,
      hasServed: false,
      hasGranted: false,
      isReplaced: false,
      hasFailed: false,
      isRetry: false,
      isSlowTold: false,
      call: 'none',
      removal: 'none',
      dispatched: 0,
      keptAt: -1,
      linker: null,
      platform: null,
      instance: null,
      problem: null,
    }
    this.#byKey.set(key, member)
    return member
  }

  delete(member: Member): void {
    this.#byKey.delete(member.key)
  }

  /** @param surplus one that is left out: of an instance and its successor only one counts */
  count(surplus: Member | null = null): MemberCount {
    let total = 0
    let starting = 0
    let retries = 0
    let ready = 0
    let leaving = 0
    for (const member of this.#byKey.values()) {
      if (member === surplus || member.phase === 'gone' || member.phase === 'parked') continue
      total++
      if (isStarting(member)) {
        starting++
        if (member.isRetry) retries++
      } else if (member.phase === 'leaving') leaving++
      // An instance that was told to serve nobody (S = 0) is connected and no help.
      else if (member.phase === 'ready' && member.slots > 0) ready++
    }
    return { total, starting, retries, ready, staying: total - leaving }
  }

  /** In launch order, for members are added in it. */
  [Symbol.iterator](): Iterator<Member> {
    return this.#byKey.values()
  }
}
