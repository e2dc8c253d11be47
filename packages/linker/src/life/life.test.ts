import { describe, expect, test } from 'vitest'
import type { LifeAction } from './action.ts'
import { Life, type LifeOptions } from './life.ts'

const OPTIONS: LifeOptions = {
  startTimeoutMs: 120_000,
  idleMs: 60_000,
  drainMs: 30_000,
  lostMs: 50_000,
  replaceMs: 150_000,
  reportMs: 5_000,
}

const STOP: LifeAction<string> = { kind: 'stop', kill: false }
const EXITED = { code: 3, signal: null }

/** A life at time 0. */
const born = () => new Life<string>(OPTIONS, 0)

/** Listening since 0, with a session to each of these edges. */
function ready(...edges: string[]): Life<string> {
  const life = born()
  for (const edge of edges) life.connected(edge, 0)
  expect(life.listening(0)).toEqual([{ kind: 'announce' }])
  return life
}

/** One that has said LEAVE to its edges, at 60,000. */
function leaving(...edges: string[]): Life<string> {
  const life = ready(...edges)
  expect(life.tick(60_000)).toEqual([{ kind: 'leave' }])
  return life
}

/** The exit code once the application is stopped. */
function exitCode(life: Life<string>): number | undefined {
  const [action] = life.appStopped()
  return action?.kind === 'exit' ? action.code : undefined
}

describe('starting', () => {
  test('announces the application when it listens, once', () => {
    const life = born()
    expect([life.phase, life.admits]).toEqual(['starting', false])
    expect(life.listening(5)).toEqual([{ kind: 'announce' }])
    expect(life.listening(6)).toEqual([])
    expect([life.phase, life.admits]).toEqual(['ready', true])
  })

  test('fails with 124 when it never listens, and says so first', () => {
    const life = born()
    life.connected('a', 0)
    expect(life.nextDeadline()).toBe(120_000)
    expect(life.tick(119_999)).toEqual([])
    const reason = 'the application did not listen within 120 s'
    expect(life.tick(120_000)).toEqual([{ kind: 'report', reason, end: null }])
    expect(life.reported()).toEqual([STOP])
    expect(exitCode(life)).toBe(124)
  })

  test('ends with 69 when no edge comes, though the application still starts', () => {
    const life = born()
    expect(life.nextDeadline()).toBe(50_000)
    expect(life.tick(50_000)).toEqual([STOP])
    expect(exitCode(life)).toBe(69)
  })

  test.for([
    { end: EXITED, code: 3, reason: 'the application exited with status 3 before it listened' },
    {
      end: { code: null, signal: 'SIGSEGV' },
      code: 139,
      reason: 'the application was ended by SIGSEGV before it listened',
    },
    {
      end: { code: 0, signal: null },
      code: 75,
      reason: 'the application exited with status 0 before it listened',
    },
    {
      end: { code: 127, signal: null, reason: 'nope: command not found' },
      code: 127,
      reason: 'nope: command not found',
    },
  ])('reports "$reason", then exits with $code', ({ end, code, reason }) => {
    const life = born()
    expect(life.appEnded(end, 5)).toEqual([{ kind: 'report', reason, end }])
    expect(life.phase).toBe('failed')
    expect(life.reported()).toEqual([STOP])
    expect(exitCode(life)).toBe(code)
  })

  test('a signal ends it at once', () => {
    const life = born()
    expect(life.drain(1)).toEqual([STOP])
    expect(exitCode(life)).toBe(0)
  })
})

describe('a failure', () => {
  test('waits for an edge that can be told, and no longer than it may', () => {
    const life = born()
    life.appEnded(EXITED, 10)
    expect(life.nextDeadline()).toBe(5_010)
    expect(life.tick(5_009)).toEqual([])
    expect(life.tick(5_010)).toEqual([STOP])
    expect(exitCode(life)).toBe(3)
  })

  test('keeps its status when a signal or a refused token cuts the waiting short', () => {
    for (const cut of [
      (life: Life<string>) => life.drain(11),
      (life: Life<string>) => life.refused(true, 'no'),
    ]) {
      const life = born()
      life.appEnded(EXITED, 10)
      expect(cut(life)).toEqual([STOP])
      expect(exitCode(life)).toBe(3)
    }
  })

  test('is reported to several edges, and stops once', () => {
    const life = ready('a', 'b')
    life.appEnded(EXITED, 10)
    expect(life.reported()).toEqual([STOP])
    expect(life.reported()).toEqual([])
    expect(life.appEnded(EXITED, 11)).toEqual([])
  })

  test("of an application that has served has the application's own status, 0 included", () => {
    const life = ready('a')
    life.began(false)
    life.ended(false, 2)
    const reason = 'the application exited with status 0'
    expect(life.appEnded({ code: 0, signal: null }, 3)).toMatchObject([{ kind: 'report', reason }])
    life.reported()
    expect(exitCode(life)).toBe(0)
  })

  test('stops the application though requests are running: it is gone', () => {
    const life = ready('a')
    life.began(false)
    life.began(false)
    life.appEnded(EXITED, 2)
    expect(life.reported()).toEqual([STOP])
  })
})

describe('leaving', () => {
  test('asks when nothing has run for the idle time, counted from the last request', () => {
    const life = ready('a')
    life.began(false)
    expect(life.nextDeadline()).toBe(Number.POSITIVE_INFINITY)
    life.ended(false, 7_000)
    expect(life.nextDeadline()).toBe(67_000)
    expect(life.tick(66_999)).toEqual([])
    expect(life.tick(67_000)).toEqual([{ kind: 'leave' }])
    expect([life.phase, life.admits, life.nextDeadline()]).toEqual([
      'leaving',
      true,
      Number.POSITIVE_INFINITY,
    ])
  })

  test('GO stops the application, and the linker exits 0', () => {
    const life = leaving('a')
    expect(life.verdict('a', true, 60_001)).toEqual([STOP])
    expect(life.appStopped()).toEqual([{ kind: 'exit', code: 0, reason: 'idle' }])
  })

  test('STAY lends again, and the next LEAVE comes an idle time later', () => {
    const life = leaving('a')
    expect(life.verdict('a', false, 61_000)).toEqual([{ kind: 'stay' }])
    expect([life.phase, life.nextDeadline()]).toEqual(['ready', 121_000])
    expect(life.tick(121_000)).toEqual([{ kind: 'leave' }])
  })

  test('goes only when every edge has said GO', () => {
    const life = leaving('a', 'b')
    expect(life.verdict('a', true, 60_001)).toEqual([])
    expect(life.verdict('b', true, 60_002)).toEqual([STOP])
  })

  test('an edge that is gone cannot send anything: that is as good as GO', () => {
    const life = leaving('a', 'b')
    expect(life.verdict('a', true, 60_001)).toEqual([])
    expect(life.disconnected('b', 60_002)).toEqual([STOP])
  })

  test('an edge that goes after its GO does not stand for another one', () => {
    const life = leaving('a', 'b')
    expect(life.verdict('a', true, 60_001)).toEqual([])
    expect(life.disconnected('a', 60_002)).toEqual([])
    expect(life.verdict('b', true, 60_003)).toEqual([STOP])
  })

  test('an edge that comes meanwhile is asked too', () => {
    const life = leaving('a')
    expect(life.connected('b', 60_001)).toEqual([])
    expect(life.verdict('a', true, 60_002)).toEqual([])
    expect(life.verdict('b', true, 60_003)).toEqual([STOP])
  })

  test('an answer to an earlier LEAVE is not one to the next', () => {
    const life = leaving('a', 'b')
    life.verdict('a', false, 60_001)
    expect(life.tick(120_001)).toEqual([{ kind: 'leave' }])
    expect(life.verdict('a', true, 120_002)).toEqual([])
    expect(life.verdict('b', true, 120_003)).toEqual([]) // to the first
    expect(life.verdict('b', true, 120_004)).toEqual([STOP])
  })

  test('a GO is good for one LEAVE', () => {
    const life = leaving('a', 'b')
    life.verdict('a', true, 60_001)
    life.verdict('b', false, 60_002)
    expect(life.tick(120_002)).toEqual([{ kind: 'leave' }])
    expect(life.verdict('b', true, 120_003)).toEqual([])
    expect(life.verdict('a', true, 120_004)).toEqual([STOP])
  })

  test('a verdict that nobody asked for means nothing', () => {
    const life = ready('a')
    expect(life.verdict('a', true, 1)).toEqual([])
    expect(life.tick(60_000)).toEqual([{ kind: 'leave' }])
    expect(life.verdict('c', true, 60_001)).toEqual([])
    expect(life.phase).toBe('leaving')
  })

  test('a request that crossed the LEAVE is finished first', () => {
    const life = leaving('a')
    life.began(false)
    expect(life.verdict('a', true, 60_002)).toEqual([])
    expect(life.ended(false, 60_003)).toEqual([STOP])
  })

  test('a signal drains instead', () => {
    const life = leaving('a')
    expect(life.drain(60_001)).toEqual([{ kind: 'drain', reason: 'stopped by a signal' }, STOP])
    expect(life.verdict('a', false, 60_002)).toEqual([])
    expect(exitCode(life)).toBe(0)
  })
})

describe('passive requests', () => {
  test('are no activity: with one every 10 s the instance asks to leave an idle time after its last real request', () => {
    const life = ready('a')
    life.began(false)
    life.ended(false, 7_000)
    for (let nowMs = 10_000; nowMs < 67_000; nowMs += 10_000) {
      life.began(true)
      expect(life.nextDeadline()).toBe(67_000)
      expect(life.tick(nowMs)).toEqual([])
      expect(life.ended(true, nowMs + 50)).toEqual([])
    }
    expect(life.nextDeadline()).toBe(67_000)
    expect(life.tick(67_000)).toEqual([{ kind: 'leave' }])
  })

  test('beside a real one do not hide that it runs', () => {
    const life = ready('a')
    life.began(true)
    life.began(false)
    expect(life.ended(true, 1_000)).toEqual([])
    expect(life.nextDeadline()).toBe(Number.POSITIVE_INFINITY)
    life.ended(false, 2_000)
    expect(life.nextDeadline()).toBe(62_000)
  })

  test('that run when the edge says GO are waited for', () => {
    const life = ready('a')
    life.began(true)
    expect(life.tick(60_000)).toEqual([{ kind: 'leave' }])
    expect(life.verdict('a', true, 60_001)).toEqual([])
    expect(life.ended(true, 60_002)).toEqual([STOP])
    expect(life.appStopped()).toEqual([{ kind: 'exit', code: 0, reason: 'idle' }])
  })

  test('are finished before a signal stops the application', () => {
    const life = ready('a')
    life.began(true)
    expect(life.drain(10)).toEqual([{ kind: 'drain', reason: 'stopped by a signal' }])
    expect(life.ended(true, 20)).toEqual([STOP])
  })

  test('are work for an instance that has lost its edges: what it does for one may still run', () => {
    const life = ready('a')
    life.began(true)
    life.disconnected('a', 1_000)
    expect(life.nextDeadline()).toBe(Number.POSITIVE_INFINITY)
    life.ended(true, 2_000)
    expect(life.nextDeadline()).toBe(52_000)
  })

  test('that end as they did not begin are a bug', () => {
    const life = ready('a')
    life.began(false)
    expect(() => life.ended(true, 1)).toThrow('what ends has begun')
  })
})

describe('without an edge', () => {
  test('leaves with 69 if there never was one, else with 0, when no work is left', () => {
    const never = ready()
    expect(never.nextDeadline()).toBe(50_000)
    expect(never.tick(50_000)).toEqual([STOP])
    expect(exitCode(never)).toBe(69)

    const once = ready('a')
    once.began(false)
    once.disconnected('a', 20)
    expect(once.nextDeadline()).toBe(Number.POSITIVE_INFINITY)
    once.ended(false, 30_000)
    expect(once.nextDeadline()).toBe(80_000)
    expect(once.tick(80_000)).toEqual([STOP])
    expect(exitCode(once)).toBe(0)
  })

  test('waits from the loss of the last one', () => {
    const life = ready('a', 'b')
    life.disconnected('a', 10_000)
    life.disconnected('b', 20_000)
    expect(life.nextDeadline()).toBe(70_000)
  })

  test('an edge that comes back begins the idle time anew', () => {
    const life = ready('a')
    life.disconnected('a', 40_000)
    life.connected('a', 55_000)
    expect(life.nextDeadline()).toBe(115_000)
  })

  test('ends with 77 if the token is refused, with 69 if it is refused for another reason', () => {
    for (const [isToken, code] of [
      [true, 77],
      [false, 69],
    ] as const) {
      const life = ready()
      expect(life.refused(isToken, 'no')).toEqual([STOP])
      expect(exitCode(life)).toBe(code)
    }
  })

  test('one that was connected before goes on trying when it is refused', () => {
    const life = ready('a')
    life.disconnected('a', 10)
    expect(life.refused(true, 'no')).toEqual([])
    expect(life.phase).toBe('ready')
  })
})

describe('signals', () => {
  test('the first one lets running requests finish', () => {
    const life = ready('a')
    life.began(false)
    life.began(false)
    expect(life.drain(20)).toEqual([{ kind: 'drain', reason: 'stopped by a signal' }])
    expect([life.phase, life.admits, life.nextDeadline()]).toEqual(['draining', true, 30_020])
    expect(life.drain(21)).toEqual([])
    expect(life.ended(false, 30)).toEqual([])
    expect(life.ended(false, 40)).toEqual([STOP])
    expect(exitCode(life)).toBe(0)
  })

  test('and waits no longer for them than it may', () => {
    const life = ready('a')
    life.began(false)
    life.drain(20)
    expect(life.tick(30_020)).toEqual([STOP])
    expect(exitCode(life)).toBe(0)
  })

  test('the second one kills, with 128 + n, whatever was going on', () => {
    for (const life of [born(), ready('a'), leaving('a')]) {
      life.drain(70_000)
      expect(life.kill(15)).toEqual([{ kind: 'stop', kill: true }])
      expect(exitCode(life)).toBe(143)
      expect(life.kill(15)).toEqual([])
    }
  })

  test('an idle one stops at once', () => {
    expect(ready('a').drain(5)).toEqual([{ kind: 'drain', reason: 'stopped by a signal' }, STOP])
  })
})
