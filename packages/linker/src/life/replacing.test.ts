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
const ask = (edge: string): LifeAction<string> => ({ kind: 'replace', edge })
const DRAIN: LifeAction<string> = { kind: 'drain', reason: 'replaced' }
const DECLINED: LifeAction<string> = {
  kind: 'kept',
  reason: 'no edge starts a replacement; the log of the edge says why',
}
const TOO_LATE: LifeAction<string> = { kind: 'kept', reason: 'no replacement within 150 s' }

/** Listening since 0, with a session to each of these edges. */
function ready(...edges: string[]): Life<string> {
  const life = new Life<string>(OPTIONS, 0)
  for (const edge of edges) life.connected(edge, 0)
  life.listening(0)
  return life
}

describe('an instance that is to be replaced', () => {
  test('asks every edge, and goes on as before', () => {
    const life = ready('a', 'b')
    expect(life.replace(10)).toEqual([ask('a'), ask('b')])
    expect([life.phase, life.admits]).toEqual(['ready', true])
    expect(life.replace(11), 'asking twice changes nothing').toEqual([])
  })

  test('drains at the first GO, waits for what runs, and exits with 0', () => {
    const life = ready('a', 'b')
    life.replace(10)
    life.began(false)
    expect(life.verdict('b', true, 20)).toEqual([DRAIN])
    expect([life.phase, life.admits]).toEqual(['draining', true])
    expect(life.verdict('a', false, 21)).toEqual([])
    expect(life.ended(false, 30)).toEqual([STOP])
    expect(life.appStopped()).toEqual([{ kind: 'exit', code: 0, reason: 'replaced' }])
  })

  test('stays when all that it asked say STAY, and may ask again', () => {
    const life = ready('a', 'b')
    life.replace(10)
    expect(life.verdict('a', false, 20)).toEqual([])
    expect(life.verdict('b', false, 21)).toEqual([DECLINED])
    expect([life.phase, life.admits]).toEqual(['ready', true])
    expect(life.replace(30)).toEqual([ask('a'), ask('b')])
  })

  test('takes a session that ends for no answer, and asks again in the next one', () => {
    const life = ready('a', 'b')
    life.replace(10)
    life.disconnected('b', 20)
    expect(life.verdict('a', false, 30), 'b may still say GO').toEqual([])
    expect(life.connected('b', 40)).toEqual([ask('b')])
    expect(life.verdict('b', false, 50)).toEqual([DECLINED])
    life.disconnected('b', 60)
    expect(life.connected('b', 70), 'nobody wants it any more').toEqual([])
  })

  test('does not ask again who has said STAY', () => {
    const life = ready('a', 'b')
    life.replace(10)
    life.verdict('a', false, 20)
    life.disconnected('a', 30)
    expect(life.connected('a', 40)).toEqual([])
    expect(life.verdict('b', true, 50)[0]).toEqual(DRAIN)
  })

  test('asks an edge that comes later', () => {
    const life = ready()
    expect(life.replace(10)).toEqual([])
    expect(life.connected('a', 20)).toEqual([ask('a')])
  })

  test('is not idle meanwhile', () => {
    const life = ready('a')
    life.replace(10)
    expect(life.nextDeadline()).toBe(150_010)
    expect(life.tick(60_000)).toEqual([])
  })

  test('stays when no answer comes in time, and says so; then it may be idle', () => {
    const life = ready('a')
    life.replace(10)
    expect(life.tick(150_010)).toEqual([TOO_LATE])
    expect(life.phase).toBe('ready')
    expect(life.tick(150_010)).toEqual([{ kind: 'leave' }])
  })

  test('takes a GO that comes too late all the same: its successor is there', () => {
    const life = ready('a')
    life.replace(10)
    life.began(false)
    life.tick(150_010)
    expect(life.replace(150_020), 'the question is still open').toEqual([])
    expect(life.verdict('a', true, 160_000)).toEqual([DRAIN])
  })

  test('counts the answers: the one to a REPLACE is none to the LEAVE behind it', () => {
    const life = ready('a')
    life.replace(10)
    life.tick(150_010)
    expect(life.tick(150_010)).toEqual([{ kind: 'leave' }])
    expect(life.verdict('a', false, 150_020)).toEqual([])
    expect(life.phase).toBe('leaving')
    expect(life.verdict('a', true, 150_021)).toEqual([STOP])
  })

  test('that is about to leave asks if it is to stay', () => {
    const life = ready('a', 'b')
    expect(life.tick(60_000)).toEqual([{ kind: 'leave' }])
    expect(life.replace(60_001)).toEqual([])
    expect(life.verdict('a', false, 60_002), 'b owes another answer').toEqual([{ kind: 'stay' }, ask('a')])
    expect(life.verdict('b', true, 60_003)).toEqual([ask('b')])
  })

  test('that leaves needs no successor', () => {
    const life = ready('a')
    life.tick(60_000)
    life.replace(60_001)
    expect(life.verdict('a', true, 60_002)).toEqual([STOP])
    expect(life.appStopped()).toEqual([{ kind: 'exit', code: 0, reason: 'idle' }])
  })

  test('that starts asks when it listens', () => {
    const life = new Life<string>(OPTIONS, 0)
    life.connected('a', 0)
    expect(life.replace(10)).toEqual([])
    expect(life.listening(40_000)).toEqual([{ kind: 'announce' }, ask('a')])
    expect(life.nextDeadline()).toBe(190_000)
  })

  test('drains at once when a signal tells it to', () => {
    const life = ready('a')
    life.began(false)
    life.replace(10)
    expect(life.drain(20)).toEqual([{ kind: 'drain', reason: 'stopped by a signal' }])
    expect(life.replace(21)).toEqual([])
    expect(life.verdict('a', true, 22)).toEqual([])
    expect(life.ended(false, 23)).toEqual([STOP])
    expect(life.appStopped()).toEqual([{ kind: 'exit', code: 0, reason: 'stopped by a signal' }])
  })

  test('fails as any other when its application ends', () => {
    const life = ready('a')
    life.replace(10)
    expect(life.appEnded({ code: 3, signal: null }, 20)[0]).toMatchObject({ kind: 'report' })
    expect(life.verdict('a', true, 30)).toEqual([])
    expect(life.connected('b', 40)).toEqual([])
  })

  test('without any edge gives up as any other', () => {
    const life = ready('a')
    life.replace(10)
    life.disconnected('a', 20)
    expect(life.nextDeadline()).toBe(50_020)
    expect(life.tick(50_020)).toEqual([STOP])
  })
})
