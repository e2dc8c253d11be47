import type { Fleet } from './fleet.ts'
import { isStarting, type Member } from './members.ts'

/** One replacement: from the launch of the successor until the old one is gone, or there will be no successor. */
interface Replacement {
  readonly old: Member
  readonly successor: Member
  /** When it is given up; after GO, when the old one is waited for no longer. */
  deadlineMs: number
}

/**
 * Instances that want a successor before they leave (REPLACE: a restart with a new version of the code).
 *
 * One is replaced at a time, in the order of asking, and beside `max`: for as long as there are both, the two count as
 * one. The old one serves on. It gets GO when its successor has granted for the first time, which proves that the new
 * one takes requests; and STAY when there will be none: its start has failed or took twice `startTimeout` (to connect,
 * and to be ready), nothing can be launched (no scaler, a pause after a failure), or more than `max` run already.
 *
 * If the old one is gone before that, its successor is an instance like any other. If only its session is over, its question
 * has ended with it, also when it goes on at another edge: it asks again when it is back, and is answered by the same successor.
 */
export class Replacements {
  readonly #fleet: Fleet
  /** Those that were not answered yet, in the order of asking; also the one whose successor is under way. */
  readonly #askers = new Set<Member>()
  #current: Replacement | null = null

  constructor(fleet: Fleet) {
    this.#fleet = fleet
  }

  /** Of a pair, the one that is not counted: the successor; after GO the old one. null: there is no pair. */
  get surplus(): Member | null {
    if (this.#current === null) return null
    const { old, successor } = this.#current
    return old.phase === 'leaving' ? old : successor
  }

  ask(member: Member): void {
    // One that starts may be asked to restart as well; of all others there is nothing to replace.
    if (member.phase === 'ready' || member.phase === 'starting') {
      // If it was told to go, then in a session that ended before it heard so.
      member.isReplaced = false
      this.#askers.add(member)
    } else this.#answer(member, false)
  }

  /** It asks for something else instead. The answer that it is owed comes first. */
  withdraw(member: Member): void {
    if (!this.#askers.has(member)) return
    this.#answer(member, false)
    if (this.#current?.old === member) this.#current = null
  }

  /** Its session is over, or it drains: nobody waits for the answer. */
  forget(member: Member): void {
    this.#askers.delete(member)
  }

  /** Answers those that can be answered, and launches the next successor. */
  step(nowMs: number): void {
    if (this.#current !== null) this.#settle(this.#current, nowMs)
    const { options, backoff, members } = this.#fleet
    for (const asker of this.#askers) {
      if (asker === this.#current?.old) continue
      const { total, starting } = members.count(this.surplus)
      if (!options.canLaunch || backoff.isClosed(nowMs)) this.#answer(asker, false)
      else if (this.#current !== null) return
      else if (total > options.max) this.#answer(asker, false)
      // After a failure one launch at a time shows whether the app can be started.
      else if (backoff.failures === 0 || starting === 0) this.#begin(asker, nowMs)
    }
  }

  nextDeadline(): number {
    return this.#current?.deadlineMs ?? Number.POSITIVE_INFINITY
  }

  #begin(old: Member, nowMs: number): void {
    const successor = this.#fleet.launch(nowMs, old)
    this.#current = { old, successor, deadlineMs: nowMs + 2 * this.#fleet.options.startTimeoutMs }
  }

  #settle(replacement: Replacement, nowMs: number): void {
    const { old, successor, deadlineMs } = replacement
    const isOver = old.phase === 'gone' || old.phase === 'parked' || nowMs >= deadlineMs
    if (isOver || !(isStarting(successor) || isServing(successor))) {
      this.#current = null
      if (this.#askers.has(old)) this.#answer(old, false)
    } else if (successor.hasGranted && successor.phase === 'ready' && this.#askers.has(old)) {
      this.#answer(old, true)
      old.isReplaced = true
      this.#fleet.enter(old, 'leaving', nowMs)
      // It has so long to finish what it works on before the next one is replaced.
      replacement.deadlineMs = nowMs + this.#fleet.options.startTimeoutMs
    }
  }

  #answer(member: Member, go: boolean): void {
    this.#askers.delete(member)
    this.#fleet.actions.push({ kind: 'verdict', member: member.key, go, on: 'replace' })
  }
}

function isServing({ phase }: Member): boolean {
  return phase === 'ready' || phase === 'asking'
}
