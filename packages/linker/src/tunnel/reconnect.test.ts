import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DEFAULT_RECONNECT, Reconnect } from './reconnect.ts'

/** The pauses of `count` attempts in a row, each as soon as it is due; random() is a constant. */
function pauses(
  count: number,
  random: number,
  isAppRunning: boolean,
  reconnect = new Reconnect(DEFAULT_RECONNECT, () => random),
) {
  let nowMs = 0
  return Array.from({ length: count }, () => {
    const wait = reconnect.lost(nowMs, isAppRunning)
    nowMs += wait
    return wait
  })
}

describe('pauses', () => {
  test('double from 10 ms to 30 s', () => {
    expect(pauses(14, 1, false)).toEqual([
      10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10240, 20480, 30000, 30000,
    ])
  })

  test('are 50 to 100 % of that at random', () => {
    expect(pauses(3, 0, false)).toEqual([5, 10, 20])
  })

  test('stay at 5 s for ten minutes while an application runs, and grow then', () => {
    const waits = pauses(140, 1, true)
    expect(Math.max(...waits.slice(0, 100))).toBe(5_000)
    expect(waits.at(-1)).toBe(30_000)
    const untilGrowth = waits
      .slice(
        0,
        waits.findIndex((wait) => wait > 5_000),
      )
      .reduce((sum, wait) => sum + wait, 0)
    expect(untilGrowth).toBeGreaterThanOrEqual(600_000)
    expect(untilGrowth).toBeLessThan(606_000)
  })

  test('are long after a refused token, for only a person can change that', () => {
    const reconnect = new Reconnect(DEFAULT_RECONNECT, () => 0)
    expect([reconnect.refused(), reconnect.refused()]).toEqual([15_000, 15_000])
  })
})

describe('the first redial after a session', () => {
  test('is spread over what WELCOME said', () => {
    for (const random of [0, 0.25, 0.999]) {
      const reconnect = new Reconnect(DEFAULT_RECONNECT, () => random)
      reconnect.connected(0, 2_000)
      expect(reconnect.lost(10_000, true)).toBe(Math.max(5, random * 2_000))
    }
  })

  test('comes at once where nothing is to be spread, after a session of 5 s', () => {
    const reconnect = new Reconnect(DEFAULT_RECONNECT, () => 1)
    pauses(9, 1, true, reconnect)
    reconnect.connected(100_000, 0)
    expect(reconnect.lost(105_000, true)).toBe(10)
    expect(reconnect.lost(105_010, true)).toBe(20)
  })

  test('is not in a hurry if sessions end as soon as they begin', () => {
    const reconnect = new Reconnect(DEFAULT_RECONNECT, () => 1)
    let nowMs = 0
    const waits = Array.from({ length: 11 }, () => {
      reconnect.connected(nowMs, 0)
      nowMs += 100
      const wait = reconnect.lost(nowMs, true)
      nowMs += wait
      return wait
    })
    expect(waits).toEqual([10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5000, 5000])
  })
})

/** No pause is shorter than half of the shortest, nor longer than the longest; none is long while an application waits for its edge. */
test('any history keeps every pause within its bounds', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('lost', 'connected', 'refused'), fc.nat(120_000), fc.boolean()), {
        size: 'max',
        maxLength: 60,
      }),
      fc.integer(),
      (events, seed) => {
        let state = seed >>> 0
        const random = () => {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
          return state / 2 ** 32
        }
        const reconnect = new Reconnect(DEFAULT_RECONNECT, random)
        const spreadMs = 1_000
        let nowMs = 0
        let lostAtMs = -1
        for (const [event, passMs, isAppRunning] of events) {
          nowMs += passMs
          if (event === 'connected') {
            reconnect.connected(nowMs, spreadMs)
            lostAtMs = -1
            continue
          }
          const wait = event === 'lost' ? reconnect.lost(nowMs, isAppRunning) : reconnect.refused()
          expect(wait).toBeGreaterThanOrEqual(event === 'refused' ? 15_000 : 5)
          expect(wait).toBeLessThanOrEqual(30_000)
          if (event !== 'lost') continue
          if (lostAtMs < 0) lostAtMs = nowMs
          if (isAppRunning && nowMs - lostAtMs < 600_000) expect(wait).toBeLessThanOrEqual(5_000)
        }
      },
    ),
    { numRuns: 500 },
  )
})
