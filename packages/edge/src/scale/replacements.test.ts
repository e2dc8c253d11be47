import { describe, expect, it } from 'vitest'
import { CRASHED, kinds, Scaling } from './controller.testkit.ts'

/** The successors that were launched so far, each with the copy that it replaces. */
const successors = (scaling: Scaling) =>
  scaling.actions.flatMap((a) =>
    a.kind === 'launching' && a.replaces !== null ? [[a.launch, a.replaces]] : [],
  )

describe('an instance that asks to be replaced', () => {
  it('gets a successor, serves on, and goes when that one has lent its first slot', () => {
    const scaling = new Scaling()
    scaling.ready('a')
    expect(kinds(scaling.replace('a'))).toEqual(['launching', 'scale'])
    expect(successors(scaling)).toEqual([['launch-1', 1]])
    scaling.join('launch-1', 1, 'starting')
    scaling.join('launch-1', 1, 'ready')
    expect([scaling.phaseOf('a'), scaling.verdicts]).toEqual(['ready', []])
    scaling.grant('launch-1')
    expect([scaling.phaseOf('a'), scaling.verdicts]).toEqual(['leaving', ['a GO']])
    expect(scaling.controller.member('a')?.isReplaced).toBe(true)
    scaling.end('a', true)
    scaling.pass(60_000)
    expect(scaling.launches()).toEqual(['launch-1'])
  })

  it('gets one although max run, and the two count as one', () => {
    const scaling = new Scaling({ max: 2 })
    scaling.ready('a', 'b')
    scaling.replace('a')
    scaling.hold(50)
    scaling.pass(10_000)
    expect(scaling.launches()).toEqual(['launch-1'])
    scaling.grant('launch-1')
    scaling.pass(10_000)
    // Until it is gone the old one counts, and its successor does not.
    expect(scaling.launches()).toEqual(['launch-1'])
    scaling.end('a', true)
    scaling.pass(10_000)
    expect(scaling.launches()).toEqual(['launch-1'])
    scaling.end('b', true)
    scaling.pass(10_000)
    expect(scaling.launches()).toHaveLength(2)
  })

  it('waits for its turn: one at a time, in the order of asking', () => {
    const scaling = new Scaling({ max: 3 })
    scaling.ready('a', 'b', 'c')
    for (const key of ['c', 'a', 'b', 'c']) scaling.replace(key)
    expect(successors(scaling)).toEqual([['launch-1', 3]])
    scaling.grant('launch-1')
    expect([scaling.verdicts, successors(scaling).length]).toEqual([['c GO'], 1])
    scaling.end('c', true)
    expect(successors(scaling)).toEqual([
      ['launch-1', 3],
      ['launch-2', 1],
    ])
    scaling.grant('launch-2')
    scaling.end('a', true)
    scaling.grant('launch-3')
    scaling.end('b', true)
    expect(scaling.verdicts).toEqual(['c GO', 'a GO', 'b GO'])
    scaling.pass(60_000)
    expect(scaling.launches()).toHaveLength(3)
  })

  it('stays when the start of its successor fails, and the pause is that of any failure', () => {
    const scaling = new Scaling()
    scaling.ready('a')
    scaling.hold(1)
    scaling.replace('a')
    scaling.join('launch-1', 1, 'starting')
    scaling.controller.failed('launch-1', CRASHED, scaling.nowMs)
    expect(kinds(scaling.step())).toEqual(['launch-failed', 'verdict'])
    expect([scaling.verdicts, scaling.phaseOf('a'), scaling.held]).toEqual([['a STAY'], 'ready', 1])
    scaling.held = 0
    // Another that asks in the pause hears it at once; after the pause it gets its chance.
    scaling.replace('a')
    expect(scaling.verdicts).toEqual(['a STAY', 'a STAY'])
    scaling.pass(1_000)
    scaling.replace('a')
    expect(successors(scaling)).toHaveLength(2)
  })

  it('stays when the successor does not connect in time', () => {
    const scaling = new Scaling()
    scaling.ready('a')
    scaling.replace('a')
    expect(kinds(scaling.pass(119_999))).toEqual([])
    expect(kinds(scaling.pass(1))).toEqual(['launch-failed', 'verdict'])
  })

  it('stays when the successor connects and never lends, within twice the time of a start; then that one is like any other', () => {
    const scaling = new Scaling({ max: 1 })
    scaling.ready('a')
    scaling.replace('a')
    scaling.join('launch-1', 1, 'starting')
    scaling.pass(239_999)
    expect(scaling.verdicts).toEqual([])
    scaling.pass(1)
    expect([scaling.verdicts, scaling.phaseOf('launch-1')]).toEqual([['a STAY'], 'starting'])
    // More than max run now: there is no room for another.
    scaling.replace('a')
    expect([scaling.verdicts, scaling.launches()]).toEqual([['a STAY', 'a STAY'], ['launch-1']])
  })

  it('stays where the edge cannot launch', () => {
    const scaling = new Scaling({ canLaunch: false })
    scaling.join('by-hand')
    scaling.replace('by-hand')
    expect([scaling.verdicts, scaling.phaseOf('by-hand')]).toEqual([['by-hand STAY'], 'ready'])
  })

  it('stays when the call to the scaler is rejected', () => {
    const scaling = new Scaling()
    scaling.ready('a')
    scaling.answer = 'reject'
    scaling.replace('a')
    expect([scaling.verdicts, scaling.phaseOf('a')]).toEqual([['a STAY'], 'ready'])
  })

  it('stays when the successor is told to stop before it has lent', () => {
    const scaling = new Scaling()
    scaling.ready('a')
    scaling.replace('a')
    scaling.join('launch-1')
    scaling.controller.draining('launch-1', scaling.nowMs)
    scaling.step()
    expect(scaling.verdicts).toEqual(['a STAY'])
  })

  it('waits for the probe that shows whether the app can be started', () => {
    const scaling = new Scaling()
    scaling.ready('a')
    scaling.answer = 'reject'
    scaling.hold(1)
    scaling.pass(100)
    scaling.answer = 'accept'
    scaling.pass(1_000)
    expect(scaling.launches()).toHaveLength(2)
    scaling.replace('a')
    expect([successors(scaling), scaling.verdicts]).toEqual([[], []])
    scaling.join('launch-2')
    expect(successors(scaling)).toEqual([['launch-3', 1]])
  })

  it.each(['drains', 'fails', 'leaves', 'is lost for good'])(
    'and %s leaves its successor an ordinary one',
    (how) => {
      const scaling = new Scaling({ max: 1 })
      scaling.ready('a')
      scaling.replace('a')
      const { controller, nowMs } = scaling
      if (how === 'drains') controller.draining('a', nowMs)
      else if (how === 'fails') controller.failed('a', CRASHED, nowMs)
      scaling.end('a', how === 'leaves')
      scaling.pass(2_000)
      scaling.grant('launch-1')
      expect([scaling.verdicts, scaling.phaseOf('launch-1'), scaling.launches()]).toEqual([
        [],
        'ready',
        ['launch-1'],
      ])
      // It is worth as much as any other: nothing more is launched at max, and it may be replaced in its turn.
      scaling.hold(5)
      scaling.pass(10_000)
      expect(scaling.launches()).toEqual(['launch-1'])
      scaling.replace('launch-1')
      expect(successors(scaling).at(-1)).toEqual(['launch-2', 2])
    },
  )

  it('whose session is lost is answered by the same successor when it is back and asks again', () => {
    const scaling = new Scaling()
    scaling.ready('a')
    scaling.replace('a')
    scaling.end('a')
    scaling.grant('launch-1')
    expect(scaling.verdicts).toEqual([])
    scaling.join('a')
    expect(scaling.verdicts).toEqual([])
    scaling.replace('a')
    expect([scaling.verdicts, scaling.launches()]).toEqual([['a GO'], ['launch-1']])
  })

  it('whose session is over, and not the one at another edge, is told nothing before it asks again', () => {
    const scaling = new Scaling()
    scaling.ready('a')
    scaling.replace('a')
    scaling.controller.ended('a', false, scaling.nowMs, true)
    scaling.grant('launch-1')
    scaling.join('a')
    expect([scaling.verdicts, scaling.phaseOf('a')]).toEqual([[], 'ready'])
    scaling.replace('a')
    expect([scaling.verdicts, scaling.launches()]).toEqual([['a GO'], ['launch-1']])
  })

  it('and then to leave is told to stay for the one question, and judged for the other', () => {
    const scaling = new Scaling()
    scaling.ready('a', 'b')
    scaling.replace('a')
    scaling.replace('b')
    scaling.ask('a')
    // Its successor is an ordinary one from now on, so that the next one is not kept waiting.
    expect([scaling.verdicts, successors(scaling)]).toEqual([
      ['a STAY', 'a GO'],
      [
        ['launch-1', 1],
        ['launch-2', 2],
      ],
    ])
    expect(scaling.actions.flatMap((a) => (a.kind === 'verdict' ? [a.on] : []))).toEqual(['replace', 'leave'])
  })

  it('and is gone stays replaced when its session comes back, until another process comes in its name', () => {
    const scaling = new Scaling()
    const { controller, nowMs } = scaling
    const come = (instance: string) => controller.joined('launch-9', true, 'ready', 1, nowMs, { instance })
    come('one process')
    scaling.replace('launch-9')
    scaling.grant('launch-1')
    scaling.end('launch-9')
    // It drains: HELLO says ready, and DRAIN follows.
    expect(come('one process').isReplaced).toBe(true)
    scaling.end('launch-9', true)
    expect(come('another process').isReplaced).toBe(false)
  })

  it('and asks again, for GO was lost with its session, is not replaced before its next successor serves', () => {
    const scaling = new Scaling()
    scaling.ready('a')
    scaling.replace('a')
    scaling.grant('launch-1')
    scaling.end('a')
    scaling.join('a')
    scaling.replace('a')
    expect([successors(scaling).length, scaling.controller.member('a')?.isReplaced]).toEqual([2, false])
    scaling.grant('launch-2')
    expect([scaling.verdicts, scaling.controller.member('a')?.isReplaced]).toEqual([['a GO', 'a GO'], true])
  })

  it('and to leave when GO was on its way hears GO again', () => {
    const scaling = new Scaling()
    scaling.ready('a')
    scaling.replace('a')
    scaling.grant('launch-1')
    scaling.ask('a')
    expect([scaling.verdicts, scaling.phaseOf('a')]).toEqual([['a GO', 'a GO'], 'leaving'])
  })

  it('hears STAY if it is none that serves', () => {
    const scaling = new Scaling()
    scaling.ready('a', 'b')
    scaling.park('a')
    scaling.replace('a')
    expect([scaling.verdicts, scaling.launches()]).toEqual([['a STAY'], []])
  })
})

describe('a pair of an instance and its successor', () => {
  it('counts as one for min', () => {
    const scaling = new Scaling({ min: 2 })
    scaling.ready('a', 'b')
    scaling.replace('a')
    expect(scaling.launches()).toEqual(['launch-1'])
    scaling.end('b', true)
    expect(scaling.launches()).toEqual(['launch-1', 'launch-2'])
    scaling.grant('launch-1')
    scaling.join('launch-2')
    scaling.end('a', true)
    scaling.pass(60_000)
    expect(scaling.launches()).toEqual(['launch-1', 'launch-2'])
  })

  it('counts as one for the sum: its successor is no help for what is held', () => {
    const scaling = new Scaling()
    scaling.ready('a')
    scaling.replace('a')
    scaling.hold(2)
    scaling.pass(100)
    expect(scaling.launches()).toEqual(['launch-1', 'launch-2', 'launch-3'])
  })

  it('is no reason to keep an idle one, nor does that one keep it', () => {
    const scaling = new Scaling({ min: 1 })
    scaling.ready('a', 'b')
    scaling.replace('b')
    scaling.ask('a')
    expect(scaling.verdicts).toEqual(['a GO'])
    scaling.grant('launch-1')
    expect(scaling.verdicts).toEqual(['a GO', 'b GO'])
    scaling.ask('launch-1', 1)
    scaling.ask('launch-1', 1)
    expect(scaling.verdicts.slice(2)).toEqual(['launch-1 STAY', 'launch-1 STAY'])
  })

  it('of which the old one does not go keeps the next one waiting only for the time of a start', () => {
    const scaling = new Scaling({ max: 5 })
    scaling.ready('a', 'b')
    scaling.replace('a')
    scaling.replace('b')
    scaling.grant('launch-1')
    scaling.pass(119_999)
    expect(successors(scaling)).toHaveLength(1)
    scaling.pass(1)
    expect(successors(scaling)).toEqual([
      ['launch-1', 1],
      ['launch-2', 2],
    ])
  })
})
