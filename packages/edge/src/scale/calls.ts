import type { Problem, Target } from '@brxy/scaler'
import type { Fleet } from './fleet.ts'
import type { Member } from './members.ts'
import { removalsAnswered, removalsAsked } from './parking.ts'

/** The calls to the scaler: one at a time, and what each of them brings about. */
export class Calls {
  readonly #fleet: Fleet
  #isOut = false

  constructor(fleet: Fleet) {
    this.#fleet = fleet
  }

  get isOut(): boolean {
    return this.#isOut
  }

  /** Asks for a call if one is wanted and none is out; what comes meanwhile is in the next one. */
  begin(nowMs: number): void {
    const fleet = this.#fleet
    if (nowMs >= fleet.removals.nextDeadline()) fleet.isCallWanted = true
    if (!fleet.isCallWanted || this.#isOut) return
    fleet.isCallWanted = false
    this.#isOut = true
    fleet.removals.onCall()
    fleet.actions.push({ kind: 'scale' })
  }

  /** What the scaler is to bring about. To be asked when the call begins, once for each 'scale'. */
  target(): Target {
    const start = []
    let want = 0
    for (const member of this.#fleet.members) {
      if (member.phase === 'asked') {
        start.push({ id: member.key, env: {} })
        if (member.call === 'none') member.call = 'out'
      }
      // Linkers that were started by hand are none of the platform's.
      if (isWanted(member) && (member.launched || member.instance !== null)) want++
    }
    removalsAsked(this.#fleet)
    return { want, start, remove: this.#fleet.removals.list() }
  }

  /** @param problem why nothing is known of what it did; null if it was accepted */
  ended(problem: Problem | null, nowMs: number): void {
    const fleet = this.#fleet
    this.#isOut = false
    fleet.removals.onCallEnded(nowMs)
    removalsAnswered(fleet, problem === null)
    for (const member of fleet.members) {
      if (member.call !== 'out') continue
      member.call = problem === null ? 'accepted' : 'none'
      // Nothing is known to have started, so the launches that were new in this call have failed. Their ids are never
      // used again, and what appears of them nevertheless is removed.
      if (problem !== null && member.phase === 'asked') fleet.startFailed(member, problem, nowMs)
    }
  }
}

/** Whether the platform is to have it: what is parked is only waiting to be removed. */
function isWanted({ phase }: Member): boolean {
  return phase !== 'gone' && phase !== 'parked'
}
