import type { Member, Members } from './members.ts'
import { servesBefore } from './serving-order.ts'

/** What decides about leaving, beside the members themselves. */
export interface LeaveRules {
  /** Instances kept. */
  readonly min: number
  /** Whether anything keeps every instance: demand, or nobody who could start one again. */
  readonly keepsAll: boolean
  /** A leaver that takes longer no longer keeps others from leaving. */
  readonly leaveMs: number
}

/** An answer to LEAVE. */
export interface Verdict {
  readonly member: Member
  readonly go: boolean
}

/**
 * Which of those that ask may leave (DESIGN section 8): one at a time, in launch order, never below `min`. Where
 * the platform removes the highest `order` first they go in that order. The one that is served first, mostly the newest,
 * is kept at its first asking; it goes when it asks again without having been given a request in between. So the
 * last instance is idle for twice as long as any other before the app is back at zero.
 */
export class Leavers {
  #leaver: Member | null = null
  #untilMs = Number.POSITIVE_INFINITY

  /** The answers that are due. Those that have to wait for another to be gone get theirs later. */
  judge(members: Members, rules: LeaveRules, nowMs: number): Verdict[] {
    if (this.#leaver !== null && (this.#leaver.phase !== 'leaving' || nowMs >= this.#untilMs)) {
      this.#leaver = null
    }
    const askers = [...members]
      .filter(({ phase }) => phase === 'asking')
      .sort((one, other) => (servesBefore(one, other) ? 1 : -1))
    if (askers.length === 0) return []
    let serving = 0
    for (const { phase } of members) if (phase === 'ready' || phase === 'asking') serving++
    const first = firstServed(members)
    const verdicts: Verdict[] = []
    for (const member of askers) {
      const isKept = member === first && member.keptAt !== member.dispatched
      if (rules.keepsAll || isKept || serving <= rules.min) {
        if (isKept && !rules.keepsAll) member.keptAt = member.dispatched
        verdicts.push({ member, go: false })
      } else if (this.#leaver === null) {
        this.#leaver = member
        this.#untilMs = nowMs + rules.leaveMs
        serving--
        verdicts.push({ member, go: true })
      }
    }
    return verdicts
  }

  /** When somebody who asks need not wait any longer for the one that leaves. */
  nextDeadline(members: Members): number {
    if (this.#leaver === null) return Number.POSITIVE_INFINITY
    for (const { phase } of members) if (phase === 'asking') return this.#untilMs
    return Number.POSITIVE_INFINITY
  }
}

/** Of those that serve. */
function firstServed(members: Members): Member | null {
  let first: Member | null = null
  for (const member of members) {
    if (member.phase !== 'ready' && member.phase !== 'asking') continue
    if (first === null || servesBefore(member, first)) first = member
  }
  return first
}
