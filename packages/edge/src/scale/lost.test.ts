import { describe, expect, it } from 'vitest'
import { instanceOf, Scaling } from './controller.testkit.ts'

describe('a lost session', () => {
  it('counts as starting for 2 s, so that a blip launches nothing', () => {
    const scaling = new Scaling()
    scaling.ready('launch-0')
    scaling.end('launch-0')
    scaling.hold(1)
    expect(scaling.pass(1_999)).toEqual([])
    scaling.join('launch-0')
    scaling.held = 0
    expect(scaling.launches()).toEqual([])
    expect(scaling.phaseOf('launch-0')).toBe('ready')
  })

  it('is replaced after 2 s if somebody waits', () => {
    const scaling = new Scaling()
    scaling.ready('launch-0')
    scaling.end('launch-0')
    scaling.hold(1)
    expect(scaling.launches(scaling.pass(2_000))).toHaveLength(1)
  })

  it('is replaced at once if the platform says that the instance has ended', () => {
    const scaling = new Scaling()
    scaling.ready('launch-0')
    scaling.end('launch-0')
    scaling.hold(1)
    expect(scaling.launches(scaling.observe([instanceOf('launch-0', 'ended')]))).toHaveLength(1)
  })

  it('re-runs the sum at every end', () => {
    const scaling = new Scaling()
    scaling.ready('launch-0', 'launch-00')
    scaling.pass(1_000)
    scaling.hold(1)
    scaling.pass(100)
    const before = scaling.launches().length
    scaling.join('launch-1')
    scaling.end('launch-1', true)
    scaling.pass(100)
    expect(scaling.launches()).toHaveLength(before + 1)
  })

  it('is removed from the platform when it has not come back for long', () => {
    const scaling = new Scaling()
    scaling.ready('launch-0')
    scaling.observe([instanceOf('launch-0')])
    scaling.end('launch-0')
    scaling.pass(16_999)
    expect(scaling.targets).toEqual([])
    scaling.pass(1)
    expect(scaling.targets.at(-1)?.remove).toMatchObject([{ id: 'i-launch-0' }])
  })
})

describe('after a restart', () => {
  it('counts what it finds as starting for 5 s and launches nothing', () => {
    const scaling = new Scaling()
    scaling.observe([instanceOf('old-1'), instanceOf('old-2')], true)
    scaling.hold(1)
    expect(scaling.pass(4_999)).toEqual([])
    scaling.join('old-1')
    scaling.held = 0
    scaling.pass(4_000)
    expect([scaling.launches(), scaling.phaseOf('old-1')]).toEqual([[], 'ready'])
  })

  it('launches after 5 s if none of them came', () => {
    const scaling = new Scaling()
    scaling.observe([instanceOf('old-1')], true)
    scaling.hold(1)
    expect(scaling.launches(scaling.pass(5_000))).toHaveLength(1)
  })

  it('does not begin with a back-off because an old instance did not come back', () => {
    const scaling = new Scaling()
    scaling.observe([instanceOf('old-1')], true)
    scaling.pass(5_000)
    scaling.hold(1)
    expect([scaling.held, scaling.launches().length]).toEqual([1, 1])
  })

  it('removes what did not come back, but gives one that is still starting the time of a launch', () => {
    for (const [state, ms] of [
      ['running', 20_000],
      ['starting', 120_000],
    ] as const) {
      const scaling = new Scaling()
      scaling.observe([instanceOf('old-1', state)], true)
      scaling.pass(ms - 1)
      expect(scaling.targets).toEqual([])
      scaling.pass(1)
      expect(scaling.targets.at(-1)?.remove).toMatchObject([{ id: 'i-old-1' }])
    }
  })

  it('clears the records of what ended before', () => {
    const scaling = new Scaling()
    scaling.observe([instanceOf('old-1', 'ended')], true)
    expect(scaling.targets).toMatchObject([{ want: 0, start: [], remove: [{ id: 'i-old-1' }] }])
  })

  it('leaves alone what appears later: it belongs to another edge that shares the owner', () => {
    const scaling = new Scaling()
    scaling.observe([], true)
    expect(scaling.observe([instanceOf('foreign')])).toEqual([])
    expect(scaling.phaseOf('foreign')).toBe(undefined)
  })
})

describe('removal', () => {
  it('is asked for one that left and is still listed after 15 s, and repeated until it is not', () => {
    const scaling = new Scaling()
    scaling.ready('launch-0')
    scaling.observe([instanceOf('launch-0')])
    scaling.end('launch-0', true)
    scaling.pass(14_999)
    expect(scaling.targets).toEqual([])
    scaling.pass(1)
    expect(scaling.targets).toHaveLength(1)
    scaling.observe([instanceOf('launch-0')])
    scaling.pass(5_000)
    expect(scaling.targets.map(({ remove }) => remove.length)).toEqual([1, 1])
    scaling.observe([])
    scaling.pass(60_000)
    expect(scaling.targets).toHaveLength(2)
    expect(scaling.controller.isEmpty).toBe(true)
  })

  it('is not asked for one that left and is listed no more', () => {
    const scaling = new Scaling()
    scaling.ready('launch-0')
    scaling.observe([instanceOf('launch-0')])
    scaling.end('launch-0', true)
    scaling.observe([])
    expect([scaling.pass(60_000), scaling.controller.isEmpty]).toEqual([[], true])
  })

  it('is asked at once for the record of one that left', () => {
    const scaling = new Scaling()
    scaling.ready('launch-0')
    scaling.end('launch-0', true)
    scaling.observe([instanceOf('launch-0', 'ended')])
    expect(scaling.targets.at(-1)?.remove).toMatchObject([{ id: 'i-launch-0' }])
  })

  it('is never asked for one that is connected', () => {
    const scaling = new Scaling()
    scaling.ready('launch-0')
    scaling.observe([instanceOf('launch-0', 'ended', undefined)])
    scaling.pass(60_000)
    expect(scaling.targets).toEqual([])
  })

  it('is not asked for again because the platform still lists the record', () => {
    const scaling = new Scaling()
    scaling.observe([instanceOf('old-1', 'ended')], true)
    scaling.pass(4_999)
    expect([scaling.observe([instanceOf('old-1', 'ended')]), scaling.targets.length]).toEqual([[], 1])
  })

  it('goes on through calls that are rejected', () => {
    const scaling = new Scaling()
    scaling.answer = 'reject'
    scaling.observe([instanceOf('old-1', 'ended')], true)
    scaling.pass(5_000)
    scaling.pass(5_000)
    expect(scaling.targets).toHaveLength(3)
  })
})
