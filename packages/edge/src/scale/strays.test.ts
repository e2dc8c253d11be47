import { describe, expect, it } from 'vitest'
import { instanceOf, OPTIONS, Scaling } from './controller.testkit.ts'
import { Strays } from './strays.ts'

/** What the calls so far were to remove. */
const removed = ({ targets }: Scaling) => targets.map(({ remove }) => remove.map(({ id }) => id))

/** The platform lists the same for so long, looked at every 30 s. */
function list(scaling: Scaling, ms: number, state: 'starting' | 'running'): void {
  for (let left = ms; left > 0; left -= 30_000) {
    scaling.pass(Math.min(left, 30_000))
    scaling.observe([instanceOf('stray', state)])
  }
}

/** The call of an edge that was killed was carried out after its successor's first look. */
function afterFirstLook(): Scaling {
  const scaling = new Scaling()
  scaling.observe([], true)
  scaling.observe([instanceOf('stray', 'starting')])
  return scaling
}

describe('a launch that appears later, of another edge', () => {
  it('is removed when it has not started in the time of a launch', () => {
    const scaling = afterFirstLook()
    list(scaling, OPTIONS.startTimeoutMs - 1, 'starting')
    expect(scaling.targets).toEqual([])
    list(scaling, 1, 'starting')
    expect(removed(scaling)).toEqual([['i-stray']])
    scaling.observe([])
    expect([scaling.pass(60_000), scaling.controller.isEmpty]).toEqual([[], true])
  })

  it('is no launch of this edge meanwhile: nothing waits for it, and nobody is told that it failed', () => {
    const scaling = afterFirstLook()
    expect(scaling.launches(scaling.hold(1))).toHaveLength(1)
    expect(scaling.phaseOf('stray')).toBe(undefined)
    scaling.ready('launch-1')
    scaling.held = 0
    list(scaling, OPTIONS.startTimeoutMs, 'starting')
    expect(scaling.actions.map(({ kind }) => kind)).not.toContain('launch-failed')
  })

  it('is left alone once it runs: its linker tells its edges what becomes of it', () => {
    const scaling = afterFirstLook()
    list(scaling, OPTIONS.startTimeoutMs - 1, 'starting')
    list(scaling, 10 * OPTIONS.startTimeoutMs, 'running')
    expect(scaling.targets).toEqual([])
  })

  it('is kept if its linker comes after all', () => {
    const scaling = afterFirstLook()
    scaling.answer = 'reject'
    list(scaling, OPTIONS.startTimeoutMs, 'starting')
    expect(removed(scaling)).toEqual([['i-stray']])
    scaling.ready('stray')
    scaling.pass(60_000)
    expect([removed(scaling), scaling.phaseOf('stray')]).toEqual([[['i-stray']], 'ready'])
  })

  it('has the time of a launch from the first look on if it was there then', () => {
    const scaling = new Scaling()
    scaling.observe([instanceOf('stray', 'starting')], true)
    expect(scaling.phaseOf('stray')).toBe('lost')
  })
})

describe('Strays', () => {
  it('are waited for since each was seen first, and anew when it was gone meanwhile', () => {
    const strays = new Strays()
    const overdue = (launches: readonly string[], nowMs: number) =>
      strays
        .overdue(
          launches.map((launch) => instanceOf(launch, 'starting')),
          100,
          nowMs,
        )
        .map(({ launch }) => launch)
    expect(overdue(['a'], 0)).toEqual([])
    expect(overdue(['a', 'b'], 50)).toEqual([])
    expect(overdue(['a', 'b'], 100)).toEqual(['a'])
    expect(overdue(['a'], 120)).toEqual(['a'])
    expect(overdue(['a', 'b'], 150)).toEqual(['a'])
    expect(overdue(['b'], 250)).toEqual(['b'])
  })
})
