import type { Instance, Problem } from '@brxy/scaler'
import { describe, expect, it } from 'vitest'
import { CRASHED, instanceOf, kinds, Scaling } from './controller.testkit.ts'

/** Three that served, of which the platform lists every one; it would remove others first. */
function three(orders: readonly (number | undefined)[] = []): { scaling: Scaling; listed: Instance[] } {
  const scaling = new Scaling()
  scaling.keeps = true
  scaling.ready('launch-a', 'launch-b', 'launch-c')
  const listed = ['launch-a', 'launch-b', 'launch-c'].map((launch, at) => {
    const order = orders[at]
    return { ...instanceOf(launch), ...(order === undefined ? {} : { order }) }
  })
  scaling.observe(listed)
  return { scaling, listed }
}

/** By the last call. */
const removed = (scaling: Scaling) => (scaling.targets.at(-1)?.remove ?? []).map(({ launch }) => launch)
const recalled = (scaling: Scaling) => scaling.actions.flatMap((a) => (a.kind === 'recall' ? [a.member] : []))

describe('a parked instance', () => {
  it('is to be removed until the platform lists it no more, and is not wanted any more', () => {
    const { scaling, listed } = three()
    expect(scaling.controller.target()).toMatchObject({ want: 3, remove: [] })
    scaling.ask('launch-a')
    expect(kinds(scaling.park('launch-a'))).toEqual(['scale'])
    expect(scaling.targets.at(-1)).toEqual({ want: 2, start: [], remove: [listed[0]] })
    // Each call says so again.
    scaling.pass(10_000)
    expect(scaling.targets.slice(-2).map(({ remove }) => remove.length)).toEqual([1, 1])
    scaling.end('launch-a', true)
    scaling.observe(listed.slice(1))
    expect([scaling.controller.target(), scaling.phaseOf('launch-a')]).toMatchObject([
      { want: 2, remove: [] },
      undefined,
    ])
  })

  it('is removed when the platform lists it at last', () => {
    const scaling = new Scaling()
    scaling.ready('launch-a')
    scaling.park('launch-a')
    expect(removed(scaling)).toEqual([])
    scaling.observe([instanceOf('launch-a')])
    expect(removed(scaling)).toEqual(['launch-a'])
  })

  it('is parked also when it says so in HELLO, to an edge that has just started', () => {
    const scaling = new Scaling()
    scaling.observe([instanceOf('launch-a')], true)
    scaling.controller.joined('launch-a', true, 'parked', 1, scaling.nowMs)
    scaling.step()
    expect([scaling.phaseOf('launch-a'), removed(scaling)]).toEqual(['parked', ['launch-a']])
    // A cut changes nothing.
    scaling.end('launch-a')
    scaling.controller.joined('launch-a', true, 'parked', 1, scaling.nowMs)
    scaling.step()
    expect([scaling.phaseOf('launch-a'), removed(scaling)]).toEqual(['parked', ['launch-a']])
  })

  it('counts neither for max nor as starting, and keeps nobody else from leaving', () => {
    const { scaling } = three()
    scaling.ask('launch-a')
    scaling.ask('launch-b')
    expect(scaling.verdicts).toEqual(['launch-a GO'])
    scaling.park('launch-a')
    expect(scaling.verdicts).toEqual(['launch-a GO', 'launch-b GO'])
  })

  it('is no help in a pause after a failure: what is held fails', () => {
    const scaling = new Scaling()
    scaling.ready('launch-a')
    scaling.park('launch-a')
    scaling.controller.joined('launch-b', true, 'starting', 1, scaling.nowMs)
    scaling.controller.failed('launch-b', { code: 'crashed', message: 'exit 1', final: true }, scaling.nowMs)
    expect(kinds(scaling.hold(1))).toContain('fail-held')
  })
})

describe('a demand for more', () => {
  it('recalls what is parked before it launches anything, and takes it out of the removals', () => {
    const { scaling } = three()
    scaling.park('launch-a')
    scaling.park('launch-b')
    scaling.park('launch-c')
    expect(removed(scaling)).toHaveLength(3)
    expect(kinds(scaling.hold(2))).toEqual(['recall', 'recall', 'scale'])
    expect(recalled(scaling)).toEqual(['launch-c', 'launch-b'])
    expect([scaling.targets.at(-1)?.want, removed(scaling), scaling.phaseOf('launch-b')]).toEqual([
      2,
      ['launch-a'],
      'starting',
    ])
    scaling.hold(4)
    expect([recalled(scaling).length, scaling.launches().length]).toEqual([3, 1])
  })

  it('recalls the lowest order first, where the platform gives one', () => {
    const { scaling } = three([2, 0, 1])
    for (const key of ['launch-a', 'launch-b', 'launch-c']) scaling.park(key)
    scaling.hold(2)
    expect(recalled(scaling)).toEqual(['launch-b', 'launch-c'])
  })

  it('does not recall one that was replaced: it would come back as what it was', () => {
    const scaling = new Scaling()
    scaling.ready('a')
    scaling.replace('a')
    scaling.grant('launch-1')
    scaling.park('a')
    scaling.hold(1)
    scaling.pass(100)
    expect([recalled(scaling), scaling.launches()]).toEqual([[], ['launch-1', 'launch-2']])
  })

  it('of min too', () => {
    const { scaling } = three()
    for (const key of ['launch-a', 'launch-b', 'launch-c']) scaling.park(key)
    scaling.setMin(1)
    expect([recalled(scaling), scaling.launches()]).toEqual([['launch-c'], []])
  })
})

describe('a recalled instance', () => {
  it('serves again, and can be parked again', () => {
    const { scaling } = three()
    scaling.park('launch-c')
    scaling.ask('launch-b')
    scaling.park('launch-b')
    scaling.park('launch-a')
    scaling.hold(1)
    scaling.controller.restarted('launch-c', scaling.nowMs)
    scaling.controller.readied('launch-c', 1, scaling.nowMs)
    scaling.held = 0
    expect([scaling.step(), scaling.phaseOf('launch-c')]).toEqual([[], 'ready'])
    scaling.park('launch-c')
    expect(removed(scaling)).toHaveLength(3)
  })

  it('has failed like any start when it is not ready within the time of one', () => {
    const { scaling, listed } = three()
    for (const key of ['launch-a', 'launch-b', 'launch-c']) scaling.park(key)
    scaling.hold(1)
    expect(kinds(scaling.pass(119_999))).not.toContain('launch-failed')
    expect(scaling.pass(1)[0]).toMatchObject({
      kind: 'launch-failed',
      launch: 'launch-c',
      problem: { message: 'a parked instance was recalled and not ready within 120 s' },
    })
    expect(removed(scaling)).toContain('launch-c')
    // Late, and kept nevertheless.
    scaling.observe(listed)
    scaling.controller.readied('launch-c', 1, scaling.nowMs)
    const stillToGo = scaling.controller.target().remove.map(({ launch }) => launch)
    expect([scaling.phaseOf('launch-c'), stillToGo]).toEqual(['ready', ['launch-a', 'launch-b']])
  })

  it.each(['recalled', 'another process in the same replica'])(
    'whose application fails has failed like any start, although it served before: %s',
    (how) => {
      const { scaling } = three()
      for (const key of ['launch-a', 'launch-b', 'launch-c']) scaling.park(key)
      if (how === 'recalled') scaling.hold(1)
      else {
        scaling.end('launch-c')
        scaling.join('launch-c', 1, 'starting')
      }
      scaling.controller.failed('launch-c', CRASHED, scaling.nowMs)
      expect(kinds(scaling.step())).toContain('launch-failed')
    },
  )

  it('that the platform removes nevertheless says goodbye, and another one is launched without a pause', () => {
    const scaling = new Scaling()
    scaling.keeps = true
    scaling.ready('launch-a')
    scaling.observe([instanceOf('launch-a')])
    scaling.park('launch-a')
    scaling.hold(1)
    expect(recalled(scaling)).toEqual(['launch-a'])
    expect(kinds(scaling.end('launch-a', true))).toEqual(['launching', 'scale'])
    expect(scaling.held).toBe(1)
  })

  it('may have been recalled by another edge', () => {
    const { scaling } = three()
    scaling.park('launch-c')
    scaling.controller.restarted('launch-c', scaling.nowMs)
    scaling.step()
    expect([scaling.phaseOf('launch-c'), removed(scaling)]).toEqual(['starting', []])
  })
})

describe('a parked instance whose removal was asked for', () => {
  /** One that is parked, while the call that names it has not ended. */
  function asked(): Scaling {
    const scaling = new Scaling()
    scaling.ready('launch-a')
    scaling.observe([instanceOf('launch-a')])
    scaling.answer = null
    expect(kinds(scaling.park('launch-a'))).toEqual(['scale'])
    return scaling
  }

  /** The call's answer, and what follows. */
  function answered(scaling: Scaling, problem: Problem | null, kept?: boolean): string[] {
    const listed = { ...instanceOf('launch-a'), ...(kept === undefined ? {} : { kept }) }
    if (problem === null) scaling.controller.observed([listed], scaling.nowMs)
    scaling.callEnded(problem)
    return kinds(scaling.step())
  }

  it('is not recalled, for it may be ended at any moment: another one is launched', () => {
    const scaling = asked()
    answered(scaling, null)
    expect(kinds(scaling.hold(1))).toEqual(['launching', 'scale'])
    expect(scaling.targets.at(-1)).toMatchObject({ want: 1, remove: [{ launch: 'launch-a' }] })
    // Nor is it when the platform is seen to have it still: it may not have come to it.
    scaling.observe([instanceOf('launch-a')])
    scaling.hold(2)
    expect(recalled(scaling)).toEqual([])
  })

  it.each([
    ['launched', 'was accepted', undefined, ['launching', 'scale']],
    ['recalled', 'has left it alone', true, ['recall', 'scale']],
  ] as const)(
    'while the call is out waits for its answer: another one is %s if it %s',
    (_, __, kept, then) => {
      const scaling = asked()
      expect(kinds(scaling.hold(1))).toEqual([])
      expect(answered(scaling, null, kept)).toEqual(then)
    },
  )

  it('has others launched beside it as far as it would not be enough', () => {
    const scaling = asked()
    expect(kinds(scaling.hold(3))).toEqual(['launching', 'launching'])
    expect(answered(scaling, null)).toEqual(['launching', 'scale'])
  })

  it('is not recalled when the call failed, which may have been carried out, until the platform lists it', () => {
    const scaling = asked()
    expect(answered(scaling, CRASHED)).toEqual([])
    scaling.observe([instanceOf('launch-a')])
    expect(kinds(scaling.hold(1))).toEqual(['recall', 'scale'])
  })

  it('is not recalled when a later call failed', () => {
    const scaling = asked()
    answered(scaling, null)
    scaling.pass(5_000)
    expect(scaling.targets).toHaveLength(2)
    answered(scaling, CRASHED)
    scaling.observe([instanceOf('launch-a')])
    scaling.hold(1)
    expect([recalled(scaling), scaling.launches()]).toEqual([[], ['launch-1']])
  })

  it('is like any other when it has started again and parked again', () => {
    const scaling = asked()
    answered(scaling, null)
    scaling.controller.restarted('launch-a', scaling.nowMs)
    scaling.controller.parked('launch-a', scaling.nowMs)
    expect([kinds(scaling.hold(1)), recalled(scaling)]).toEqual([['recall', 'scale'], ['launch-a']])
  })
})

describe('where the platform gives an order', () => {
  it('the highest leaves first, and the lowest is kept as the last one', () => {
    const { scaling } = three([2, 0, 1])
    for (const key of ['launch-b', 'launch-c', 'launch-a']) scaling.ask(key)
    // launch-c came first and was alone in asking; then it is the order that counts.
    expect(scaling.verdicts).toEqual(['launch-b STAY', 'launch-c GO'])
    scaling.park('launch-c')
    expect(scaling.verdicts).toEqual(['launch-b STAY', 'launch-c GO', 'launch-a GO'])
    const other = three([0, 1, 2]).scaling
    other.controller.leaveAsked('launch-b', 0, other.nowMs)
    other.controller.leaveAsked('launch-c', 0, other.nowMs)
    other.step()
    other.park('launch-c')
    expect(other.verdicts).toEqual(['launch-c GO', 'launch-b GO'])
  })
})
