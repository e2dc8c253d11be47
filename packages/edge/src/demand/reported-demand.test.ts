import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import type { AppReport, InstanceReport } from './demand-report.ts'
import { type OwnInstance, ReportedDemand } from './reported-demand.ts'

let reported: ReportedDemand
beforeEach(() => {
  reported = new ReportedDemand()
})

function instance(key: string, more: Partial<InstanceReport> = {}): InstanceReport {
  return { instance: key, phase: 'ready', slots: 1, busy: 0, served: false, ...more }
}

function report(held: number, instances: InstanceReport[] = [], oldestHeldMs = held > 0 ? 10 : 0): AppReport {
  return { route: 'shop', held, oldestHeldMs, instances }
}

function own(key: string, more: Partial<OwnInstance> = {}): OwnInstance {
  return { instance: key, slots: 1, busy: 0, isServing: true, isOver: false, ...more }
}

describe('the demand of all edges', () => {
  it('is what each of them holds, since the oldest of it', () => {
    reported.received('a', report(2, [], 300), 1_000)
    reported.received('b', report(3, [], 100), 1_000)
    expect(reported.demand(1, 900, [], 1_000)).toEqual({ held: 6, oldestSinceMs: 700, freeSlots: 0 })
    expect(reported.demand(0, 0, [], 1_000)).toEqual({ held: 5, oldestSinceMs: 700, freeSlots: 0 })
  })

  it('is the last that each of them said', () => {
    reported.received('a', report(2), 1_000)
    reported.received('a', report(5), 1_100)
    expect(reported.demand(0, 0, [], 1_000).held).toBe(5)
    reported.received('a', report(0), 1_200)
    expect(reported.isEmpty).toBe(true)
  })

  it('counts the slots of an instance that two edges see once', () => {
    reported.received('a', report(0, [instance('x', { slots: 4, busy: 1 })]), 0)
    expect(reported.demand(0, 0, [own('x', { slots: 4, busy: 2 })], 0).freeSlots).toBe(1)
    reported.received('b', report(0, [instance('x', { slots: 4, busy: 1 })]), 0)
    expect(reported.demand(0, 0, [own('x', { slots: 4, busy: 2 })], 0).freeSlots).toBe(0)
    expect(reported.demand(0, 0, [], 1_000).freeSlots).toBe(2)
  })

  it('counts no slots of one that is not ready yet, or on its way out', () => {
    const others = [instance('x', { phase: 'starting' }), instance('y', { phase: 'going' })]
    reported.received('a', report(0, others), 0)
    expect(reported.demand(0, 0, [], 1_000).freeSlots).toBe(0)
  })

  it('counts the slots of one that is ready elsewhere and not yet here, but none of one that is over here', () => {
    reported.received('a', report(0, [instance('x', { slots: 4, busy: 1 })]), 0)
    expect(reported.demand(1, 0, [own('x', { slots: 4, isServing: false })], 0).freeSlots).toBe(3)
    expect(reported.demand(1, 0, [own('x', { slots: 4, isServing: false, isOver: true })], 0).freeSlots).toBe(
      0,
    )
    // Of one that has left no more is known than that.
    expect(reported.demand(1, 0, [own('x', { slots: 0, isServing: false, isOver: true })], 0).freeSlots).toBe(
      0,
    )
  })
})

describe('what another edge holds while there are free slots for it', () => {
  const idle = [own('x'), own('y')]

  it('is no demand for a second, in which the linkers move their slots', () => {
    reported.received('a', report(1, [], 500), 1_000)
    expect(reported.demand(0, 0, idle, 1_000).held).toBe(0)
    expect(reported.demand(0, 0, idle, 1_999).held).toBe(0)
    expect(reported.demand(0, 0, idle, 2_000)).toEqual({ held: 1, oldestSinceMs: 500, freeSlots: 2 })
  })

  it('is demand as soon as they are not enough', () => {
    reported.received('a', report(1), 1_000)
    expect(reported.demand(0, 0, idle, 1_000).held).toBe(0)
    expect(reported.demand(0, 0, [], 1_100).held).toBe(1)
    expect(reported.demand(0, 0, idle, 1_200).held).toBe(0)
  })

  it('hides nothing of what is held here', () => {
    reported.received('a', report(1), 1_000)
    expect(reported.demand(1, 990, idle, 1_000)).toEqual({ held: 1, oldestSinceMs: 990, freeSlots: 2 })
  })
})

describe('a report', () => {
  it('counts for 3 s', () => {
    reported.received('a', report(2), 1_000)
    expect(reported.nextDeadline()).toBe(4_000)
    expect(reported.expire(3_999)).toBe(false)
    expect(reported.demand(0, 0, [], 1_000).held).toBe(2)
    expect(reported.expire(4_000)).toBe(true)
    expect(reported.demand(0, 0, [], 1_000).held).toBe(0)
    expect(reported.nextDeadline()).toBe(Number.POSITIVE_INFINITY)
  })

  it('of more edges than may be is left out', () => {
    for (let at = 0; at < 64; at++) expect(reported.received(`e${at}`, report(1), 0)).toBe(true)
    expect(reported.received('one more', report(1), 0)).toBe(false)
    expect(reported.received('e0', report(2), 0)).toBe(true)
    expect(reported.demand(0, 0, [], 1_000).held).toBe(65)
  })
})

describe('an instance that two edges see', () => {
  it.each([
    ['ready', 'starting', 'ready'],
    ['starting', 'starting', 'starting'],
    ['ready', 'going', 'going'],
    ['parked', 'starting', 'starting'],
    ['parked', 'going', 'going'],
  ] as const)('as %s and %s is %s', (one, other, phase) => {
    reported.received('a', report(0, [instance('x', { phase: one, busy: 1 })]), 0)
    reported.received('b', report(0, [instance('x', { phase: other, busy: 2, served: true })]), 0)
    expect(reported.instances().get('x')).toMatchObject({ phase, busy: 3, served: true })
  })
})

it('agrees with a sum over whatever edges say, in any order', () => {
  const said = fc.record({
    edge: fc.constantFrom('a', 'b', 'c'),
    held: fc.nat(3),
    busy: fc.dictionary(fc.constantFrom('x', 'y', 'z'), fc.nat(2), { noNullPrototype: true }),
    afterMs: fc.nat(2_000),
  })
  fc.assert(
    fc.property(fc.array(said, { maxLength: 20 }), fc.nat(2), (all, ownBusy) => {
      const demand = new ReportedDemand()
      const last = new Map<string, { held: number; busy: Record<string, number>; atMs: number }>()
      let nowMs = 0
      for (const { edge, held, busy, afterMs } of all) {
        nowMs += afterMs
        const instances = Object.entries(busy).map(([key, count]) => instance(key, { slots: 3, busy: count }))
        demand.received(edge, report(held, instances), nowMs)
        demand.expire(nowMs)
        last.set(edge, { held, busy, atMs: nowMs })
      }
      const valid = [...last.values()].filter(({ atMs }) => nowMs - atMs < 3_000)
      let freeSlots = 0
      for (const key of ['x', 'y', 'z']) {
        const views = valid.flatMap(({ busy }) => (busy[key] === undefined ? [] : [busy[key]]))
        if (key === 'x') views.push(ownBusy)
        if (views.length > 0) freeSlots += Math.max(0, 3 - views.reduce((sum, busy) => sum + busy, 0))
      }
      const held = valid.reduce((sum, each) => sum + each.held, 0)
      const said = demand.demand(0, 0, [own('x', { slots: 3, busy: ownBusy })], nowMs)
      // What free slots are enough for is not said at once.
      expect(said).toMatchObject({ held: freeSlots >= held ? 0 : held, freeSlots })
    }),
  )
})
