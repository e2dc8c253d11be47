import { beforeEach, describe, expect, it } from 'vitest'
import { ScaleController } from '../scale/controller.ts'
import type { InstanceReport } from './demand-report.ts'
import { Elsewhere } from './elsewhere.ts'
import { ReportedDemand } from './reported-demand.ts'

let reported: ReportedDemand
let controller: ScaleController
let elsewhere: Elsewhere
let here: Set<string>
beforeEach(() => {
  reported = new ReportedDemand()
  let launches = 0
  const options = {
    min: 0,
    max: 10,
    slots: 1,
    patienceMs: 100,
    startTimeoutMs: 10_000,
    lostMs: 2_000,
    adoptMs: 5_000,
    leftMs: 15_000,
    backoffMinMs: 1_000,
    backoffMaxMs: 60_000,
    canLaunch: true,
    isCounted: false,
  }
  controller = new ScaleController(options, () => `launch-${++launches}`)
  here = new Set()
  elsewhere = new Elsewhere(reported, controller, (key) => here.has(key))
})

function says(instances: Partial<InstanceReport>[], nowMs = 0, edge = 'a'): void {
  const all = instances.map((each) => ({
    key: 'x',
    launched: true,
    phase: 'ready' as const,
    slots: 1,
    busy: 0,
    served: false,
    ...each,
  }))
  reported.received(edge, { route: 'shop', held: 0, oldestHeldMs: 0, instances: all }, nowMs)
  elsewhere.sync(nowMs)
}

const phase = (key = 'x') => controller.member(key)?.phase
const demand = (held: number) => ({ held, oldestSinceMs: 0, freeSlots: 0 })
const launches = (held: number, nowMs: number) =>
  controller.step(demand(held), nowMs).filter(({ kind }) => kind === 'launching').length

describe('an instance that is linked to another edge only', () => {
  it('is connected as far as scaling goes, and becomes ready', () => {
    says([{ phase: 'starting' }])
    expect(phase()).toBe('starting')
    expect(launches(1, 0)).toBe(0)
    says([{ phase: 'ready' }], 100)
    expect(phase()).toBe('ready')
  })

  it('is the launch that it was started by', () => {
    expect(launches(1, 0)).toBe(1)
    says([{ key: 'launch-1', phase: 'starting' }], 50)
    expect([...controller.members]).toHaveLength(1)
    expect(phase('launch-1')).toBe('starting')
    // It does not count as one that never came.
    controller.step(demand(0), 20_000)
    expect(phase('launch-1')).toBe('starting')
  })

  it('is lost when nobody has reported it for 3 s', () => {
    says([{}])
    reported.expire(2_999)
    elsewhere.sync(2_999)
    expect(phase()).toBe('ready')
    reported.expire(3_000)
    elsewhere.sync(3_000)
    expect(phase()).toBe('lost')
    expect(launches(0, 6_000)).toBe(0)
  })

  it('that goes is on its way out, and then gone', () => {
    says([{}])
    says([{ phase: 'going' }])
    expect(phase()).toBe('leaving')
    says([])
    expect(phase()).toBe('gone')
  })

  it('that goes when it is first heard of is none that came', () => {
    says([{ phase: 'going' }])
    expect(phase()).toBeUndefined()
  })

  it('that has served there has proved that the app can be started', () => {
    controller.joined('y', true, 'starting', 1, 0)
    controller.failed('y', { code: 'crashed', message: '', final: true }, 0)
    expect(controller.failure(0)).not.toBeNull()
    says([{ served: true }])
    expect(controller.failure(0)).toBeNull()
  })
})

describe('an instance that is linked to both', () => {
  beforeEach(() => {
    here.add('x')
    controller.joined('x', true, 'ready', 1, 0)
    says([{}])
  })

  it('is one', () => {
    expect([...controller.members]).toHaveLength(1)
  })

  it('and loses its session here goes on', () => {
    here.delete('x')
    expect(elsewhere.keeps('x', false, 10)).toBe(true)
    elsewhere.sync(10)
    expect(phase()).toBe('ready')
    says([], 20)
    expect(phase()).toBe('lost')
  })

  it('and says goodbye here goes, whatever the other edge says for a moment', () => {
    here.delete('x')
    expect(elsewhere.keeps('x', true, 10)).toBe(false)
    controller.ended('x', true, 10)
    says([{}], 20)
    expect(phase()).toBe('gone')
    says([], 30)
    expect(phase()).toBe('gone')
  })

  it('and has said goodbye here does not come back by a report that was on its way', () => {
    says([], 5)
    here.delete('x')
    expect(elsewhere.keeps('x', true, 10)).toBe(false)
    controller.ended('x', true, 10)
    says([{}], 300)
    expect(phase()).toBe('gone')
    says([], 400)
    expect(phase()).toBe('gone')
  })

  it('and is lost there is not lost', () => {
    says([], 10)
    expect(phase()).toBe('ready')
  })
})
