import { describe, expect, it } from 'vitest'
import { instanceOf } from './controller.testkit.ts'
import { Removals } from './removals.ts'

const NEVER = Number.POSITIVE_INFINITY

describe('Removals', () => {
  it('name each instance once, as it was when it was added', () => {
    const removals = new Removals()
    const added = [instanceOf('a', 'ended'), instanceOf('b'), instanceOf('a')].map((each) =>
      removals.add(each),
    )
    expect(added).toEqual([true, true, false])
    expect(removals.list()).toEqual([instanceOf('a', 'ended'), instanceOf('b')])
  })

  it('forget what is listed no more, and what is cancelled', () => {
    const removals = new Removals()
    for (const launch of ['a', 'b', 'c']) removals.add(instanceOf(launch))
    removals.onListed(new Set(['i-b', 'i-c', 'i-x']))
    removals.cancel('i-c')
    expect([removals.list().map(({ id }) => id), removals.size]).toEqual([['i-b'], 1])
  })

  it('are found by the launch, or by the name that the platform has for the instance', () => {
    const removals = new Removals()
    removals.add(instanceOf('a'))
    removals.add({ id: 'pod-1', state: 'running', since: 0 })
    const found = [
      removals.of('a', null),
      removals.of('launch-1', 'pod-1'),
      removals.of('launch-1', null),
      removals.of('b', 'pod-2'),
    ]
    expect(found.map((each) => each?.id)).toEqual(['i-a', 'pod-1', undefined, undefined])
  })

  it('are repeated 5 s after a call, and not while one is out', () => {
    const removals = new Removals()
    removals.add(instanceOf('a'))
    expect(removals.nextDeadline()).toBe(NEVER)
    removals.onCallEnded(1_000)
    expect(removals.nextDeadline()).toBe(6_000)
    removals.onCall()
    expect(removals.nextDeadline()).toBe(NEVER)
  })

  it('need no further call once nothing is left', () => {
    const removals = new Removals()
    removals.add(instanceOf('a'))
    removals.onCallEnded(1_000)
    removals.onListed(new Set())
    expect(removals.nextDeadline()).toBe(NEVER)
  })
})
