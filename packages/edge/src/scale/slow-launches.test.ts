import { describe, expect, it } from 'vitest'
import { Scaling } from './controller.testkit.ts'

const told = (scaling: Scaling) => scaling.actions.filter(({ kind }) => kind === 'launch-slow')

describe('a launch whose linker is long in coming', () => {
  it('is told once, after ten seconds', () => {
    const scaling = new Scaling()
    scaling.hold(1)
    scaling.pass(9_999)
    expect(told(scaling)).toEqual([])
    scaling.pass(1)
    expect(told(scaling)).toEqual([{ kind: 'launch-slow', launch: 'launch-1', tookMs: 10_000 }])
    scaling.pass(60_000)
    expect(told(scaling)).toHaveLength(1)
  })

  it('is no news once it has connected, or failed', () => {
    const scaling = new Scaling({ startTimeoutMs: 5_000 })
    scaling.hold(1)
    scaling.join('launch-1', 1, 'starting')
    scaling.pass(60_000)
    expect(told(scaling)).toEqual([])
    const failing = new Scaling({ startTimeoutMs: 5_000 })
    failing.hold(1)
    failing.pass(10_500)
    expect(told(failing)).toEqual([])
  })

  it('is told of each launch', () => {
    const scaling = new Scaling({ min: 2 })
    scaling.step()
    scaling.pass(10_000)
    expect(told(scaling).map((action) => (action as { launch: string }).launch)).toEqual([
      'launch-1',
      'launch-2',
    ])
  })
})
