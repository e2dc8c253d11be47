import type { Problem } from '@brxy/scaler'
import { describe, expect, it } from 'vitest'
import { CRASHED, instanceOf, Scaling } from './controller.testkit.ts'
import { Replicas } from './replicas.testkit.ts'
import type { ScaleAction } from './scale-action.ts'

/** It ended badly, and the platform tries again. */
const RESTARTING: Problem = { ...CRASHED, final: false }

/** A platform that counts, with a replica that an operator has started before this edge. */
function setUp(): { scaling: Scaling; platform: Replicas } {
  const scaling = new Scaling({ isCounted: true, slots: 1 })
  const platform = new Replicas(scaling)
  platform.pods.set('found', 'running')
  return { scaling, platform }
}

/** Who failed and what is told to those who wait, in order. */
const failures = (actions: readonly ScaleAction[]) =>
  actions.flatMap((each) =>
    each.kind === 'launch-failed'
      ? [`${each.launch}: ${each.problem.code}`]
      : each.kind === 'fail-held'
        ? [`held: ${each.problem.code}`]
        : [],
  )

describe('a replica that crashes again and again', () => {
  it('fails like any start where it is found so, and goes', () => {
    const { scaling, platform } = setUp()
    platform.problems.set('found', CRASHED)
    expect(failures(scaling.observe(platform.list(), true))).toEqual(['found: crashed'])
    expect(scaling.targets.at(-1)).toMatchObject({ want: 0, remove: [{ id: 'found' }] })
    expect(failures(scaling.hold(1))).toEqual(['held: crashed'])
    // One probe for each pause.
    scaling.pass(1_000)
    scaling.hold(1)
    platform.settle()
    expect([...platform.pods.keys()]).toEqual(['pod-1'])
    expect(failures(platform.complain('pod-1', CRASHED))).toEqual(['launch-1: crashed', 'held: crashed'])
  })

  it('is found with what is wrong with it, also while that may pass', () => {
    const { scaling, platform } = setUp()
    const waits: Problem = { code: 'unschedulable', message: 'no node', final: false }
    platform.problems.set('found', waits)
    scaling.observe(platform.list(), true)
    expect([failures(scaling.actions), scaling.controller.member('found')?.problem]).toEqual([[], waits])
  })

  it('fails those who wait for its linker to come back', () => {
    const { scaling, platform } = setUp()
    platform.settle(true)
    scaling.hold(1)
    expect(scaling.launches()).toEqual([])
    expect(failures(platform.complain('found', CRASHED))).toEqual(['found: crashed', 'held: crashed'])
  })

  it.each([
    { seen: 'before the launch', before: [RESTARTING], after: [CRASHED] },
    { seen: 'after the launch', before: [], after: [RESTARTING, CRASHED] },
    { seen: 'at its end only', before: [], after: [CRASHED] },
  ])('is that of the launch that has no other, once it was given up: $seen', ({ before, after }) => {
    const { scaling, platform } = setUp()
    platform.settle(true)
    for (const problem of before) platform.complain('found', problem)
    scaling.pass(5_000)
    expect(scaling.phaseOf('found')).toBe('gone')
    scaling.hold(1)
    platform.settle()
    expect([scaling.launches(), [...platform.pods.keys()]]).toEqual([['launch-1'], ['found']])
    const actions = after.flatMap((problem) => platform.complain('found', problem))
    expect(failures(actions)).toEqual(['launch-1: crashed', 'held: crashed'])
    platform.settle()
    expect(platform.pods.size).toBe(0)
  })

  it('is not removed for its past while a launch stands for it, and serves if it comes after all', () => {
    const { scaling, platform } = setUp()
    platform.settle(true)
    scaling.pass(5_000)
    scaling.hold(1)
    platform.settle()
    platform.complain('found', RESTARTING)
    scaling.pass(30_000)
    expect(scaling.targets.flatMap(({ remove }) => remove)).toEqual([])
    expect(platform.connect('found')).toBe('launch-1')
    scaling.held = 0
    scaling.pass(300_000)
    expect([[...platform.pods.keys()], failures(scaling.actions)]).toEqual([['found'], []])
  })

  it('stands for no launch any more once it is to be removed', () => {
    const { scaling, platform } = setUp()
    platform.settle(true)
    scaling.answer = null
    scaling.pass(20_000)
    expect(scaling.targets.at(-1)?.remove).toMatchObject([{ id: 'found' }])
    scaling.hold(1)
    platform.complain('found', CRASHED)
    expect([failures(scaling.actions), scaling.controller.member('launch-1')?.platform]).toEqual([[], null])
  })

  it('has a name of its own in the place of one that is to be removed, and is the reason', () => {
    const { scaling } = setUp()
    const problem: Problem = { code: 'quota', message: 'no room', final: true }
    const missing = (id: number) => ({ id: `missing/${id}`, state: 'starting', since: 0, problem }) as const
    scaling.answer = null
    scaling.hold(1)
    expect(failures(scaling.observe([missing(0)]))).toEqual(['launch-1: quota', 'held: quota'])
    scaling.callEnded(null)
    // The call that removes it does not arrive: the number is what it was, and the next launch finds it so.
    scaling.step()
    scaling.callEnded(CRASHED)
    scaling.pass(1_000)
    scaling.hold(1)
    expect(failures(scaling.observe([missing(0)]))).toEqual([])
    expect(scaling.targets.at(-1)).toMatchObject({ want: 1, remove: [{ id: 'missing/0' }] })
    expect(failures(scaling.observe([missing(1)]))).toEqual(['launch-2: quota', 'held: quota'])
  })

  it('fails no launch but its own', () => {
    const { scaling, platform } = setUp()
    platform.pods.clear()
    scaling.hold(2)
    scaling.observe([{ id: 'pod-1', state: 'running', since: 0 }])
    expect(failures(platform.complain('pod-1', RESTARTING))).toEqual([])
    expect(scaling.controller.member('launch-1')?.platform).toBe('pod-1')
    expect(failures(platform.complain('pod-1', CRASHED))).toEqual(['launch-1: crashed'])
    expect([scaling.held, scaling.phaseOf('launch-2')]).toEqual([2, 'asked'])
  })

  it('has as long as any that runs, once the platform has started it', () => {
    const { scaling, platform } = setUp()
    platform.pods.set('found', 'starting')
    platform.settle(true)
    // An image that takes its time.
    scaling.pass(30_000)
    platform.settle()
    scaling.pass(30_000)
    platform.settle()
    expect(scaling.targets.flatMap(({ remove }) => remove)).toEqual([])
    platform.pods.set('found', 'running')
    scaling.hold(1)
    platform.settle()
    scaling.pass(15_000)
    platform.settle()
    // It was the only one for which the launch could have stood.
    expect([...platform.pods.keys()]).toEqual(['pod-1'])
    expect(scaling.controller.member('launch-1')?.platform).toBe('pod-1')
  })

  it.each(['served', 'left'])('is no failed start of a linker that has %s', (what) => {
    const { scaling, platform } = setUp()
    platform.settle(true)
    const key = platform.connect('found')
    scaling.controller.served(key)
    scaling.end(key, what === 'left')
    platform.complain('found', CRASHED)
    expect([failures(scaling.actions), scaling.phaseOf(key)]).toEqual([[], 'gone'])
  })

  it('leaves those waiting who wait for another one', () => {
    const { scaling, platform } = setUp()
    platform.pods.set('pod-2', 'running')
    platform.settle(true)
    scaling.hold(1)
    expect(failures(platform.complain('found', CRASHED))).toEqual(['found: crashed'])
    expect([platform.connect('pod-2'), scaling.held]).toEqual(['pod-2', 1])
  })
})

describe('what the platform makes by itself in place of a replica that failed', () => {
  it.each(['before', 'after'])('is no reason to wait longer: listed %s it', (order) => {
    const { scaling } = setUp()
    scaling.observe([{ id: 'try-1', state: 'running', since: 0 }], true)
    scaling.hold(1)
    for (const at of [1, 2, 3]) {
      const ended = { id: `try-${at}`, state: 'ended', since: 0, problem: CRASHED } as const
      const next = { id: `try-${at + 1}`, state: 'starting', since: 0 } as const
      const actions = scaling.observe(order === 'before' ? [next, ended] : [ended, next])
      expect(failures(actions)).toEqual([`try-${at}: crashed`, 'held: crashed'])
      expect(failures(scaling.hold(1))).toEqual(['held: crashed'])
      // After the pause it is as good as a probe.
      scaling.pass(2 ** (at - 1) * 1_000)
      expect(failures(scaling.hold(1))).toEqual([])
    }
    expect(scaling.launches()).toEqual([])
  })

  it('is one as soon as its linker says that it starts', () => {
    const { scaling, platform } = setUp()
    platform.settle(true)
    platform.pods.set('pod-2', 'starting')
    platform.complain('found', CRASHED)
    platform.connect('pod-2', 'starting')
    expect(failures(scaling.hold(1))).toEqual([])
    platform.connect('pod-2')
    expect(scaling.held).toBe(1)
  })

  it('takes nobody along who waits for another one, when it goes before it was heard of', () => {
    const { scaling, platform } = setUp()
    platform.settle(true)
    platform.connect('found')
    platform.pods.set('pod-2', 'running')
    platform.settle()
    expect(failures(platform.complain('pod-2', CRASHED))).toEqual(['pod-2: crashed'])
    platform.pods.set('pod-3', 'starting')
    platform.settle()
    // The first that another edge says of it.
    scaling.controller.draining('pod-3', scaling.nowMs)
    expect(failures(scaling.hold(1))).toEqual([])
  })

  it('is one where the failure was that of a launch with a name, of another platform', () => {
    const scaling = new Scaling()
    scaling.hold(1)
    scaling.observe([instanceOf('launch-1', 'ended', CRASHED)])
    scaling.configure({ isCounted: true })
    scaling.observe([{ id: 'pod-1', state: 'starting', since: 0 }])
    expect(failures(scaling.hold(1))).toEqual([])
  })

  it('is one where the failure was only that a call had no answer', () => {
    const { scaling, platform } = setUp()
    platform.settle(true)
    platform.complain('found', CRASHED)
    // That is long ago.
    scaling.controller.served(platform.connect('by-hand'))
    scaling.end('by-hand', true)
    platform.pods.clear()
    platform.settle()
    scaling.answer = 'reject'
    scaling.hold(1)
    scaling.answer = 'accept'
    platform.settle()
    expect(platform.pods.size).toBe(1)
    expect(failures(scaling.hold(1))).toEqual([])
  })
})
