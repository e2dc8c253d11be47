import { describe, expect, it } from 'vitest'
import { kinds, Scaling } from './controller.testkit.ts'

describe('launching', () => {
  it('starts one instance with the first held request, in the same step', () => {
    const scaling = new Scaling()
    expect(kinds(scaling.hold(1))).toEqual(['launching', 'scale'])
    expect(scaling.targets).toEqual([{ want: 1, start: [{ id: 'launch-1', env: {} }], remove: [] }])
  })

  it('starts one while it is unknown what an instance can do, and the rest when it is known', () => {
    const scaling = new Scaling()
    scaling.hold(4)
    expect(scaling.launches()).toHaveLength(1)
    scaling.join('launch-1', 1, 'starting')
    expect(scaling.launches()).toHaveLength(4)
    expect(scaling.targets.at(-1)?.want).toBe(4)
  })

  it('remembers what an instance can do when all are gone', () => {
    const scaling = new Scaling()
    scaling.ready('launch-0')
    scaling.controller.readied('launch-0', 4, scaling.nowMs)
    scaling.end('launch-0', true)
    scaling.pass(60_000)
    scaling.hold(9)
    expect(scaling.launches()).toHaveLength(3)
  })

  it('goes by the configured slots until an instance has said its own', () => {
    const scaling = new Scaling({ slots: 20, max: 100 })
    scaling.hold(41)
    expect(scaling.launches()).toHaveLength(3)
    scaling.join('launch-1', 1, 'starting')
    // 41 wait and three that start take one each.
    expect(scaling.launches()).toHaveLength(41)
  })

  it.each([
    ['what is configured', [], 2],
    ['what others said', [2], 4],
  ])('goes by %s where an instance serves nobody (S = 0)', (_, said, launches) => {
    const scaling = new Scaling({ slots: 4 })
    scaling.join('by-hand', 0)
    for (const slots of [...said, 0]) scaling.controller.readied('by-hand', slots, scaling.nowMs)
    scaling.hold(8)
    expect(scaling.launches()).toHaveLength(launches)
  })

  it.each([undefined, 0])('starts one to learn from when %s slots are configured', (slots) => {
    const scaling = new Scaling({ slots })
    scaling.hold(8)
    expect(scaling.launches()).toHaveLength(1)
  })

  it('joins a burst into one call', () => {
    const scaling = new Scaling()
    scaling.ready('launch-0')
    scaling.hold(7)
    scaling.pass(100)
    expect([scaling.launches().length, scaling.targets.length]).toEqual([7, 1])
  })

  it('has one call out at a time, and the next one brings what came meanwhile', () => {
    const scaling = new Scaling()
    scaling.answer = null
    scaling.hold(1)
    scaling.join('launch-1', 1, 'starting')
    scaling.hold(3)
    expect(scaling.targets).toHaveLength(1)
    scaling.callEnded(null)
    scaling.step()
    expect(scaling.targets.map(({ want }) => want)).toEqual([1, 3])
  })

  it('counts what starts, and asks for nothing twice', () => {
    const scaling = new Scaling()
    scaling.hold(1)
    scaling.pass(60_000)
    expect(scaling.launches()).toHaveLength(1)
  })

  it('never has more than max connected and starting', () => {
    const scaling = new Scaling({ max: 3 })
    scaling.ready('launch-0')
    scaling.hold(50)
    scaling.pass(10_000)
    expect(scaling.launches()).toHaveLength(2)
    // One that leaves counts until it is gone; then its place is free.
    scaling.join('launch-1')
    scaling.controller.draining('launch-1', scaling.nowMs)
    scaling.pass(10_000)
    expect(scaling.launches()).toHaveLength(2)
    scaling.end('launch-1', true)
    scaling.pass(100)
    expect(scaling.launches()).toHaveLength(3)
  })

  it('keeps min instances without any demand, and replaces those that leave', () => {
    const scaling = new Scaling({ min: 2 })
    scaling.step()
    expect(scaling.launches()).toHaveLength(2)
    scaling.ready('launch-1', 'launch-2')
    scaling.controller.draining('launch-1', scaling.nowMs)
    scaling.step()
    expect(scaling.launches()).toHaveLength(3)
  })

  it('keeps no more than max although min asks for it', () => {
    const scaling = new Scaling({ min: 5, max: 2 })
    scaling.step()
    expect(scaling.launches()).toHaveLength(2)
  })

  it('launches nothing where it cannot, and does not wake up for it either', () => {
    const scaling = new Scaling({ canLaunch: false, min: 1 })
    scaling.hold(3)
    scaling.join('by-hand')
    expect(scaling.controller.nextDeadline()).toBe(Number.POSITIVE_INFINITY)
    scaling.pass(60_000)
    expect(scaling.actions).toEqual([])
  })

  it('does not count linkers that were started by hand among those that the platform should have', () => {
    const scaling = new Scaling()
    scaling.join('by-hand')
    scaling.hold(2)
    scaling.pass(100)
    expect(scaling.targets.map(({ want }) => want)).toEqual([2])
  })

  it('falling demand cancels no launch', () => {
    const scaling = new Scaling()
    scaling.hold(1)
    scaling.held = 0
    scaling.step()
    expect(scaling.controller.target().start).toEqual([{ id: 'launch-1', env: {} }])
  })
})

describe('patience', () => {
  it('waits 100 ms before more are started than are ready', () => {
    const scaling = new Scaling()
    scaling.ready('launch-0')
    scaling.pass(1_000)
    scaling.hold(2)
    expect(scaling.pass(99)).toEqual([])
    expect(scaling.launches(scaling.pass(1))).toHaveLength(2)
  })

  it('starts anew when an instance becomes ready, so that a backlog that clears by itself starts nothing', () => {
    const scaling = new Scaling()
    scaling.ready('launch-0')
    scaling.pass(1_000)
    scaling.hold(1)
    scaling.pass(80)
    scaling.join('by-hand')
    expect(scaling.pass(99)).toEqual([])
    scaling.held = 0
    expect(scaling.pass(60_000)).toEqual([])
  })

  it('is not restarted by an instance that is told to stay', () => {
    const scaling = new Scaling()
    scaling.ready('launch-0', 'launch-1')
    scaling.pass(1_000)
    scaling.hold(1)
    scaling.pass(60)
    scaling.ask('launch-1')
    expect(scaling.launches(scaling.pass(40))).toHaveLength(1)
  })

  it('regardless of the sum launches one when somebody waits and nothing starts', () => {
    const scaling = new Scaling()
    scaling.ready('launch-0')
    scaling.pass(1_000)
    scaling.freeSlots = 5
    scaling.hold(1)
    expect(scaling.launches(scaling.pass(100))).toHaveLength(1)
    expect(scaling.launches(scaling.pass(60_000))).toHaveLength(0)
  })

  it('of 0 ms starts one for one request, whose instance is ready a moment before it grants', () => {
    const scaling = new Scaling({ patienceMs: 0 })
    scaling.hold(1)
    scaling.freeSlots = 1
    scaling.join('launch-1')
    expect([scaling.launches(), scaling.pass(99)]).toEqual([['launch-1'], []])
    expect(scaling.launches(scaling.pass(1))).toEqual(['launch-2'])
  })

  it('of 0 ms starts at once what the slots that are there cannot serve', () => {
    const scaling = new Scaling({ patienceMs: 0 })
    scaling.ready('launch-0')
    scaling.hold(3)
    expect(scaling.launches()).toHaveLength(3)
  })

  it('is over at its time also while something starts', () => {
    const scaling = new Scaling()
    scaling.hold(1)
    scaling.ready('launch-0')
    scaling.pass(50)
    scaling.hold(4)
    expect(scaling.launches(scaling.pass(50))).toHaveLength(3)
  })

  it('does not count an instance that serves nobody (S = 0) as ready', () => {
    const scaling = new Scaling()
    scaling.ready('launch-0')
    scaling.controller.readied('launch-0', 0, scaling.nowMs)
    scaling.hold(1)
    expect(scaling.launches()).toHaveLength(1)
  })
})
