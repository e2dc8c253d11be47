import { expect, test } from 'vitest'
import { RECLAIM_MS } from './ledger.testkit.ts'
import { Ledger } from './ledger.ts'

const grant = (edge: string, count: number) => ({ kind: 'grant', edge, count })
const reclaim = (edge: string, count: number) => ({ kind: 'reclaim', edge, count })

function ledger(slots: number): Ledger<string> {
  const made = new Ledger<string>(slots, RECLAIM_MS)
  made.setLending(true, 0)
  made.opened('a', 0)
  return made
}

test('lends nothing after its grants were void until it knows which of them were spent before the edge heard of it', () => {
  const one = ledger(4)
  expect(one.admit('a')).toBe(true)
  expect(one.freed(0)).toEqual([grant('a', 1)])
  expect(one.voided('a', 0)).toEqual([reclaim('a', 4)])
  expect(one.setLending(false, 0)).toEqual([])
  expect(one.setLending(true, 0)).toEqual([])
  // It crossed the news. Were the slots lent again by now, it would count as one of the new grants.
  expect(one.admit('a')).toBe(true)
  expect(one.returned('a', 0, 0)).toEqual([grant('a', 3)])
  expect([one.free, one.lent, one.busy]).toEqual([0, 3, 1])
})

test('asks once more where grants became void behind an older RECLAIM, whose answer does not tell', () => {
  const one = ledger(4)
  expect(one.setSlots(3, 0)).toEqual([reclaim('a', 1)])
  // The application refuses this one, and takes requests again at once.
  expect([one.admit('a'), one.freed(0), one.voided('a', 0)]).toEqual([true, [], []])
  expect(one.setLending(true, 0)).toEqual([])
  // The edge said this before it heard of it, and then opened one of the two that it had left.
  expect(one.returned('a', 1, 0)).toEqual([reclaim('a', 2)])
  expect([one.lent, one.nextDeadline()]).toEqual([0, RECLAIM_MS])
  expect(one.admit('a')).toBe(true)
  expect(one.returned('a', 0, 0)).toEqual([grant('a', 2)])
  expect([one.free, one.lent, one.busy]).toEqual([0, 2, 1])
})

test('asks not once more for what was void and is known to be spent or given back', () => {
  const one = ledger(4)
  one.setSlots(3, 0)
  expect(one.voided('a', 0)).toEqual([])
  // Void once more, which takes nothing from what may still come.
  expect([one.admit('a'), one.admit('a'), one.voided('a', 0), one.admit('a')]).toEqual([true, true, [], true])
  expect(one.returned('a', 1, 0)).toEqual([])
  expect([one.free, one.lent, one.busy]).toEqual([0, 0, 3])
  expect(one.freed(0)).toEqual([grant('a', 1)])
})

test('asks once more also where the older RECLAIM was written off before, and not an edge that drains', () => {
  const overdue = () => {
    const one = ledger(4)
    one.setSlots(2, 0)
    one.tick(RECLAIM_MS)
    // One on a grant that was written off, or not: there were four, and now there are three.
    one.spent('a')
    one.voided('a', RECLAIM_MS)
    return one
  }
  const one = overdue()
  expect(one.returned('a', 2, RECLAIM_MS)).toEqual([reclaim('a', 1)])
  expect(one.returned('a', 0, RECLAIM_MS)).toEqual([grant('a', 2)])
  const other = overdue()
  other.drained('a')
  expect(other.returned('a', 2, RECLAIM_MS)).toEqual([])
  expect(other.lent).toBe(0)
})
