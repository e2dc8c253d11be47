import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Backoff } from './backoff.ts'

const bounds = fc
  .tuple(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 60_000 }))
  .map(([minMs, more]) => [minMs, minMs + more] as const)
const event = fc.record({
  what: fc.constantFrom(...(['failed', 'failed', 'failed', 'succeeded', 'configure', 'pass'] as const)),
  afterMs: fc.constantFrom(0, 1, 500, 5_000, 70_000),
  bounds,
})

/** What is known of the failures, by events alone. */
interface World {
  readonly backoff: Backoff
  nowMs: number
  minMs: number
  maxMs: number
  /** Of each pause since the last success: its length. */
  pausesMs: number[]
  /** End of the pause that lasts. */
  untilMs: number
}

/** Runs any history, and checks after each event. */
function always(check: (world: World, isNewPause: boolean) => void): void {
  fc.assert(
    fc.property(bounds, fc.array(event, { maxLength: 60, size: 'max' }), ([minMs, maxMs], events) => {
      const world: World = {
        backoff: new Backoff(minMs, maxMs),
        nowMs: 0,
        minMs,
        maxMs,
        pausesMs: [],
        untilMs: 0,
      }
      for (const { what, afterMs, bounds: others } of events) {
        const { backoff } = world
        world.nowMs += afterMs
        let isNewPause = false
        if (what === 'failed') {
          isNewPause = world.pausesMs.length === 0 || world.nowMs >= world.untilMs
          backoff.failed(world.nowMs)
          if (isNewPause) {
            world.pausesMs.push(backoff.remainingMs(world.nowMs))
            world.untilMs = world.nowMs + backoff.remainingMs(world.nowMs)
          }
        } else if (what === 'succeeded') {
          backoff.succeeded()
          world.pausesMs = []
        } else if (what === 'configure') {
          backoff.configure(...others)
          ;[world.minMs, world.maxMs] = others
        }
        check(world, isNewPause)
      }
    }),
  )
}

describe('in any history of failures and successes', () => {
  it('a failure begins a pause that is no shorter than min and no longer than max', () => {
    always(({ pausesMs, minMs, maxMs }, isNewPause) => {
      if (!isNewPause) return
      expect(pausesMs.at(-1)).toBeGreaterThanOrEqual(minMs)
      expect(pausesMs.at(-1)).toBeLessThanOrEqual(maxMs)
    })
  })

  it('each pause in a row is twice as long as the one before would have been, as far as max allows', () => {
    always(({ pausesMs, minMs, maxMs }, isNewPause) => {
      if (!isNewPause) return
      let ms = minMs
      for (let i = 1; i < pausesMs.length && ms < maxMs; i++) ms += ms
      expect(pausesMs.at(-1)).toBe(Math.min(ms, maxMs))
    })
  })

  it('a pause lasts to its end: neither failures nor other bounds change it, and only a success ends it', () => {
    always(({ backoff, pausesMs, nowMs, untilMs }) => {
      const lasts = pausesMs.length > 0 && nowMs < untilMs
      expect(backoff.isClosed(nowMs)).toBe(lasts)
      expect(backoff.remainingMs(nowMs)).toBe(lasts ? untilMs - nowMs : 0)
    })
  })

  it('it counts the pauses since the last success, and not the failures within them', () => {
    always(({ backoff, pausesMs }) => expect(backoff.failures).toBe(pausesMs.length))
  })
})
