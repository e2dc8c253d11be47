import { describe, expect, it } from 'vitest'
import { ExchangeDeadlines } from './exchange-deadlines.ts'

const BOUNDS = { bodyIdleMs: 30_000, bodyRateBytes: 256, responseMs: 300_000, streamIdleMs: 200_000 }
const NEVER = Number.POSITIVE_INFINITY
const KIB = 1024

function deadlines(
  body: 'none' | 'known' | 'unknown',
  { expects = false, ...bounds }: Partial<typeof BOUNDS> & { expects?: boolean } = {},
): ExchangeDeadlines {
  return new ExchangeDeadlines({ ...BOUNDS, ...bounds }, body, expects, 0)
}

/** The verdict at the time it asks for, and that time. */
function next(it: ExchangeDeadlines): [what: string | null, atMs: number] {
  const atMs = it.dueMs
  expect(it.verdict(atMs - 1)).toBe(null)
  return [it.verdict(atMs), atMs]
}

describe('a held request', () => {
  it('without a body waits for nothing here', () => {
    const it = deadlines('none')
    expect(it.held(0, 0, 64 * KIB, 0)).toBe(false)
    expect(it.dueMs).toBe(NEVER)
    expect(it.verdict(1e9)).toBe(null)
  })

  it('with a body waits for it', () => {
    const it = deadlines('known')
    expect(it.held(10, 10, 64 * KIB, 0)).toBe(false)
    expect(next(it)).toEqual(['body', 30_000])
  })

  it('is read slowly beyond a bound, 16 KiB/s, and not at all beyond four times as much', () => {
    const it = deadlines('known')
    it.uploaded(64 * KIB, 1_000)
    expect(it.held(64 * KIB, 16_000, 64 * KIB, 1_000)).toBe(true)
    it.paused(1_000)
    expect(next(it)).toEqual(['read on', 2_000])
    it.resumed(2_000)
    expect(next(it)).toEqual(['body', 32_000])
    it.uploaded(200 * KIB, 3_000)
    expect(it.held(264 * KIB, 200 * KIB, 64 * KIB, 3_000)).toBe(true)
    it.paused(3_000)
    expect(it.dueMs).toBe(NEVER)
  })

  it('whose client waits for 100 Continue is not waited for until it is dispatched', () => {
    const it = deadlines('known', { expects: true })
    it.held(0, 0, 64 * KIB, 0)
    it.resumed(1_000)
    expect(it.dueMs).toBe(NEVER)
    it.given(40_000)
    it.resumed(40_000)
    expect(next(it)).toEqual(['body', 70_000])
  })

  it('that was read to its end is read on, for its client may leave', () => {
    const it = deadlines('known')
    it.uploadEnded()
    expect(it.held(300 * KIB, 0, 64 * KIB, 0)).toBe(false)
  })
})

describe('a running request', () => {
  it('waits for the response head, from when the application was given something last', () => {
    const it = deadlines('known', { bodyIdleMs: 0 })
    it.given(1_000)
    expect(it.dueMs).toBe(301_000)
    it.uploaded(5, 50_000)
    expect(next(it)).toEqual(['response', 350_000])
  })

  it('waits for the body too, and not while its client is kept from sending', () => {
    const it = deadlines('unknown')
    it.given(10_000)
    it.resumed(10_000)
    expect(it.dueMs).toBe(30_000)
    it.paused(20_000)
    expect(it.dueMs).toBe(310_000)
    it.resumed(100_000)
    expect(next(it)).toEqual(['body', 110_000])
  })

  it('that is held again waits for nothing but its body', () => {
    const it = deadlines('none')
    it.given(0)
    it.held(0, 0, 64 * KIB, 1_000)
    expect(it.dueMs).toBe(NEVER)
    it.given(2_000)
    expect(next(it)).toEqual(['response', 302_000])
  })
})

describe('an answered request', () => {
  it('waits for a byte in either direction', () => {
    const it = deadlines('none')
    it.given(0)
    it.answered(10_000)
    expect(it.dueMs).toBe(210_000)
    it.moved(100_000)
    expect(next(it)).toEqual(['stream', 300_000])
  })

  it('whose upload goes on is not idle, even if its own response is', () => {
    const it = deadlines('unknown')
    it.given(0)
    it.answered(0)
    it.uploaded(1, 150_000)
    expect(next(it)).toEqual(['stream', 350_000])
  })

  it('waits for ever if its app says so', () => {
    const it = deadlines('none', { streamIdleMs: 0 })
    it.given(0)
    it.answered(1)
    it.moved(2)
    expect(it.dueMs).toBe(NEVER)
    expect(it.verdict(1e12)).toBe(null)
  })

  it('still wants a body whose length was said', () => {
    const it = deadlines('known')
    it.given(0)
    it.answered(1_000)
    expect(next(it)).toEqual(['body', 30_000])
  })

  it('does not want one without a length: it may be the other side of a conversation that speaks', () => {
    const it = deadlines('unknown')
    it.given(0)
    it.answered(1_000)
    it.resumed(2_000)
    expect(next(it)).toEqual(['stream', 201_000])
  })
})
