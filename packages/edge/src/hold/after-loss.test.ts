import type { Arrival } from '@brxy/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { afterLoss, isSafe, type Loss } from './after-loss.ts'

const loss = (more: Partial<Loss> = {}): Loss => ({
  arrival: 'unknown',
  isAnswered: false,
  isSafe: false,
  wasRepeated: false,
  ...more,
})

const anyLoss: fc.Arbitrary<Loss> = fc
  .record({
    arrival: fc.constantFrom<Arrival>('never', 'seen', 'unknown'),
    isAnswered: fc.boolean(),
    isSafe: fc.boolean(),
    wasRepeated: fc.boolean(),
  })
  // The session says so itself: what was answered was seen.
  .map((any) => (any.isAnswered ? { ...any, arrival: 'seen' } : any))

describe('a request whose tunnel died', () => {
  it.each([
    ['a safe one is repeated', loss({ isSafe: true }), 'repeat'],
    ['a safe one is repeated, also if the linker had it', loss({ isSafe: true, arrival: 'seen' }), 'repeat'],
    ['a safe one is repeated once', loss({ isSafe: true, wasRepeated: true }), 'over'],
    ['an unsafe one waits for the linker', loss(), 'ask'],
    ['an unsafe one that the linker had is over', loss({ arrival: 'seen' }), 'over'],
    ['one that never arrived is sent again', loss({ arrival: 'never' }), 'again'],
    [
      'one that never arrived is sent again, also after it was repeated',
      loss({ arrival: 'never', isSafe: true, wasRepeated: true }),
      'again',
    ],
    [
      'one that was answered is over, be it safe',
      loss({ isSafe: true, isAnswered: true, arrival: 'seen' }),
      'over',
    ],
  ] as const)('%s', (_name, given, next) => {
    expect(afterLoss(given)).toBe(next)
  })

  it('goes to another application only if none has seen it, or if it is safe and was not repeated yet', () => {
    fc.assert(
      fc.property(anyLoss, (given) => {
        const next = afterLoss(given)
        if (next === 'again') expect(given.arrival).toBe('never')
        if (next === 'repeat')
          expect(given).toMatchObject({ isSafe: true, wasRepeated: false, isAnswered: false })
        if (next === 'ask')
          expect(given).toMatchObject({ isSafe: false, arrival: 'unknown', isAnswered: false })
      }),
    )
  })
})

it('GET, HEAD and OPTIONS are safe, in upper case, and nothing else that is forwarded', () => {
  expect(['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE', 'get', 'LOCK'].filter(isSafe)).toEqual([
    'GET',
    'HEAD',
    'OPTIONS',
  ])
})
