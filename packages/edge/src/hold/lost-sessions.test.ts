import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LostSessions, type SessionName } from './lost-sessions.ts'

const NAME: SessionName = { route: 'shop', instance: 'one', session: 's-1' }
const NONE = { never: [], seen: [] }

function waiting(...streams: readonly number[]): LostSessions<string> {
  const lost = new LostSessions<string>()
  for (const stream of streams) lost.wait(`request ${stream}`, stream, NAME, 2_000)
  return lost
}

describe('LostSessions', () => {
  it('tells those that never arrived from those that did, by the highest stream that was received', () => {
    const lost = waiting(2, 3, 5)
    expect(lost.returned(NAME, 3)).toEqual({ never: ['request 5'], seen: ['request 2', 'request 3'] })
    expect([lost.count, lost.sessionCount, lost.nextDeadline()]).toEqual([0, 0, Number.POSITIVE_INFINITY])
  })

  it('settles a session once: what the linker says later is about nobody', () => {
    const lost = waiting(1)
    lost.returned(NAME, 1)
    expect(lost.returned(NAME, 0)).toEqual(NONE)
    expect(lost.expire(10_000)).toEqual([])
  })

  it('takes a linker that does not say what it received for one that received everything', () => {
    expect(waiting(1).returned(NAME, undefined)).toEqual({ never: [], seen: ['request 1'] })
  })

  it.each<[string, Partial<SessionName>]>([
    ['another linker process', { instance: 'two' }],
    ['a linker of another route', { route: 'bank' }],
    ['a session that nobody waits for', { session: 's-2' }],
  ])('believes nothing that %s says', (_who, other) => {
    const lost = waiting(1)
    expect(lost.returned({ ...NAME, ...other }, 0)).toEqual(NONE)
    expect(lost.count).toBe(1)
    expect(lost.returned(NAME, 0).never).toEqual(['request 1'])
  })

  it('gives up when nobody came in time, and not before', () => {
    const lost = waiting(1)
    lost.wait('later', 1, { ...NAME, session: 's-2' }, 3_000)
    expect(lost.nextDeadline()).toBe(2_000)
    expect(lost.expire(1_999)).toEqual([])
    expect(lost.expire(2_000)).toEqual(['request 1'])
    expect(lost.nextDeadline()).toBe(3_000)
    expect(lost.returned(NAME, 0)).toEqual(NONE)
    expect(lost.expire(3_000)).toEqual(['later'])
    expect([lost.count, lost.sessionCount, lost.nextDeadline()]).toEqual([0, 0, Number.POSITIVE_INFINITY])
  })

  it('forgets who leaves, and a session with its last request', () => {
    const lost = waiting(1, 2)
    lost.withdraw('request 1')
    lost.withdraw('request 1')
    lost.withdraw('somebody else')
    expect(lost.returned(NAME, 0)).toEqual({ never: ['request 2'], seen: [] })
    const other = waiting(1)
    other.withdraw('request 1')
    expect([other.sessionCount, other.nextDeadline()]).toEqual([0, Number.POSITIVE_INFINITY])
  })

  it('has a bound, beyond which nobody waits', () => {
    const lost = new LostSessions<string>(2)
    expect(lost.wait('a', 1, NAME, 1)).toBe(true)
    expect(lost.wait('b', 1, { ...NAME, session: 's-2' }, 1)).toBe(true)
    expect(lost.wait('c', 2, NAME, 1)).toBe(false)
    expect([lost.count, lost.returned(NAME, 0)]).toEqual([2, { never: ['a'], seen: [] }])
    expect(lost.wait('c', 2, NAME, 1)).toBe(true)
  })

  it('gives all of them up when nobody can come any more', () => {
    const lost = waiting(1, 2)
    expect(lost.clear()).toEqual(['request 1', 'request 2'])
    expect([lost.count, lost.sessionCount, lost.nextDeadline()]).toEqual([0, 0, Number.POSITIVE_INFINITY])
    expect(lost.returned(NAME, 0)).toEqual(NONE)
  })
})

type Step =
  | { readonly kind: 'wait'; readonly session: number; readonly stream: number; readonly waitMs: number }
  | { readonly kind: 'withdraw'; readonly nth: number }
  | { readonly kind: 'hello'; readonly session: number; readonly liar: boolean; readonly received: number }
  | { readonly kind: 'pass'; readonly ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('wait' as const),
    session: fc.nat(3),
    stream: fc.integer({ min: 1, max: 5 }),
    waitMs: fc.integer({ min: 1, max: 20 }),
  }),
  fc.record({ kind: fc.constant('withdraw' as const), nth: fc.nat(30) }),
  fc.record({
    kind: fc.constant('hello' as const),
    session: fc.nat(3),
    liar: fc.boolean(),
    received: fc.nat(6),
  }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(15) }),
)

it('whatever happens, each request has one outcome, the right one, and is due when it should be', () => {
  const MAX = 12
  const nameOf = (session: number) => ({ route: 'shop', instance: `i-${session}`, session: `s-${session}` })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const lost = new LostSessions<number>(MAX)
      /** The naive account: who waits, for which session, and until when. */
      const waiting = new Map<number, { session: number; stream: number; untilMs: number }>()
      let nowMs = 0
      let requests = 0
      const settle = (got: readonly number[], expected: readonly number[]) => {
        expect([...got].sort()).toEqual([...expected].sort())
        for (const request of got) expect(waiting.delete(request)).toBe(true)
      }
      const among = (match: (one: { session: number; stream: number; untilMs: number }) => boolean) =>
        [...waiting].filter(([, one]) => match(one)).map(([request]) => request)
      for (const one of steps) {
        if (one.kind === 'wait') {
          const request = requests++
          const mate = [...waiting.values()].find(({ session }) => session === one.session)
          const untilMs = mate?.untilMs ?? nowMs + one.waitMs
          const isWaiting = lost.wait(request, one.stream, nameOf(one.session), nowMs + one.waitMs)
          expect(isWaiting).toBe(waiting.size < MAX)
          if (isWaiting) waiting.set(request, { session: one.session, stream: one.stream, untilMs })
        } else if (one.kind === 'withdraw') {
          lost.withdraw(one.nth)
          waiting.delete(one.nth)
        } else if (one.kind === 'hello') {
          const name = nameOf(one.session)
          const { never, seen } = lost.returned(one.liar ? { ...name, instance: 'i-9' } : name, one.received)
          const mine = (match: (stream: number) => boolean) =>
            one.liar ? [] : among(({ session, stream }) => session === one.session && match(stream))
          const [expectedNever, expectedSeen] = [
            mine((s) => s > one.received),
            mine((s) => s <= one.received),
          ]
          settle(never, expectedNever)
          settle(seen, expectedSeen)
        } else {
          nowMs += one.ms
          const due = among(({ untilMs }) => untilMs <= nowMs)
          if (due.length > 0) expect(lost.nextDeadline()).toBeLessThanOrEqual(nowMs)
          settle(lost.expire(nowMs), due)
        }
        expect(lost.count).toBe(waiting.size)
        expect(lost.sessionCount).toBe(new Set([...waiting.values()].map(({ session }) => session)).size)
        expect(lost.nextDeadline() === Number.POSITIVE_INFINITY).toBe(waiting.size === 0)
      }
    }),
  )
})
