import { describe, expect, it } from 'vitest'
import { CRASHED, instanceOf, kinds, Scaling } from './controller.testkit.ts'

const verdicts = (scaling: Scaling) =>
  scaling.actions.flatMap((a) => (a.kind === 'verdict' ? [`${a.member} ${a.go ? 'GO' : 'STAY'}`] : []))

const retries = (scaling: Scaling) =>
  scaling.actions.flatMap((a) => (a.kind === 'launch-failed' ? [a.retryMs] : []))

/** A launch for a held request that fails before it served anything. */
function fail(scaling: Scaling): void {
  scaling.hold(1)
  const launch = scaling.launches().at(-1) as string
  scaling.join(launch, 1, 'starting')
  scaling.controller.failed(launch, CRASHED, scaling.nowMs)
  scaling.step()
}

describe('configure', () => {
  it('makes the next step due at once, and what it brings is brought by that', () => {
    const scaling = new Scaling()
    scaling.step()
    scaling.controller.configure({ ...scaling.options, min: 1 }, scaling.nowMs)
    expect(scaling.controller.nextDeadline()).toBe(scaling.nowMs)
    expect(scaling.launches(scaling.pass(0))).toHaveLength(1)
  })

  it('with the same options changes nothing', () => {
    const scaling = new Scaling({ min: 1 })
    scaling.step()
    scaling.ready('launch-1')
    scaling.hold(2)
    const deadlineMs = scaling.controller.nextDeadline()
    expect(scaling.configure({})).toEqual([])
    expect(scaling.controller.nextDeadline()).toBe(deadlineMs)
  })

  it('with a lower max starts nothing and cuts nothing', () => {
    const scaling = new Scaling({ max: 5 })
    scaling.ready('launch-0')
    scaling.pass(1_000)
    scaling.hold(9)
    scaling.pass(100)
    scaling.ready('launch-1', 'launch-2')
    scaling.configure({ max: 2 })
    scaling.pass(100_000)
    expect(['launch-0', 'launch-1', 'launch-2'].map((key) => scaling.phaseOf(key))).toEqual(
      new Array(3).fill('ready'),
    )
    expect(['launch-3', 'launch-4'].map((key) => scaling.phaseOf(key))).toEqual(['asked', 'asked'])
    expect([scaling.launches().length, scaling.targets.at(-1)?.remove]).toEqual([4, []])
    // Nor do those that come late have to go.
    scaling.join('launch-3')
    expect(scaling.phaseOf('launch-3')).toBe('ready')
  })

  it('with a lower max replaces nobody until there is room below it', () => {
    const scaling = new Scaling({ max: 3 })
    scaling.ready('launch-0', 'launch-a', 'launch-b')
    scaling.pass(1_000)
    scaling.hold(9)
    scaling.configure({ max: 2 })
    scaling.pass(1_000)
    scaling.end('launch-0', true)
    expect([scaling.pass(60_000), scaling.launches()]).toEqual([[], []])
    expect(scaling.launches(scaling.end('launch-a', true))).toHaveLength(1)
  })

  it('with a higher max launches what is held back, at the next step', () => {
    const scaling = new Scaling({ max: 1 })
    scaling.ready('launch-0')
    scaling.pass(1_000)
    scaling.hold(5)
    scaling.pass(1_000)
    expect(scaling.launches()).toEqual([])
    expect(scaling.launches(scaling.configure({ max: 4 }))).toHaveLength(3)
  })

  it('with a higher max waits for the patience that is left', () => {
    const scaling = new Scaling({ max: 1 })
    scaling.ready('launch-0')
    scaling.pass(1_000)
    scaling.hold(5)
    scaling.pass(40)
    expect(scaling.launches(scaling.configure({ max: 4 }))).toEqual([])
    expect(scaling.launches(scaling.pass(59))).toEqual([])
    expect(scaling.launches(scaling.pass(1))).toHaveLength(3)
  })

  it('with a higher min launches what is missing, at the next step', () => {
    const scaling = new Scaling({ min: 1 })
    scaling.step()
    expect(scaling.launches(scaling.configure({ min: 3 }))).toHaveLength(2)
  })

  it('with a lower min lets those that are idle go when they ask', () => {
    const scaling = new Scaling({ min: 2 })
    scaling.step()
    scaling.ready('launch-1', 'launch-2')
    scaling.ask('launch-1')
    expect(scaling.configure({ min: 1 })).toEqual([])
    expect([scaling.phaseOf('launch-1'), scaling.phaseOf('launch-2')]).toEqual(['ready', 'ready'])
    scaling.ask('launch-1')
    expect(verdicts(scaling)).toEqual(['launch-1 STAY', 'launch-1 GO'])
  })

  it('overwrites what setMin said', () => {
    const scaling = new Scaling({ min: 1 })
    scaling.setMin(3)
    scaling.ready('launch-1', 'launch-2', 'launch-3')
    scaling.configure({})
    scaling.ask('launch-1')
    expect(verdicts(scaling)).toEqual(['launch-1 GO'])
  })

  it('with another patience moves the end of the one that lasts', () => {
    const scaling = new Scaling()
    scaling.ready('launch-0')
    scaling.pass(1_000)
    scaling.hold(2)
    scaling.configure({ patienceMs: 30 })
    expect([scaling.launches(scaling.pass(29)), scaling.launches(scaling.pass(1)).length]).toEqual([[], 2])
  })

  it.each([
    [120_000, 1_000],
    [1_000, 120_000],
  ])('with another start timeout (%i ms, then %i) gives it to new launches only', (before, after) => {
    const scaling = new Scaling({ startTimeoutMs: before, min: 1, backoffMinMs: 1, backoffMaxMs: 1 })
    scaling.step()
    scaling.configure({ startTimeoutMs: after })
    expect(scaling.pass(before - 1)).toEqual([])
    expect(scaling.pass(1)).toMatchObject([
      {
        kind: 'launch-failed',
        problem: { message: expect.stringContaining(`no linker connected within ${before / 1_000} s;`) },
      },
    ])
    expect(scaling.launches(scaling.pass(1))).toHaveLength(1)
    expect(scaling.pass(after - 1)).toEqual([])
    expect(scaling.pass(1)).toMatchObject([
      {
        kind: 'launch-failed',
        problem: { message: expect.stringContaining(`no linker connected within ${after / 1_000} s;`) },
      },
    ])
  })

  it('with other bounds of the back-off leaves the pause as it is and applies them to the next failure', () => {
    const scaling = new Scaling()
    fail(scaling)
    scaling.configure({ backoffMinMs: 10_000, backoffMaxMs: 15_000 })
    scaling.held = 0
    scaling.pass(1_000)
    fail(scaling)
    expect(retries(scaling)).toEqual([1_000, 15_000])
  })

  it('with slots goes by them while no instance has said its own', () => {
    const scaling = new Scaling()
    scaling.hold(8)
    expect(scaling.launches(scaling.configure({ slots: 4 }))).toHaveLength(1)
    scaling.join('launch-1', 1, 'starting')
    expect([scaling.launches().length, scaling.configure({ slots: 8 })]).toEqual([8, []])
  })

  it('without canLaunch launches nothing, and keeps those that are there from leaving', () => {
    const scaling = new Scaling({ min: 1 })
    scaling.step()
    scaling.ready('launch-1', 'launch-2')
    scaling.configure({ canLaunch: false, min: 5 })
    scaling.hold(9)
    scaling.pass(10_000)
    scaling.held = 0
    scaling.setMin(0)
    scaling.ask('launch-1')
    expect([scaling.launches(), verdicts(scaling)]).toEqual([['launch-1'], ['launch-1 STAY']])
  })

  it('without canLaunch still waits for what was launched, and still removes what must go', () => {
    const scaling = new Scaling()
    scaling.answer = null
    scaling.hold(1)
    scaling.configure({ canLaunch: false })
    expect(scaling.phaseOf('launch-1')).toBe('asked')
    scaling.callEnded(null)
    scaling.answer = 'accept'
    expect(kinds(scaling.observe([instanceOf('launch-1', 'ended')]))).toContain('scale')
    expect(scaling.targets.at(-1)).toMatchObject({ want: 0, start: [], remove: [{ id: 'i-launch-1' }] })
  })

  it('with canLaunch again launches what is held, at the next step', () => {
    const scaling = new Scaling({ canLaunch: false })
    scaling.hold(1)
    expect(scaling.launches(scaling.configure({ canLaunch: true }))).toHaveLength(1)
  })

  it('with canLaunch again does not forget the pause', () => {
    const scaling = new Scaling()
    fail(scaling)
    scaling.configure({ canLaunch: false })
    scaling.configure({ canLaunch: true })
    expect(scaling.hold(1)).toMatchObject([{ kind: 'fail-held', retryMs: 1_000 }])
  })
})
