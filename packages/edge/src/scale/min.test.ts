import { describe, expect, it } from 'vitest'
import { CRASHED, Scaling } from './controller.testkit.ts'

/** Its application fails before it served anything. */
function fail(scaling: Scaling, launch: string): void {
  scaling.join(launch, 1, 'starting')
  scaling.controller.failed(launch, CRASHED, scaling.nowMs)
  scaling.step()
  scaling.end(launch)
}

describe('min', () => {
  it('is launched at the first step, in one call, although nothing is held', () => {
    const scaling = new Scaling({ min: 2 })
    scaling.step()
    expect(scaling.targets).toMatchObject([{ want: 2, start: [{ id: 'launch-1' }, { id: 'launch-2' }] }])
    scaling.ready('launch-1', 'launch-2')
    expect([scaling.pass(600_000), scaling.controller.nextDeadline()]).toEqual([[], Number.POSITIVE_INFINITY])
  })

  it('is filled up again when one was lost and did not come back within 2 s', () => {
    const scaling = new Scaling({ min: 2 })
    scaling.step()
    scaling.ready('launch-1', 'launch-2')
    scaling.end('launch-2')
    expect(scaling.launches(scaling.pass(1_999))).toEqual([])
    expect(scaling.launches(scaling.pass(1))).toEqual(['launch-3'])
  })

  it('is filled up again at once when one left', () => {
    const scaling = new Scaling({ min: 2 })
    scaling.step()
    scaling.ready('launch-1', 'launch-2')
    expect(scaling.launches(scaling.end('launch-2', true))).toEqual(['launch-3'])
  })

  it('is filled up by one probe at a time after a failure, in pauses that double', () => {
    const scaling = new Scaling({ min: 2 })
    scaling.step()
    fail(scaling, 'launch-1')
    fail(scaling, 'launch-2')
    for (const [pauseMs, launch] of [
      [1_000, 'launch-3'],
      [2_000, 'launch-4'],
      [4_000, 'launch-5'],
    ] as const) {
      expect(scaling.launches(scaling.pass(pauseMs - 1))).toEqual([])
      expect(scaling.launches(scaling.pass(1))).toEqual([launch])
      if (launch !== 'launch-5') fail(scaling, launch)
    }
    // The probe is ready: the next one may try.
    expect(scaling.launches(scaling.join('launch-5'))).toEqual(['launch-6'])
  })

  it('is filled up by more than one once a response proved that the app can be started', () => {
    const scaling = new Scaling({ min: 3 })
    scaling.step()
    for (const launch of ['launch-1', 'launch-2', 'launch-3']) fail(scaling, launch)
    scaling.pass(1_000)
    scaling.ready('launch-4')
    expect(scaling.launches()).toHaveLength(6)
  })

  it('keeps as many as it says of those that ask to leave, and no more', () => {
    const scaling = new Scaling({ min: 2 })
    scaling.step()
    scaling.ready('launch-1', 'launch-2', 'by-hand')
    for (const key of ['launch-1', 'launch-2', 'by-hand', 'launch-2', 'by-hand']) {
      scaling.ask(key)
      if (scaling.phaseOf(key) === 'leaving') scaling.end(key, true)
    }
    expect(scaling.verdicts).toEqual([
      'launch-1 GO',
      ...['launch-2', 'by-hand', 'launch-2', 'by-hand'].map((key) => `${key} STAY`),
    ])
  })
})

describe('setMin', () => {
  it('launches what is missing at the next step', () => {
    const scaling = new Scaling()
    expect(scaling.step()).toEqual([])
    expect(scaling.launches(scaling.setMin(2))).toHaveLength(2)
  })

  it('stays within max', () => {
    const scaling = new Scaling({ max: 1 })
    expect(scaling.launches(scaling.setMin(2))).toHaveLength(1)
  })

  it('to 0 lets one go at its next asking that had to stay', () => {
    const scaling = new Scaling({ min: 1 })
    scaling.step()
    scaling.ready('launch-1')
    scaling.ask('launch-1')
    scaling.ask('launch-1')
    expect(scaling.setMin(0)).toEqual([])
    scaling.ask('launch-1')
    expect(scaling.verdicts).toEqual(['launch-1 STAY', 'launch-1 STAY', 'launch-1 GO'])
  })

  it('to more answers STAY to one that still waits for its verdict', () => {
    const scaling = new Scaling()
    scaling.ready('a', 'b', 'c')
    scaling.ask('a')
    scaling.ask('b')
    expect(scaling.verdicts).toEqual(['a GO'])
    scaling.setMin(2)
    expect(scaling.verdicts).toEqual(['a GO', 'b STAY'])
    expect(scaling.launches()).toEqual([])
  })

  it('changes no other option', () => {
    const scaling = new Scaling({ max: 3, patienceMs: 7 })
    scaling.setMin(1)
    scaling.ready('launch-1')
    scaling.pass(1_000)
    scaling.hold(9)
    expect([scaling.launches(scaling.pass(6)), scaling.launches(scaling.pass(1)).length]).toEqual([[], 2])
  })
})
