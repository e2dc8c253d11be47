import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ExchangeDeadlines, type Verdict } from './exchange-deadlines.ts'

const BOUNDS = { bodyIdleMs: 4_000, bodyRateBytes: 10, responseMs: 1_500, streamIdleMs: 1_200 }
const HELD_BODY_BYTES = 100

const WHATS = ['held', 'given', 'given', 'answered', 'uploaded', 'uploaded', 'moved', 'moved'] as const
const event = fc.record({
  what: fc.constantFrom(...WHATS, ...(['paused', 'resumed', 'ended', 'wait', 'wait'] as const)),
  bytes: fc.constantFrom(1, 20, 150, 500),
  afterMs: fc.constantFrom(0, 1, 400, 800, 1_100),
})

/** An exchange, and what is known of it by events alone. */
class World {
  readonly deadlines: ExchangeDeadlines
  readonly body: 'none' | 'known' | 'unknown'
  nowMs = 0
  state: 'held' | 'running' | 'answered' = 'held'
  /** Whether the client may send, and is to. */
  isSending: boolean
  /** Who waits for 100 Continue sends nothing before it was dispatched. */
  wantsBody: boolean
  isBodyOver: boolean
  /** When the application was sent something last, or a byte moved; since it is in this state. */
  movedMs = 0
  bufferedBytes = 0
  /** What was due before the last event, at that time. */
  verdict: Verdict | null = null

  constructor(body: World['body'], isExpected: boolean) {
    this.body = body
    this.deadlines = new ExchangeDeadlines(BOUNDS, body, isExpected, 0)
    this.wantsBody = !isExpected
    this.isSending = !isExpected
    this.isBodyOver = body === 'none'
  }

  /** Waits, and asks what is due. */
  pass(ms: number): void {
    this.nowMs += ms
    this.verdict = this.deadlines.verdict(this.nowMs)
  }

  do(what: string, bytes: number): void {
    const { deadlines, nowMs } = this
    if (what === 'held' && this.state !== 'answered') {
      deadlines.held(this.bufferedBytes, bytes, HELD_BODY_BYTES, nowMs)
      this.state = 'held'
    } else if (what === 'given' && this.state === 'held') {
      deadlines.given(nowMs)
      this.state = 'running'
      this.wantsBody = true
      this.movedMs = nowMs
    } else if (what === 'answered' && this.state === 'running') {
      deadlines.answered(nowMs)
      this.state = 'answered'
      this.movedMs = nowMs
      if (this.body === 'unknown') this.isBodyOver = true
    } else if (what === 'moved' && this.state === 'answered') {
      deadlines.moved(nowMs)
      this.movedMs = nowMs
    } else if (what === 'uploaded' && !this.isBodyOver && this.isSending) {
      deadlines.uploaded(bytes, nowMs)
      this.bufferedBytes += bytes
      this.movedMs = nowMs
    } else if (what === 'paused') {
      deadlines.paused(nowMs)
      this.isSending = false
    } else if (what === 'resumed') {
      deadlines.resumed(nowMs)
      this.isSending = this.wantsBody
    } else if (what === 'ended') {
      deadlines.uploadEnded()
      this.isBodyOver = true
    }
  }
}

/** Runs any history until something is due, and checks after each time that passed. */
function always(check: (world: World) => void): void {
  const body = fc.constantFrom('none' as const, 'known' as const, 'unknown' as const)
  fc.assert(
    fc.property(
      body,
      fc.boolean(),
      fc.array(event, { maxLength: 40, size: 'max' }),
      (kind, expects, events) => {
        const world = new World(kind, expects)
        for (const { what, bytes, afterMs } of events) {
          world.pass(afterMs)
          check(world)
          if (world.verdict !== null && world.verdict !== 'read on') return
          world.do(what, bytes)
        }
      },
    ),
    // Each costs little, and few come as far as an answer while there is still an upload.
    { numRuns: 400 },
  )
}

describe('in any history of an exchange', () => {
  it('something is due when its time has come, and nothing before', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40, size: 'max' }), (events) => {
        const world = new World('known', false)
        for (const { what, bytes, afterMs } of events) {
          const { dueMs } = world.deadlines
          world.pass(afterMs)
          expect(world.verdict !== null).toBe(dueMs <= world.nowMs)
          if (world.verdict !== null && world.verdict !== 'read on') return
          world.do(what, bytes)
        }
      }),
    )
  })

  it('the application has its time from the last byte that it was sent, and no more', () => {
    let found = 0
    always(({ state, verdict, nowMs, movedMs }) => {
      if (verdict === 'response') {
        found++
        expect(state).toBe('running')
        expect(nowMs - movedMs).toBeGreaterThanOrEqual(BOUNDS.responseMs)
      } else if (state === 'running' && verdict === null) {
        expect(nowMs - movedMs).toBeLessThan(BOUNDS.responseMs)
      }
    })
    expect(found).toBeGreaterThan(0)
  })

  it('a response may pause for streamIdle, whichever side moved last, and no longer', () => {
    let found = 0
    always(({ state, verdict, nowMs, movedMs }) => {
      if (verdict === 'stream') {
        found++
        expect(state).toBe('answered')
        expect(nowMs - movedMs).toBeGreaterThanOrEqual(BOUNDS.streamIdleMs)
      } else if (state === 'answered' && verdict === null) {
        expect(nowMs - movedMs).toBeLessThan(BOUNDS.streamIdleMs)
      }
    })
    expect(found).toBeGreaterThan(0)
  })

  it('a client is too slow with its body only while it may send, and never when none is wanted', () => {
    let found = 0
    always(({ verdict, isSending, isBodyOver }) => {
      if (verdict !== 'body') return
      found++
      expect([isSending, isBodyOver]).toEqual([true, false])
    })
    expect(found).toBeGreaterThan(0)
  })

  it('it is read on only while it is held, and asked once', () => {
    let found = 0
    always(({ verdict, state, deadlines, nowMs }) => {
      if (verdict !== 'read on') return
      found++
      expect(state).toBe('held')
      expect(deadlines.verdict(nowMs)).not.toBe('read on')
    })
    expect(found).toBeGreaterThan(0)
  })
})
