import { beforeEach, describe, expect, it } from 'vitest'
import { ScaleController } from '../scale/controller.ts'
import type { InstanceReport } from './demand-report.ts'
import { Elsewhere } from './elsewhere.ts'
import { ReportedDemand } from './reported-demand.ts'

let reported: ReportedDemand
let controller: ScaleController
let elsewhere: Elsewhere
/** Keys and processes of what has a session here. */
let here: Set<string>
function scaling(isCounted: boolean): void {
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
    isCounted,
  }
  controller = new ScaleController(options, () => `launch-${++launches}`)
  here = new Set()
  elsewhere = new Elsewhere(reported, controller, (key, instance) => here.has(key) || here.has(instance))
}
beforeEach(() => scaling(false))

function says(instances: Partial<InstanceReport>[], nowMs = 0, edge = 'a'): void {
  const all = instances.map((each) => ({
    instance: 'x',
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
    says([{ launch: 'launch-1', phase: 'starting' }], 50)
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

  it('that is parked is gone, for nobody here could recall it, until it starts again', () => {
    says([{}])
    says([{ phase: 'parked' }], 10)
    expect(phase()).toBe('gone')
    says([{ phase: 'parked' }], 20)
    expect(phase()).toBe('gone')
    says([{ phase: 'starting' }], 30)
    expect(phase()).toBe('starting')
  })

  it('that was on its way out, and stays because of a third edge, is ready again', () => {
    says([{}])
    says([{ phase: 'going' }], 10)
    says([{ phase: 'ready' }], 20)
    expect(phase()).toBe('ready')
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

describe('a replica, where launches are only counted', () => {
  const members = () => [...controller.members].map(({ key, phase: at }) => [key, at])
  beforeEach(() => scaling(true))

  it('is the same here and there, although it was launched under another name', () => {
    expect(launches(1, 0)).toBe(1)
    const linker = { instance: 'process-1', platform: 'shop-0' }
    here.add(controller.keyOf(linker))
    controller.joined('launch-1', false, 'ready', 1, 10, linker)
    says([linker], 20)
    expect(members()).toEqual([['launch-1', 'ready']])
  })

  it('that is seen there first is what was launched, and so is the next one', () => {
    expect(launches(2, 0)).toBe(2)
    const one = { instance: 'process-1', platform: 'shop-0' }
    says([one, { instance: 'process-2', platform: 'shop-1' }], 20)
    expect(members()).toEqual([
      ['launch-1', 'ready'],
      ['launch-2', 'ready'],
    ])
    expect(controller.keyOf(one)).toBe('launch-1')
  })

  it('that goes when it is first heard of is not what was launched since', () => {
    expect(launches(1, 0)).toBe(1)
    says([{ instance: 'process-1', platform: 'shop-0', phase: 'going' }], 20)
    expect(members()).toEqual([['launch-1', 'asked']])
  })

  it('that has said goodbye here is not what was launched since', () => {
    const linker = { instance: 'process-1', platform: 'shop-0' }
    controller.joined('shop-0', false, 'ready', 1, 0, linker)
    expect(elsewhere.keeps('process-1', true, 10)).toBe(false)
    controller.ended('shop-0', true, 10)
    // Its platform lists it no more.
    controller.observed([{ id: 'shop-0', state: 'running', since: 0 }], 10)
    controller.observed([], 20)
    expect(launches(1, 20)).toBe(1)
    says([linker], 30)
    expect(members()).toEqual([['launch-1', 'asked']])
  })

  it('that was parked there, and has come here as what was launched since, is not what it was as well', () => {
    const linker = { instance: 'process-1', platform: 'shop-0' }
    // This edge has just started.
    controller.observed([{ id: 'shop-0', state: 'running', since: 0 }], 0, true)
    says([{ ...linker, phase: 'parked' }], 10)
    expect(launches(1, 20)).toBe(1)
    const key = controller.keyOf(linker)
    controller.joined(key, false, 'parked', 1, 30, linker)
    here.add(key).add('process-1')
    controller.restarted(key, 40)
    says([{ ...linker, phase: 'starting' }], 50)
    says([linker], 60)
    expect(members()).toEqual([
      ['shop-0', 'gone'],
      ['launch-1', 'starting'],
    ])
  })

  it('whose process is another one by now is one, and lives as long as one of them does', () => {
    const platform = 'shop-0'
    says([{ instance: 'process-1', platform }])
    says([
      { instance: 'process-1', platform },
      { instance: 'process-2', platform, phase: 'starting' },
    ])
    says([{ instance: 'process-2', platform }], 20)
    expect(members()).toEqual([['shop-0', 'ready']])
  })
  it('of which a process has failed here is one as long as another lives, and also when that session is over', () => {
    const platform = 'shop-0'
    const older = { instance: 'process-1', platform, phase: 'starting' as const }
    says([older])
    const listed = { id: platform, state: 'running' as const, since: 0 }
    controller.observed([listed], 0)
    controller.joined('shop-0', false, 'starting', 1, 10, { instance: 'process-2', platform })
    here.add('shop-0').add('process-2')
    says([older], 20)
    controller.failed('shop-0', { code: 'crashed', message: 'exited with 1', final: true }, 30)
    expect(controller.target()).toMatchObject({ want: 0, remove: [listed] })
    elsewhere.forget('shop-0')
    here.delete('shop-0')
    elsewhere.sync(30)
    expect(controller.target()).toMatchObject({ want: 1, remove: [] })
    elsewhere.forget('shop-0')
    here.delete('process-2')
    expect(elsewhere.keeps('process-2', true, 40)).toBe(false)
    controller.ended('shop-0', true, 40)
    elsewhere.sync(40)
    expect(members()).toEqual([['shop-0', 'starting']])
  })
})
