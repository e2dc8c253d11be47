import fc from 'fast-check'
import { expect } from 'vitest'
import { CRASHED, instanceOf, Scaling } from './controller.testkit.ts'
import type { Member, Phase } from './members.ts'
import type { ScaleAction } from './scale-action.ts'

const WHATS = [
  ...(['by hand', 'connect', 'come', 'ready', 'grant', 'serve', 'ask', 'idle', 'replace', 'swap'] as const),
  ...(['drain', 'park', 'restart', 'fail', 'end', 'lose', 'keep', 'list'] as const),
  ...(['hold', 'unhold', 'pass', 'pass', 'call fails'] as const),
] as const
type What = (typeof WHATS)[number]
interface Event {
  readonly what: What
  readonly pick: number
}

/** So often what a rule is about comes in place of what could come as well. */
const OFTEN = 8

const TIMES_MS = [0, 1, 100, 1_000, 2_000, 5_000, 14_999, 20_000, 120_000, 250_000] as const

/** What happened in one step of the controller. */
export interface Step {
  readonly did: readonly ScaleAction[]
  /** Where each member was when it began. */
  readonly before: ReadonlyMap<string, Phase>
  /** Requests that were held then. */
  readonly held: number
}

/** Told of what comes and what follows, a rule keeps its own account of both. */
export interface Rule {
  onEvent?(what: What, member: Member, history: History): void
  onStep?(step: Step, history: History): void
  onEnd?(history: History): void
}

/** An app whose instances come, serve, ask, park, fail and go in any order. */
export class History extends Scaling {
  /** Members that the platform listed when it was last looked at. */
  listed: ReadonlySet<string> = new Set()
  readonly #rule: Rule
  /** The platform gives its instances an order of its own, in which they are not launched. */
  readonly #isOrdered: boolean
  #byHand = 0
  /** By key: the requests that each had been given when it asked last. */
  readonly dispatched = new Map<string, number>()

  constructor(rule: Rule, max: number, min: number, isOrdered: boolean) {
    super({ max, min })
    this.#rule = rule
    this.#isOrdered = isOrdered
  }

  get members(): Member[] {
    return [...this.controller.members]
  }

  override step(): ScaleAction[] {
    const before = new Map(this.members.map(({ key, phase }) => [key, phase]))
    const { held } = this
    const did = super.step()
    this.#rule.onStep?.({ did, before, held }, this)
    return did
  }

  do({ what, pick }: Event): void {
    if (what === 'by hand') this.#byHandCome(pick)
    else if (what === 'come') this.#come(pick)
    else if (what === 'idle') this.#idle(pick)
    else if (what === 'list') this.#list(pick)
    else if (what === 'hold') this.hold(1 + (pick % 12))
    else if (what === 'unhold') this.hold(0)
    else if (what === 'pass') this.pass(TIMES_MS[pick % TIMES_MS.length] as number)
    else if (what === 'call fails') this.answer = pick % 3 === 0 ? 'reject' : 'accept'
    else {
      const { members } = this
      const member = members[pick % Math.max(1, members.length)]
      if (member === undefined) return
      if (what === 'swap') this.#swap(member, pick)
      else this.#happen(what, member, pick)
    }
  }

  #happen(what: What, member: Member, pick: number): void {
    const { controller, nowMs } = this
    const { key, phase } = member
    const isConnected = phase !== 'asked' && phase !== 'lost' && phase !== 'gone'
    if (isConnected === (what === 'connect')) return
    this.#rule.onEvent?.(what, member, this)
    switch (what) {
      case 'connect':
        controller.joined(key, member.launched, pick % 3 === 0 ? 'starting' : 'ready', 1, nowMs)
        break
      case 'ready':
        controller.readied(key, 1, nowMs)
        break
      case 'grant':
        controller.granted(key)
        break
      case 'serve':
        controller.served(key)
        break
      case 'ask':
        if (phase === 'ready')
          this.dispatched.set(key, (this.dispatched.get(key) ?? 0) + (pick % 4 === 0 ? 1 : 0))
        controller.leaveAsked(key, this.dispatched.get(key) ?? 0, nowMs)
        break
      case 'replace':
        controller.replaceAsked(key)
        break
      case 'drain':
        controller.draining(key, nowMs)
        break
      case 'park':
        controller.parked(key, nowMs)
        break
      case 'restart':
        controller.restarted(key, nowMs)
        break
      case 'fail':
        controller.failed(key, CRASHED, nowMs)
        break
      default:
        controller.ended(key, what === 'end', nowMs, what === 'keep')
    }
    this.step()
  }

  /** All that were launched connect and lend. */
  #come(pick: number): void {
    for (const member of this.members.filter(({ phase }) => phase === 'asked'))
      for (const what of ['connect', 'ready', 'grant'] as const) this.#happen(what, member, pick)
  }

  /** One that was started by hand connects; seldom beyond `max`, where little is decided. */
  #byHandCome(pick: number): void {
    const count = this.members.filter(({ phase }) => phase !== 'gone' && phase !== 'parked').length
    if (count < this.options.max || pick === 0) this.join(`hand-${++this.#byHand}`)
  }

  /** Nothing is held any more, and all that serve ask to leave. */
  #idle(pick: number): void {
    this.hold(0)
    for (const member of this.members) this.#happen('ask', member, pick)
  }

  /** It is replaced, with all that belongs to it, if nothing is in the way. */
  #swap(member: Member, pick: number): void {
    this.#happen('replace', member, pick)
    this.#come(pick)
    if (member.phase === 'leaving') this.#happen('park', member, pick)
  }

  /** The platform lists most of what it was asked for; what is missing comes later, or has been removed. */
  #list(pick: number): void {
    const seen = this.members.filter(({ launched, copy }) => launched && (pick + copy) % 5 !== 0)
    this.listed = new Set(seen.map(({ key }) => key))
    this.observe(
      seen.map(({ key, copy }) => ({ ...instanceOf(key), ...(this.#isOrdered ? { order: copy ^ 5 } : {}) })),
    )
  }
}

/**
 * Runs any history of an app, held to a rule.
 *
 * @param often what it is about, so that it comes about often enough
 * @param newRule one for each history, whose accounts are empty
 */
export function always(often: readonly What[], newRule: () => Rule): void {
  const what = fc.constantFrom(...WHATS, ...Array.from({ length: OFTEN }, () => often).flat())
  const event = fc.record({ what, pick: fc.nat(30) })
  const options = fc.record({
    max: fc.integer({ min: 1, max: 4 }),
    min: fc.integer({ min: 0, max: 2 }),
    isOrdered: fc.boolean(),
  })
  fc.assert(
    fc.property(
      options,
      fc.array(event, { maxLength: 60, size: 'max' }),
      ({ max, min, isOrdered }, events) => {
        const rule = newRule()
        const history = new History(rule, max, Math.min(min, max), isOrdered)
        for (const each of events) history.do(each)
        rule.onEnd?.(history)
      },
    ),
  )
}

/** How often each thing was seen, of which every one must be: what is never seen proves nothing. */
export class Sightings<T extends string> {
  readonly #times = new Map<T, number>()

  constructor(...whats: T[]) {
    for (const what of whats) this.#times.set(what, 0)
  }

  saw(what: T): void {
    this.#times.set(what, (this.#times.get(what) ?? 0) + 1)
  }

  expectAll(): void {
    for (const [what, times] of this.#times) expect(times, what).toBeGreaterThan(0)
  }
}

/** Who of two leaves first, said in another way than the code does: lists are sorted, those that leave first in front. */
export function inOrderOfLeaving(members: readonly Member[]): Member[] {
  const place = ({ instance }: Member) => instance?.order ?? -1
  return [...members].sort((a, b) => place(b) - place(a) || a.copy - b.copy)
}
