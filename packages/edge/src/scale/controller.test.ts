import type { Instance } from '@brxy/scaler'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CRASHED, instanceOf, Scaling } from './controller.testkit.ts'
import type { Member } from './members.ts'
import type { ScaleAction } from './scale-action.ts'

const CONNECTED: ReadonlySet<string> = new Set(['starting', 'ready', 'asking', 'leaving', 'parked'])
const EXISTS = ({ phase }: Member) => phase !== 'gone' && phase !== 'parked'

const command = fc.record({
  what: fc.constantFrom(
    'hold',
    'hold',
    'serve',
    'pass',
    'pass',
    'join',
    'join',
    'ready',
    'fail',
    'lose',
    'leave',
    'replace',
    'replace',
    'grant',
    'grant',
    'park',
    'recalled',
    'drain',
    'end',
    'platform',
    'observe',
    'answer',
    'callEnded',
    'configure',
    'setMin',
  ),
  pick: fc.nat(100),
  ms: fc.constantFrom(1, 50, 100, 1_000, 2_000, 15_000, 120_000),
})

/** Random events, in the order in which they could come, and what must hold after each of them. */
class World {
  readonly scaling: Scaling
  min: number
  max: number
  /** What the platform has, by launch. */
  readonly platform = new Map<string, Instance>()
  readonly #launched = new Set<string>()
  readonly #wereConnected = new Set<string>()
  /** Questions of members that were not answered, in order. */
  readonly #asked = new Map<string, ('leave' | 'replace')[]>()
  /** Launches that are the successors of others, by the copies of those. */
  readonly #successors = new Map<number, string>()
  readonly #granted = new Set<string>()
  /** Requests held when the step began; Infinity: there were several steps, as time passed. */
  #heldBefore = 0
  #calls = 0

  constructor(options: { min: number; max: number; canLaunch: boolean }) {
    this.min = options.min
    this.max = options.max
    this.scaling = new Scaling(options)
  }

  do({ what, pick, ms }: { what: string; pick: number; ms: number }): void {
    const { scaling } = this
    const { controller } = scaling
    const members = [...controller.members]
    this.#heldBefore =
      what === 'pass' ? Number.POSITIVE_INFINITY : what === 'hold' ? (pick % 12) + 1 : scaling.held
    const of = (...phases: string[]) => {
      const some = members.filter(({ phase }) => phases.includes(phase))
      return some.length === 0 ? undefined : some[pick % some.length].key
    }
    const connected = of('starting', 'ready', 'asking', 'leaving')
    const ask = (key: string, question: 'leave' | 'replace') =>
      this.#asked.set(key, [...(this.#asked.get(key) ?? []), question])
    const now = scaling.nowMs
    switch (what) {
      case 'hold':
        scaling.freeSlots = pick % 4
        return this.check(scaling.hold((pick % 12) + 1))
      case 'serve': {
        scaling.held = 0
        const key = of('ready')
        if (key !== undefined) controller.served(key)
        return this.check(scaling.step())
      }
      case 'pass':
        return this.check(scaling.pass(ms))
      case 'join': {
        const key = of('asked', 'lost') ?? `by-hand-${pick % 3}`
        const phase = controller.member(key)?.phase
        if (phase !== undefined && CONNECTED.has(phase)) return
        const says = (['ready', 'starting', 'ready', 'starting', 'parked'] as const)[pick % 5]
        controller.joined(key, key.startsWith('launch-'), says, 2, now)
        break
      }
      case 'ready': {
        const key = of('starting')
        if (key !== undefined) controller.readied(key, 2, now)
        break
      }
      case 'fail':
        if (connected === undefined) break
        this.#asked.delete(connected)
        controller.failed(connected, CRASHED, now)
        break
      case 'lose':
        if (connected === undefined) break
        this.#asked.delete(connected)
        controller.ended(connected, false, now)
        break
      case 'leave': {
        const key = of('ready')
        if (key === undefined) break
        ask(key, 'leave')
        controller.leaveAsked(key, pick % 3, now)
        break
      }
      case 'replace': {
        const key = of('starting', 'ready', 'parked')
        // A linker asks nothing while it waits for an answer.
        if (key === undefined || this.#asked.get(key)?.length) break
        ask(key, 'replace')
        controller.replaceAsked(key)
        break
      }
      case 'grant': {
        const key = of('ready')
        if (key === undefined) break
        this.#granted.add(key)
        controller.granted(key)
        break
      }
      case 'park': {
        const key = of('ready', 'leaving')
        if (key === undefined) break
        this.#asked.delete(key)
        controller.parked(key, now)
        break
      }
      case 'recalled': {
        const key = of('parked')
        if (key !== undefined) controller.restarted(key, now)
        break
      }
      case 'drain':
        if (connected === undefined) break
        this.#asked.delete(connected)
        controller.draining(connected, now)
        break
      case 'end': {
        const key = of('leaving', 'parked')
        if (key === undefined) break
        this.#asked.delete(key)
        controller.ended(key, true, now)
        break
      }
      case 'platform': {
        const keys = [...this.platform.keys()]
        if (keys.length === 0) break
        const key = keys[pick % keys.length]
        if (pick % 3 === 0) this.platform.delete(key)
        else this.platform.set(key, instanceOf(key, pick % 3 === 1 ? 'ended' : 'running'))
        break
      }
      case 'observe':
        controller.observed([...this.platform.values()], now)
        break
      case 'answer':
        if (this.#calls === 0) scaling.answer = (['accept', 'reject', null] as const)[pick % 3]
        break
      case 'callEnded':
        if (this.#calls === 0) return
        this.#calls = 0
        scaling.callEnded(pick % 4 === 0 ? CRASHED : null)
        break
      case 'configure':
        this.max = (pick % 6) + 1
        this.min = pick % 3
        return this.check(
          scaling.configure({
            max: this.max,
            min: this.min,
            canLaunch: pick % 4 !== 0,
            startTimeoutMs: ms + 1,
            backoffMaxMs: ms + 1_000,
            ...(pick % 2 === 0 ? {} : { slots: pick % 5 }),
          }),
        )
      case 'setMin':
        this.min = pick % 4
        return this.check(scaling.setMin(this.min))
    }
    this.check(scaling.step())
  }

  check(actions: readonly ScaleAction[]): void {
    const { scaling } = this
    const { controller } = scaling
    const members = [...controller.members]
    for (const action of actions) {
      if (action.kind === 'launching') {
        expect(this.#launched.has(action.launch)).toBe(false)
        this.#launched.add(action.launch)
        if (action.replaces !== null) this.#successors.set(action.replaces, action.launch)
      }
      // An instance and its successor are one beyond max, and no more than one.
      if (action.kind === 'launching' || action.kind === 'recall')
        expect(members.filter(EXISTS).length).toBeLessThanOrEqual(this.max + (this.isReplacing ? 1 : 0))
      if (action.kind === 'verdict') this.#checkVerdict(action, members)
      if (action.kind === 'scale' && scaling.answer === null) {
        expect(++this.#calls).toBe(1)
      }
    }
    // With nothing held, and nothing short of min, nothing starts; a crowd starts no more than it has members without a slot.
    const more = actions.filter(
      (each) => each.kind === 'recall' || (each.kind === 'launching' && each.replaces === null),
    )
    const crowd = this.#heldBefore === 0 ? 0 : Math.max(1, this.#heldBefore - scaling.freeSlots)
    expect(more.length).toBeLessThanOrEqual(Math.max(this.min, crowd))
    const copies = members.map(({ copy }) => copy)
    expect(copies).toEqual([...copies].sort((a, b) => a - b))
    for (const { key, phase } of members) if (CONNECTED.has(phase)) this.#wereConnected.add(key)
    for (const target of scaling.targets.splice(0)) {
      for (const { id } of target.start) {
        // Once connected, or ended, an id is never to be started again.
        expect(this.#wereConnected.has(id)).toBe(false)
        if (!this.platform.has(id)) this.platform.set(id, instanceOf(id, 'starting'))
      }
      expect(target.want).toBeGreaterThanOrEqual(target.start.length)
      for (const { launch } of target.remove) {
        const phase = controller.member(launch as string)?.phase
        if (phase !== 'parked' && phase !== undefined) expect([phase, launch]).toEqual(['gone', launch])
      }
    }
    // Nothing is due that has not been done: no busy loop.
    expect(controller.nextDeadline()).toBeGreaterThan(scaling.nowMs)
  }

  /** Whether an instance and its successor are both there. */
  get isReplacing(): boolean {
    for (const old of this.scaling.controller.members) {
      const successor = this.#successors.get(old.copy)
      const other = successor === undefined ? undefined : this.scaling.controller.member(successor)
      if (EXISTS(old) && other !== undefined && EXISTS(other)) return true
    }
    return false
  }

  /** Questions are answered in order, nobody goes below min, and nobody who asked for a successor before that one serves. */
  #checkVerdict(action: Extract<ScaleAction, { kind: 'verdict' }>, members: readonly Member[]): void {
    const { member: key, go, on } = action
    expect(this.#asked.get(key)?.shift()).toBe(on)
    if (!go) return
    const serving = members.filter(({ phase }) => phase === 'ready' || phase === 'asking')
    if (on === 'leave') return expect(serving.length).toBeGreaterThanOrEqual(this.min)
    const old = members.find((each) => each.key === key)
    const successor = this.#successors.get(old?.copy ?? 0)
    expect(serving.map((each) => each.key)).toContain(successor)
    expect(this.#granted).toContain(successor)
  }

  /** Everybody leaves, the platform does as it is told: nothing remains. */
  drain(): void {
    const { scaling } = this
    if (this.#calls > 0) scaling.callEnded(null)
    this.#calls = 0
    scaling.answer = 'accept'
    scaling.held = 0
    scaling.setMin(0)
    for (const { key, phase } of [...scaling.controller.members]) {
      if (!CONNECTED.has(phase)) continue
      scaling.controller.draining(key, scaling.nowMs)
      scaling.controller.ended(key, true, scaling.nowMs)
    }
    this.platform.clear()
    scaling.pass(300_000)
    scaling.observe([])
    // Failed launches of which the platform could not be asked are waited for once more.
    scaling.pass(15_000)
    expect([...scaling.controller.members]).toEqual([])
    expect(scaling.controller.isEmpty).toBe(true)
    expect(scaling.controller.nextDeadline()).toBe(Number.POSITIVE_INFINITY)
  }
}

describe('ScaleController', () => {
  it('keeps its invariants through any events, and everything drains to empty', () => {
    const options = fc.record({
      min: fc.constant(0),
      max: fc.integer({ min: 1, max: 6 }),
      canLaunch: fc.boolean(),
    })
    fc.assert(
      fc.property(options, fc.array(command, { maxLength: 100 }), (options, commands) => {
        const world = new World(options)
        for (const each of commands) world.do(each)
        world.drain()
      }),
      { numRuns: 200 },
    )
  })

  it('keeps them with a minimum too', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.array(command, { maxLength: 80 }), (min, commands) => {
        const world = new World({ min, max: 4, canLaunch: true })
        for (const each of commands) world.do(each)
      }),
    )
  })

  it('never lets two go at a time, unless one takes too long', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5), fc.boolean()), { maxLength: 60 }), (commands) => {
        const scaling = new Scaling()
        scaling.ready('a', 'b', 'c', 'd', 'e', 'f')
        for (const [index, ends] of commands) {
          const key = 'abcdef'[index]
          if (!ends) scaling.ask(key)
          else if (scaling.phaseOf(key) === 'leaving') scaling.end(key, true)
          const leaving = [...scaling.controller.members].filter(({ phase }) => phase === 'leaving')
          expect(leaving.length).toBeLessThanOrEqual(1)
        }
      }),
    )
  })
})
