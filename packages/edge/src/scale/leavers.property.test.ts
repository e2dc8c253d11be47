import { describe, expect, it } from 'vitest'
import { OPTIONS } from './controller.testkit.ts'
import { always, type History, inOrderOfLeaving, type Rule, Sightings, type Step } from './history.testkit.ts'
import type { Member, Phase } from './members.ts'

const LEAVING = ['by hand', 'come', 'idle'] as const
const serves = (phase: Phase | undefined) => phase === 'ready' || phase === 'asking'

/** An answer, and what was so when it was given. */
interface Answer {
  readonly member: Member
  readonly go: boolean
  /** Whom requests are given to first. */
  readonly isFirst: boolean
  /** It was kept at an earlier asking, and has been given no request since. */
  readonly wasKept: boolean
  /** Who was told to go before, and has not gone. */
  readonly leaver: string | null
  readonly step: Step
}

/** Who asked and who goes: told by events and actions alone. */
class Account implements Rule {
  readonly asked = new Set<string>()
  /** Requests that each had been given when it was kept last. */
  readonly #keptAt = new Map<string, number>()
  leaver: { readonly key: string; readonly untilMs: number } | null = null
  readonly #check: (answer: Answer, history: History) => void

  constructor(check: (answer: Answer, history: History) => void = () => undefined) {
    this.#check = check
  }

  onEvent(what: string, { key, phase }: Member): void {
    if (what === 'ask' && phase === 'ready') this.asked.add(key)
    // Its session is over, or it goes without an answer.
    if (['drain', 'park', 'fail', 'end', 'lose'].includes(what)) this.asked.delete(key)
  }

  onStep(step: Step, history: History): void {
    const { controller, nowMs, dispatched } = history
    const { leaver } = this
    if (leaver !== null && (nowMs >= leaver.untilMs || step.before.get(leaver.key) !== 'leaving'))
      this.leaver = null
    const serving = inOrderOfLeaving(history.members.filter(({ key }) => serves(step.before.get(key))))
    const first = serving.at(-1)
    for (const action of step.did) {
      if (action.kind !== 'verdict' || action.on !== 'leave' || !this.asked.has(action.member)) continue
      const member = controller.member(action.member) as Member
      const { key } = member
      const had = dispatched.get(key) as number
      const wasKept = this.#keptAt.get(key) === had
      const isFirst = member === first
      this.#check(
        { member, go: action.go, isFirst, wasKept, leaver: this.leaver?.key ?? null, step },
        history,
      )
      this.asked.delete(key)
      if (action.go) this.leaver = { key, untilMs: nowMs + OPTIONS.leftMs }
      else if (isFirst) this.#keptAt.set(key, had)
    }
  }
}

/** Checks each GO. */
function whoeverGoes(
  check: (answer: Answer, history: History) => void,
  often: Parameters<typeof always>[0] = LEAVING,
): void {
  const seen = new Sightings('GO')
  always(
    often,
    () =>
      new Account((answer, history) => {
        if (!answer.go) return
        seen.saw('GO')
        check(answer, history)
      }),
  )
  seen.expectAll()
}

describe('in any history with instances that ask to leave', () => {
  it('one leaves at a time, unless it takes too long', () => {
    whoeverGoes(({ leaver }) => expect(leaver).toBe(null))
  })

  it('nobody leaves when only min serve', () => {
    whoeverGoes((_, { members, options }) => {
      const left = members.filter(({ phase }) => serves(phase)).length
      expect(left).toBeGreaterThanOrEqual(options.min)
    })
  })

  it('nobody leaves while a request is held', () => {
    whoeverGoes(({ step }) => expect(step.held).toBe(0), ['by hand', 'come', 'ask', 'hold', 'unhold'])
  })

  it('of those that ask, the one that is served last leaves first', () => {
    whoeverGoes(({ member }, { members }) => {
      const waiting = members.filter(({ phase }) => phase === 'asking')
      expect(inOrderOfLeaving([member, ...waiting])[0]).toBe(member)
    })
  })

  it('the one that is served first leaves only when it has been kept, and given nothing since', () => {
    const seen = new Sightings('first')
    whoeverGoes(({ isFirst, wasKept }) => {
      if (isFirst) seen.saw('first')
      expect(!isFirst || wasKept).toBe(true)
    })
    seen.expectAll()
  })

  it('whoever asks is answered once: at once, or when the one that leaves is gone or takes too long', () => {
    const seen = new Sightings('waits')
    always(LEAVING, () => {
      const account = new Account()
      return Object.assign(account, {
        onStep(step: Step, history: History) {
          Account.prototype.onStep.call(account, step, history)
          const waiting = history.members.filter(({ phase }) => phase === 'asking').map(({ key }) => key)
          expect(new Set(waiting)).toEqual(account.asked)
          if (waiting.length === 0) return
          seen.saw('waits')
          expect(account.leaver).not.toBe(null)
          expect(history.nowMs).toBeLessThan(account.leaver?.untilMs as number)
        },
      })
    })
    seen.expectAll()
  })

  it('when nothing comes, and those that are kept ask again, an app without min comes to zero', () => {
    always(LEAVING, () => ({
      onEnd(history) {
        history.configure({ min: 0 })
        history.hold(0)
        history.answer = 'accept'
        for (let round = 0; round < 60; round++) {
          for (const { key, phase } of history.members) if (phase === 'leaving') history.end(key, true)
          for (const { key, phase } of history.members) if (phase === 'ready') history.ask(key, 7)
        }
        expect(history.members.some(({ phase }) => serves(phase))).toBe(false)
      },
    }))
  })
})
