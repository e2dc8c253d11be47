import { describe, expect, it } from 'vitest'
import { OPTIONS } from './controller.testkit.ts'
import { always, type History, inOrderOfLeaving, Sightings, type Step } from './history.testkit.ts'
import type { Member } from './members.ts'

const PARKING = ['by hand', 'swap', 'park', 'hold'] as const
const recalled = ({ did }: Step) => did.flatMap((each) => (each.kind === 'recall' ? [each.member] : []))
const isMore = ({ kind }: Step['did'][number]) => kind === 'recall' || kind === 'launching'
const namesOf = (members: readonly Member[]) => members.map(({ key }) => key)

/** Those that were let go because a successor serves, or whose removal was asked for before the step. */
class Lost {
  readonly #replaced = new Set<string>()
  #removing = new Set<string>()
  #since = new Set<string>()

  see({ did }: Step, { members }: History): void {
    for (const each of did)
      if (each.kind === 'verdict' && each.on === 'replace' && each.go) this.#replaced.add(each.member)
    const now = new Set(namesOf(members.filter(({ removal }) => removal !== 'none')))
    this.#removing = new Set([...this.#since].filter((key) => now.has(key)))
    this.#since = now
  }

  has(key: string): boolean {
    return this.#replaced.has(key) || this.#removing.has(key)
  }

  /** Who asks for a successor has not heard that it had one. */
  onEvent(what: string, { key, phase }: Member): void {
    if (what === 'replace' && (phase === 'ready' || phase === 'starting')) this.#replaced.delete(key)
  }

  /** Who is parked and may be recalled. */
  others({ members }: History): Member[] {
    return members.filter(({ phase, key }) => phase === 'parked' && !this.has(key))
  }
}

describe('in any history with instances that park', () => {
  it('nothing is launched while one that could be recalled is parked', () => {
    always(PARKING, () => {
      const lost = new Lost()
      return {
        onEvent: (what, member) => lost.onEvent(what, member),
        onStep(step, history) {
          lost.see(step, history)
          const isLaunched = step.did.some((each) => each.kind === 'launching' && each.replaces === null)
          if (isLaunched) expect(namesOf(lost.others(history))).toEqual([])
        },
      }
    })
  })

  it('who was replaced, or is to be removed, is not recalled, and of the others the last that would be removed', () => {
    const seen = new Sightings('several', 'passed over')
    always(PARKING, () => {
      const lost = new Lost()
      return {
        onEvent: (what, member) => lost.onEvent(what, member),
        onStep(step, history) {
          lost.see(step, history)
          const back = recalled(step)
          const were = history.members.filter(({ key }) => step.before.get(key) === 'parked')
          const might = inOrderOfLeaving(were.filter(({ key }) => !lost.has(key)))
          expect(back).toEqual(namesOf(might).reverse().slice(0, back.length))
          if (back.length > 0 && might.length > 1) seen.saw('several')
          if (step.did.some(isMore) && might.length < were.length) seen.saw('passed over')
        },
      }
    })
    seen.expectAll()
  })

  it('who is parked takes nobody’s place: what is held has somebody come, unless max leave', () => {
    const seen = new Sightings('beside a parked one')
    always(PARKING, () => ({
      onStep(_, { held, members, options }) {
        if (held === 0) return
        const phases = members.map(({ phase }) => phase)
        const leaving = phases.filter((phase) => phase === 'leaving').length
        const isAwaited = phases.some((phase) => !['leaving', 'parked', 'gone'].includes(phase))
        expect(isAwaited || leaving >= options.max).toBe(true)
        if (phases.includes('parked')) seen.saw('beside a parked one')
      },
    }))
    seen.expectAll()
  })

  it('the platform is to remove who is parked and listed, and no longer one that is recalled', () => {
    const seen = new Sightings('removed', 'recalled')
    always(PARKING, () => ({
      onStep(step, { controller, members, targets, listed }) {
        const { want, remove } = targets.at(-1) ?? { want: 0, remove: [] }
        const removed = new Set(remove.map(({ launch }) => launch))
        for (const key of recalled(step)) {
          expect(removed.has(key)).toBe(false)
          if (controller.member(key)?.launched) expect(want).toBeGreaterThan(0)
          seen.saw('recalled')
        }
        for (const { key, phase } of members) {
          if (phase !== 'parked' || !listed.has(key)) continue
          expect(removed.has(key)).toBe(true)
          seen.saw('removed')
        }
      },
    }))
    seen.expectAll()
  })

  it('one that is recalled has startTimeout to be ready, and has failed when that is over', () => {
    const seen = new Sightings('in time', 'too late')
    always(PARKING, () => {
      const untilMs = new Map<string, number>()
      return {
        // Whatever it says itself is another story.
        onEvent: (_, { key }) => void untilMs.delete(key),
        onStep(step, { controller, nowMs }) {
          for (const key of recalled(step)) untilMs.set(key, nowMs + OPTIONS.startTimeoutMs)
          for (const [key, endMs] of untilMs) {
            const isStarting = controller.member(key)?.phase === 'starting'
            expect(isStarting, `${key} until ${endMs} at ${nowMs}`).toBe(nowMs < endMs)
            seen.saw(isStarting ? 'in time' : 'too late')
            if (!isStarting) untilMs.delete(key)
          }
        },
      }
    })
    seen.expectAll()
  })
})
