import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FirstLooks } from './first-looks.ts'

const MAX_UNDER_WAY = 32
const event = fc.record({
  what: fc.constantFrom(...(['come', 'come', 'nothing to see', 'over', 'over'] as const)),
  count: fc.integer({ min: 1, max: 40 }),
  pick: fc.nat(100),
})

/** Looks, by the order in which they came. */
interface World {
  came: number
  readonly begun: number[]
  readonly underWay: { readonly id: number; readonly done: () => void }[]
}

/** Runs any history, and checks after each event, and whenever a look begins. */
function always(check: (world: World) => void): void {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 20, size: 'max' }), (events) => {
      const looks = new FirstLooks()
      const world: World = { came: 0, begun: [], underWay: [] }
      const come = (isAtOnce: boolean) => {
        const id = ++world.came
        looks.add((done) => {
          world.begun.push(id)
          if (isAtOnce) return done()
          world.underWay.push({ id, done })
          expect(world.underWay.length).toBeLessThanOrEqual(MAX_UNDER_WAY)
        })
      }
      for (const { what, count, pick } of events) {
        for (let i = 0; i < count; i++) {
          if (what !== 'over') come(what === 'nothing to see')
          else world.underWay.splice(pick % Math.max(1, world.underWay.length), 1)[0]?.done()
        }
        check(world)
      }
    }),
  )
}

describe('in any history of first looks', () => {
  it('no more are under way than there may be, and none waits while there are fewer', () => {
    let waited = 0
    always(({ came, begun, underWay }) => {
      if (begun.length === came) return
      waited++
      expect(underWay.length).toBe(MAX_UNDER_WAY)
    })
    expect(waited).toBeGreaterThan(0)
  })

  it('each begins once, in the order in which they came', () => {
    always(({ begun }) => expect(begun).toEqual(begun.map((_, at) => at + 1)))
  })
})
