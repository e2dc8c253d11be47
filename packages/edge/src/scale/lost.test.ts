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

  it('is waited for as long as others come back, for 8 s at most', () => {
    const scaling = new Scaling({ max: 100 })
    const keys = Array.from({ length: 20 }, (_, at) => `old-${at}`)
    scaling.ready(...keys)
    for (const key of keys) scaling.end(key)
    scaling.hold(50)
    for (const key of keys.slice(0, 15)) {
      expect(scaling.pass(500)).toEqual([])
      scaling.join(key)
      scaling.held--
      scaling.oldestSinceMs = scaling.nowMs
    }
    // The last five have not come back 8 s after they were lost, although others still do.
    expect(scaling.phaseOf('old-19')).toBe('lost')
    scaling.pass(500)
    expect(scaling.phaseOf('old-19')).toBe('gone')
  })

  it('is replaced 2 s after the last one came back', () => {
    const scaling = new Scaling()
    scaling.ready('old-1', 'old-2')
    scaling.end('old-1')
    scaling.end('old-2')
    scaling.pass(1_500)
    scaling.join('old-1')
    scaling.hold(1)
    expect(scaling.launches(scaling.pass(1_999))).toEqual([])
    expect(scaling.launches(scaling.pass(1))).toHaveLength(1)
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

  it('waits for three hundred that come back over ten seconds, and launches none of them anew', () => {
    const scaling = new Scaling({ min: 300, max: 400 })
    const keys = Array.from({ length: 300 }, (_, at) => `old-${at}`)
    scaling.observe(
      keys.map((key) => instanceOf(key)),
      true,
    )
    scaling.hold(100)
    for (const key of keys) {
      scaling.pass(10_000 / 300)
      scaling.join(key)
      scaling.held = Math.max(0, scaling.held - 1)
    }
    scaling.pass(60_000)
    expect([scaling.launches(), scaling.targets]).toEqual([[], []])
  })

  it('gives up those that do not come back, a little after the last one that does', () => {
    const scaling = new Scaling({ min: 3 })
    scaling.observe([instanceOf('old-1'), instanceOf('old-2'), instanceOf('old-3')], true)
    scaling.pass(3_000)
    scaling.join('old-1')
    expect(scaling.launches(scaling.pass(4_999))).toEqual([])
    expect(scaling.launches(scaling.pass(1))).toHaveLength(2)
  })

  it('launches nothing for `min` while the platform cannot be seen and linkers may be on their way back', () => {
    const scaling = new Scaling({ min: 3 })
    scaling.controller.unobserved(scaling.nowMs)
    scaling.step()
    for (const key of ['old-1', 'old-2', 'old-3']) {
      expect(scaling.pass(1_000)).toEqual([])
      scaling.join(key)
    }
    scaling.pass(60_000)
    expect(scaling.launches()).toEqual([])
  })

  it('launches for what is held although the platform cannot be seen, and for `min` when nobody came', () => {
    const scaling = new Scaling({ min: 3 })
    scaling.controller.unobserved(scaling.nowMs)
    expect(scaling.launches(scaling.hold(1))).toHaveLength(1)
    expect(scaling.launches(scaling.pass(4_999))).toEqual([])
    expect(scaling.launches(scaling.pass(1))).toHaveLength(2)
  })

  it('launches for `min` at once when the platform is seen after all', () => {
    const scaling = new Scaling({ min: 3 })
    scaling.controller.unobserved(scaling.nowMs)
    scaling.pass(1_000)
    expect(scaling.launches(scaling.observe([instanceOf('old-1')], true))).toHaveLength(2)
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

  it('leaves alone what appears later and runs: it belongs to another edge that shares the owner', () => {
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

  it('is asked for no more once the linker is back, although it was forgotten when that was asked for', () => {
    const scaling = new Scaling()
    scaling.ready('launch-0')
    scaling.observe([instanceOf('launch-0')])
    scaling.end('launch-0')
    scaling.answer = 'reject'
    scaling.pass(17_000)
    expect(scaling.targets.at(-1)?.remove).toMatchObject([{ id: 'i-launch-0' }])
    expect(scaling.phaseOf('launch-0')).toBe(undefined)
    const calls = scaling.targets.length
    scaling.ready('launch-0')
    scaling.pass(60_000)
    expect(scaling.targets).toHaveLength(calls)
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
