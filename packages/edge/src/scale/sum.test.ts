import { describe, expect, it } from 'vitest'
import type { MemberCount } from './members.ts'
import { launchesFor } from './sum.ts'

const demand = (held: number, freeSlots = 0) => ({ held, oldestSinceMs: 0, freeSlots })
const count = (starting: number, ready: number): MemberCount => ({
  total: starting + ready,
  starting,
  retries: 0,
  ready,
  staying: starting + ready,
})

describe('launchesFor', () => {
  it.each([
    ['nothing is held', demand(0), count(0, 0), 1, false, false, 0],
    ['S is unknown and nothing starts: one', demand(40), count(0, 0), 0, false, false, 1],
    ['S is unknown and one starts: it will tell', demand(40), count(1, 0), 0, false, false, 0],
    ['one copy serves four', demand(4), count(0, 0), 4, false, false, 1],
    ['the fifth asks for the second copy', demand(5), count(0, 0), 4, false, false, 2],
    ['those that start will take their share', demand(9), count(2, 0), 4, false, false, 1],
    ['those that start will do', demand(8), count(2, 0), 4, false, false, 0],
    ['free slots count', demand(5, 2), count(1, 1), 1, false, false, 2],
    ['patience, while instances are ready', demand(5), count(0, 1), 1, true, false, 0],
    ['no patience, while none is ready', demand(5), count(0, 0), 1, true, false, 5],
    ['no patience, while some only start', demand(5), count(1, 0), 1, true, false, 4],
    ['a free slot, whose grant may be on its way', demand(1, 1), count(0, 1), 1, false, false, 0],
    ['regardless of the sum: one', demand(1, 3), count(0, 3), 1, false, true, 1],
    ['regardless of the sum, but one starts', demand(1, 3), count(1, 3), 1, false, true, 0],
  ])('%s', (_, demand, count, slots, isPatient, isStuck, expected) => {
    expect(launchesFor(demand, count, slots, isPatient, isStuck)).toBe(expected)
  })
})
