import { describe, expect, it } from 'vitest'
import { OPTIONS } from './controller.testkit.ts'
import { always, type History, type Rule, Sightings, type Step } from './history.testkit.ts'
import type { Phase } from './members.ts'

const REPLACING = ['by hand', 'replace', 'come'] as const
const { startTimeoutMs } = OPTIONS
/** After these nobody waits for an answer. */
const FORGOTTEN = new Set(['drain', 'park', 'fail', 'end', 'lose', 'keep'])
const SUCCEEDING = new Set<Phase | undefined>(['asked', 'starting', 'lost', 'ready', 'asking'])
const OVER = new Set<Phase | undefined>([undefined, 'gone', 'parked'])

/** Who asked, who is replaced by whom, and who has lent: told by events and actions alone. */
class Account implements Rule {
  /** Those that are owed an answer, in the order of asking. */
  readonly owed = new Set<string>()
  readonly lent = new Set<string>()
  pair: { readonly old: string; readonly successor: string; untilMs: number; isLeaving: boolean } | null =
    null
  /** An account checks nothing by itself. */
  readonly check: (this: Account, action: Step['did'][number], history: History, step: Step) => void

  constructor(check: Account['check'] = () => undefined) {
    this.check = check
  }

  onEvent(what: string, { key, phase }: { key: string; phase: Phase }): void {
    if (what === 'replace') this.owed.add(key)
    if (FORGOTTEN.has(what)) this.owed.delete(key)
    // What an application did before it was started proves nothing.
    if (what === 'connect' || (what === 'restart' && phase === 'parked')) this.lent.delete(key)
    if (what === 'grant') this.lent.add(key)
  }

  onStep(step: Step, history: History): void {
    const { controller, nowMs } = history
    const phaseOf = (key: string) => controller.member(key)?.phase
    // One that parked may be recalled in the same step.
    this.#settle((key) => step.before.get(key), nowMs)
    for (const action of step.did) {
      this.#settle(phaseOf, nowMs)
      this.check(action, history, step)
      if (action.kind === 'launching' && action.replaces !== null) {
        const old = history.members.find(({ copy }) => copy === action.replaces)?.key as string
        const untilMs = nowMs + 2 * startTimeoutMs
        this.pair = { old, successor: action.launch, untilMs, isLeaving: false }
      } else if (action.kind === 'verdict' && action.on === 'replace') {
        this.owed.delete(action.member)
        if (this.pair?.old !== action.member) continue
        if (action.go) Object.assign(this.pair, { untilMs: nowMs + startTimeoutMs, isLeaving: true })
        // One that goes already is told that there is nothing to replace.
        else if (!this.pair.isLeaving) this.pair = null
      } else if (action.kind === 'recall') this.lent.delete(action.member)
    }
    this.#settle(phaseOf, nowMs)
  }

  #settle(phaseOf: (key: string) => Phase | undefined, nowMs: number): void {
    if (this.pair === null) return
    const { old, successor, untilMs } = this.pair
    const isOver = OVER.has(phaseOf(old)) || nowMs >= untilMs || !SUCCEEDING.has(phaseOf(successor))
    if (isOver) this.pair = null
  }
}

describe('in any history with instances that ask to be replaced', () => {
  it('one is replaced at a time', () => {
    const seen = new Sightings('begun')
    always(
      REPLACING,
      () =>
        new Account(function (action) {
          if (action.kind !== 'launching' || action.replaces === null) return
          expect(this.pair).toBe(null)
          seen.saw('begun')
        }),
    )
    seen.expectAll()
  })

  it('successors are launched in the order of asking', () => {
    always(
      REPLACING,
      () =>
        new Account(function (action, { members }) {
          if (action.kind !== 'launching' || action.replaces === null) return
          const [first] = this.owed
          expect(members.find(({ copy }) => copy === action.replaces)?.key).toBe(first)
        }),
    )
  })

  it('nobody goes before its successor is ready and has lent', () => {
    const seen = new Sightings('GO')
    always(
      REPLACING,
      () =>
        new Account(function (action, { controller }) {
          if (action.kind !== 'verdict' || action.on !== 'replace' || !action.go) return
          expect(this.pair?.old).toBe(action.member)
          const successor = this.pair?.successor as string
          expect(controller.member(successor)?.phase).toBe('ready')
          expect(this.lent.has(successor)).toBe(true)
          seen.saw('GO')
        }),
    )
    seen.expectAll()
  })

  it('each question has one answer, and whoever asks nothing is told nothing', () => {
    const seen = new Sightings('GO', 'STAY')
    always(
      REPLACING,
      () =>
        new Account(function (action) {
          if (action.kind !== 'verdict' || action.on !== 'replace') return
          expect(this.owed.has(action.member)).toBe(true)
          seen.saw(action.go ? 'GO' : 'STAY')
        }),
    )
    seen.expectAll()
  })

  it('each question is answered, at the latest when each before it has had its time', () => {
    const seen = new Sightings('waited')
    always(REPLACING, () => {
      const account = new Account()
      return Object.assign(account, {
        onEnd(history: History) {
          const { size } = account.owed
          // Whether an application comes up is for its linker to say.
          for (const { key, phase } of history.members) if (phase === 'starting') history.join(key)
          if (size > 0) seen.saw('waited')
          // Launched, twice as long as any start; told to go, once more.
          for (let i = 0; i < 3 * size; i++) history.pass(startTimeoutMs)
          expect([...account.owed]).toEqual([])
        },
      })
    })
    seen.expectAll()
  })

  it('an instance and its successor count as one: beside them no more than max are launched', () => {
    const seen = new Sightings('beside max')
    always(REPLACING, () => {
      const account = new Account()
      return Object.assign(account, {
        onStep(step: Step, history: History) {
          const { members, options } = history
          Account.prototype.onStep.call(account, step, history)
          if (!step.did.some(({ kind }) => kind === 'launching')) return
          const count = members.filter(({ phase }) => phase !== 'gone' && phase !== 'parked').length
          expect(count).toBeLessThanOrEqual(options.max + (account.pair === null ? 0 : 1))
          if (count > options.max) seen.saw('beside max')
        },
      })
    })
    seen.expectAll()
  })
})
