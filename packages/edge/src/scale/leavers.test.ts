import { describe, expect, it } from 'vitest'
import { Scaling } from './controller.testkit.ts'

describe('leaving', () => {
  it('lets an idle instance that is not the newest go', () => {
    const scaling = new Scaling()
    scaling.ready('a', 'b')
    scaling.ask('a')
    expect([scaling.verdicts, scaling.phaseOf('a')]).toEqual([['a GO'], 'leaving'])
  })

  it('lets one go at a time, in launch order, whoever asked first', () => {
    const scaling = new Scaling()
    scaling.ready('a', 'b', 'c', 'd')
    scaling.ask('c')
    scaling.ask('b')
    scaling.ask('a')
    expect(scaling.verdicts).toEqual(['c GO'])
    scaling.end('c', true)
    expect(scaling.verdicts).toEqual(['c GO', 'a GO'])
    scaling.end('a', true)
    expect(scaling.verdicts).toEqual(['c GO', 'a GO', 'b GO'])
  })

  it('keeps the newest at its first asking and lets it go at the second', () => {
    const scaling = new Scaling()
    scaling.ready('a')
    scaling.ask('a', 7)
    scaling.pass(60_000)
    scaling.ask('a', 7)
    expect(scaling.verdicts).toEqual(['a STAY', 'a GO'])
  })

  it('keeps the newest again if it was given a request in between', () => {
    const scaling = new Scaling()
    scaling.ready('a')
    for (const dispatched of [7, 8, 8]) scaling.ask('a', dispatched)
    expect(scaling.verdicts).toEqual(['a STAY', 'a STAY', 'a GO'])
  })

  it('takes the newest of those that serve for the newest, not one that starts or leaves', () => {
    const scaling = new Scaling()
    scaling.ready('a', 'b')
    scaling.controller.draining('b', scaling.nowMs)
    scaling.join('c', 1, 'starting')
    scaling.ask('a')
    expect(scaling.verdicts).toEqual(['a STAY'])
  })

  it('keeps the newest at once, although another is leaving', () => {
    const scaling = new Scaling()
    scaling.ready('a', 'b')
    scaling.ask('a')
    scaling.ask('b')
    expect(scaling.verdicts).toEqual(['a GO', 'b STAY'])
  })

  it('keeps everybody while requests are held, also those that wait for a verdict', () => {
    const scaling = new Scaling()
    scaling.ready('a', 'b', 'c', 'd')
    scaling.ask('a')
    scaling.ask('b')
    scaling.ask('c')
    expect(scaling.verdicts).toEqual(['a GO'])
    scaling.hold(1)
    expect(scaling.verdicts).toEqual(['a GO', 'b STAY', 'c STAY'])
    // And starts nothing, for they can take it.
    expect(scaling.launches()).toEqual([])
  })

  it('keeps the only one that could serve instead of starting another', () => {
    const scaling = new Scaling()
    scaling.ready('a', 'b')
    scaling.ask('a')
    scaling.ask('b', 1)
    scaling.ask('b', 1)
    expect([scaling.verdicts, scaling.phaseOf('b')]).toEqual([['a GO', 'b STAY'], 'asking'])
    scaling.hold(1)
    expect([scaling.phaseOf('b'), scaling.launches()]).toEqual(['ready', []])
  })

  it('keeps min', () => {
    const scaling = new Scaling({ min: 2 })
    scaling.ready('a', 'b', 'c')
    scaling.ask('a')
    scaling.end('a', true)
    scaling.ask('b')
    expect(scaling.verdicts).toEqual(['a GO', 'b STAY'])
  })

  it('does not let an instance that only starts stand in for min', () => {
    const scaling = new Scaling({ min: 1 })
    scaling.ready('a')
    scaling.join('b', 1, 'starting')
    scaling.ask('a', 1)
    scaling.ask('a', 1)
    expect(scaling.verdicts).toEqual(['a STAY', 'a STAY'])
  })

  it('keeps linkers where the edge could not start one again', () => {
    const scaling = new Scaling({ canLaunch: false })
    scaling.ready('a', 'b')
    scaling.ask('a')
    scaling.ask('b')
    scaling.ask('b')
    expect(scaling.verdicts).toEqual(['a STAY', 'b STAY', 'b STAY'])
  })

  it('does not wait for ever for one that does not go', () => {
    const scaling = new Scaling()
    scaling.ready('a', 'b', 'c')
    scaling.ask('a')
    scaling.ask('b')
    scaling.pass(14_999)
    expect(scaling.verdicts).toEqual(['a GO'])
    scaling.pass(1)
    expect(scaling.verdicts).toEqual(['a GO', 'b GO'])
  })

  it('goes on to the next when the one that leaves is lost', () => {
    const scaling = new Scaling()
    scaling.ready('a', 'b', 'c')
    scaling.ask('a')
    scaling.ask('b')
    scaling.end('a')
    expect(scaling.verdicts).toEqual(['a GO', 'b GO'])
  })

  it('gives no verdict to one that drains, is lost or is starting', () => {
    const scaling = new Scaling()
    scaling.ready('a', 'b')
    scaling.controller.draining('a', scaling.nowMs)
    scaling.ask('a')
    scaling.end('b')
    scaling.ask('b')
    scaling.join('c', 1, 'starting')
    scaling.ask('c')
    scaling.ask('nobody')
    expect(scaling.verdicts).toEqual([])
  })

  it('counts what leaves until it is gone, and does not take it for lost', () => {
    const scaling = new Scaling({ max: 2 })
    scaling.ready('a', 'b')
    scaling.ask('a')
    scaling.hold(5)
    scaling.pass(10_000)
    expect(scaling.launches()).toHaveLength(0)
    scaling.end('a')
    expect(scaling.phaseOf('a')).toBe('gone')
    expect(scaling.launches()).toHaveLength(1)
  })
})
