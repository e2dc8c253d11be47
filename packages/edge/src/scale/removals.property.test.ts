import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { instanceOf } from './controller.testkit.ts'
import { Removals } from './removals.ts'

const LAUNCHES = ['a', 'b', 'c', 'd'] as const
const REPEAT_MS = 5_000
const event = fc.record({
  what: fc.constantFrom(...(['add', 'add', 'add', 'cancel', 'list', 'call', 'end of call'] as const)),
  launch: fc.constantFrom(...LAUNCHES),
  listed: fc.subarray([...LAUNCHES]),
  afterMs: fc.constantFrom(0, 1, 4_999, 5_000),
})

/** What is known of the removals, by events alone. */
interface World {
  readonly removals: Removals
  /** Ids that are asked for. */
  readonly asked: Set<string>
  nowMs: number
  /** When the last call ended; null: none has, or one is out. */
  endedMs: number | null
  /** Whether the last event was an addition, and what was said of it. */
  added: boolean | null
  /** Whether it had been asked for. */
  wasAsked: boolean
}

/** Runs any history, and checks after each event. */
function always(check: (world: World) => void): void {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60, size: 'max' }), (events) => {
      const world: World = {
        removals: new Removals(),
        asked: new Set(),
        nowMs: 0,
        endedMs: null,
        added: null,
        wasAsked: false,
      }
      for (const { what, launch, listed, afterMs } of events) {
        const { removals, asked } = world
        const { id } = instanceOf(launch)
        world.nowMs += afterMs
        world.added = null
        world.wasAsked = asked.has(id)
        if (what === 'add') {
          world.added = removals.add(instanceOf(launch))
          asked.add(id)
        } else if (what === 'cancel') {
          removals.cancel(id)
          asked.delete(id)
        } else if (what === 'list') {
          const ids = new Set(listed.map((each) => instanceOf(each).id))
          removals.onListed(ids)
          for (const each of asked) if (!ids.has(each)) asked.delete(each)
        } else if (what === 'call') {
          removals.onCall()
          world.endedMs = null
        } else {
          removals.onCallEnded(world.nowMs)
          world.endedMs = world.nowMs
        }
        check(world)
      }
    }),
  )
}

describe('in any history of removals', () => {
  it('each call names what was added, until it is listed no more or may exist after all, and nothing twice', () => {
    always(({ removals, asked }) => {
      expect(removals.list().map(({ id }) => id)).toEqual([...asked])
      expect(removals.size).toBe(asked.size)
    })
  })

  it('a call is wanted for what is new among them, and for nothing else', () => {
    always(({ added, wasAsked }) => {
      if (added !== null) expect(added).toBe(!wasAsked)
    })
  })

  it('a call is repeated when one has ended, no sooner than 5 s after it', () => {
    always(({ removals, endedMs }) => {
      if (endedMs !== null && removals.size > 0) expect(removals.nextDeadline()).toBe(endedMs + REPEAT_MS)
    })
  })

  it('none is repeated while one is out, or while there is nothing to remove', () => {
    always(({ removals, endedMs }) => {
      if (endedMs === null || removals.size === 0)
        expect(removals.nextDeadline()).toBe(Number.POSITIVE_INFINITY)
    })
  })
})
