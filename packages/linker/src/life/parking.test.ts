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
const NOW = 60_010

/** Idle, told to go by an edge that wants it to park; its application is being stopped. */
function stopping(): Life<string> {
  const life = new Life<string>(OPTIONS, 0)
  life.connected('a', 0, true)
  life.listening(0)
  life.tick(60_000)
  expect(life.verdict('a', true, NOW)).toEqual([STOP])
  return life
}

function parked(): Life<string> {
  const life = stopping()
  expect(life.appStopped()).toEqual([{ kind: 'park', reason: 'idle' }])
  return life
}

function exitOf(life: Life<string>): LifeAction<string> | undefined {
  return life.appStopped()[0]
}

describe('an instance that may go, where the platform restarts what exits', () => {
  test('is parked when its application is stopped, and stays so', () => {
    const life = parked()
    expect([life.phase, life.admits, life.nextDeadline()]).toEqual([
      'parked',
      false,
      Number.POSITIVE_INFINITY,
    ])
    expect(life.tick(10_000_000)).toEqual([])
    expect(life.appEnded({ code: 0, signal: null }, NOW)).toEqual([])
    expect(life.replace(NOW)).toEqual([])
    expect(life.listening(NOW)).toEqual([])
    expect(life.refused(true, 'no')).toEqual([])
  })

  test('is parked as well when it was replaced', () => {
    const life = new Life<string>(OPTIONS, 0)
    life.connected('a', 0, true)
    life.listening(0)
    life.replace(10)
    expect(life.verdict('a', true, 20)).toEqual([{ kind: 'drain', reason: 'replaced' }, STOP])
    expect(life.appStopped()).toEqual([{ kind: 'park', reason: 'replaced' }])
  })

  test('exits when the edge that it is linked to now does not want it to park', () => {
    const life = stopping()
    life.disconnected('a', NOW)
    life.connected('b', NOW, false)
    expect(life.appStopped(), 'it was told to').toEqual([{ kind: 'park', reason: 'idle' }])
    life.recalled(NOW)
    life.listening(NOW)
    life.tick(NOW + 60_000)
    expect(life.verdict('b', true, NOW + 60_000)).toEqual([STOP])
    expect(exitOf(life)).toEqual({ kind: 'exit', code: 0, reason: 'idle' })
  })

  test.each(['first', 'last'])(
    'is parked when one of its edges wants that, if another one, linked %s, does not know it yet',
    (which) => {
      const life = new Life<string>(OPTIONS, 0)
      if (which === 'first') life.connected('reports', 0, false)
      life.connected('scales', 0, true)
      if (which === 'last') life.connected('reports', 0, false)
      life.listening(0)
      life.tick(60_000)
      expect(life.verdict('scales', true, NOW)).toEqual([])
      expect(life.verdict('reports', true, NOW)).toEqual([STOP])
      expect(exitOf(life)).toEqual({ kind: 'park', reason: 'idle' })
    },
  )

  test('is parked when the edge that wants that is gone before the other one lets it go', () => {
    const life = new Life<string>(OPTIONS, 0)
    life.connected('scales', 0, true)
    life.connected('reports', 0, false)
    life.listening(0)
    life.tick(60_000)
    life.disconnected('scales', NOW)
    expect(life.verdict('reports', true, NOW)).toEqual([STOP])
    expect(exitOf(life)).toEqual({ kind: 'park', reason: 'idle' })
  })

  test('exits at once when a signal tells it to', () => {
    const life = parked()
    expect(life.drain(NOW)).toEqual([STOP])
    expect(exitOf(life)).toEqual({ kind: 'exit', code: 0, reason: 'stopped by a signal' })
  })

  test('exits when the signal comes while its application is being stopped', () => {
    const life = stopping()
    expect(life.drain(NOW)).toEqual([])
    expect(exitOf(life)).toEqual({ kind: 'exit', code: 0, reason: 'stopped by a signal' })
  })

  test('exits when the signal comes while it drains for its successor', () => {
    const life = new Life<string>(OPTIONS, 0)
    life.connected('a', 0, true)
    life.listening(0)
    life.replace(10)
    life.began(false)
    life.verdict('a', true, 20)
    expect(life.drain(30)).toEqual([])
    expect(life.ended(false, 40)).toEqual([STOP])
    expect(exitOf(life)).toEqual({ kind: 'exit', code: 0, reason: 'stopped by a signal' })
  })

  test('exits with 128+n at a second signal', () => {
    const life = stopping()
    life.drain(NOW)
    expect(life.kill(15)).toEqual([{ kind: 'stop', kill: true }])
    expect(exitOf(life)).toMatchObject({ kind: 'exit', code: 143 })
  })

  test('exits with 0 after some time without any edge: it will be started again', () => {
    const life = parked()
    life.disconnected('a', 100_000)
    expect(life.nextDeadline()).toBe(150_000)
    life.connected('a', 140_000, true)
    expect(life.nextDeadline()).toBe(Number.POSITIVE_INFINITY)
    life.disconnected('a', 160_000)
    expect(life.tick(210_000)).toEqual([STOP])
    expect(exitOf(life)).toEqual({ kind: 'exit', code: 0, reason: 'no edge could be reached' })
  })
})

describe('a parked instance that is recalled', () => {
  test('starts its application again, is ready, and may be idle again', () => {
    const life = parked()
    expect(life.recalled(100_000)).toEqual([{ kind: 'restart' }])
    expect([life.phase, life.admits, life.nextDeadline()]).toEqual(['starting', false, 220_000])
    expect(life.recalled(100_001), 'once').toEqual([])
    expect(life.listening(101_000)).toEqual([{ kind: 'announce' }])
    expect([life.phase, life.admits, life.nextDeadline()]).toEqual(['ready', true, 161_000])
    expect(life.tick(161_000)).toEqual([{ kind: 'leave' }])
    expect(life.verdict('a', true, 161_001)).toEqual([STOP])
    expect(life.appStopped()).toEqual([{ kind: 'park', reason: 'idle' }])
  })

  test('fails as at first when the application does not listen', () => {
    const life = parked()
    life.recalled(100_000)
    expect(life.tick(220_000)[0]).toMatchObject({ kind: 'report' })
    expect(life.reported()).toEqual([STOP])
    expect(exitOf(life)).toMatchObject({ code: 124 })
  })

  test('exits as its second application did, which has served nothing yet', () => {
    const life = new Life<string>(OPTIONS, 0)
    life.connected('a', 0, true)
    life.listening(0)
    life.began(false)
    life.ended(false, 1)
    life.tick(60_001)
    life.verdict('a', true, 60_002)
    life.appStopped()
    life.recalled(70_000)
    life.listening(70_001)
    life.appEnded({ code: 0, signal: null }, 70_002)
    life.reported()
    expect(exitOf(life)).toMatchObject({ code: 75 })
  })

  test.each(['starting', 'ready', 'leaving', 'draining', 'stopping'])('is not one that is %s', (phase) => {
    const life = new Life<string>(OPTIONS, 0)
    life.connected('a', 0, true)
    if (phase !== 'starting') life.listening(0)
    if (phase === 'leaving') life.tick(60_000)
    if (phase === 'draining') life.began(false)
    if (phase === 'draining' || phase === 'stopping') life.drain(10)
    expect(life.phase).toBe(phase)
    expect(life.recalled(70_000)).toEqual([])
    expect(life.phase).toBe(phase)
  })
})
