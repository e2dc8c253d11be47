import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Puller, PullerHeap } from './puller-heap.ts'

const puller = (order: number): Puller => ({ order, grants: 1, isEligible: true, heapIndex: -1 })

describe('PullerHeap', () => {
  it('is empty at first', () => {
    const heap = new PullerHeap()
    expect([heap.top, heap.second]).toEqual([null, null])
  })

  it('has the newest on top and the next newest second', () => {
    const heap = new PullerHeap()
    for (const order of [2, 5, 1, 4, 3]) heap.add(puller(order))
    expect([heap.top?.order, heap.second?.order]).toEqual([5, 4])
  })

  it('takes one twice without harm, and the removal of one that is not in it', () => {
    const heap = new PullerHeap()
    const [one, two] = [puller(1), puller(2)]
    heap.add(one)
    heap.add(one)
    heap.remove(two)
    expect([heap.top, heap.second]).toEqual([one, null])
    heap.remove(one)
    expect([heap.top, one.heapIndex]).toEqual([null, -1])
  })

  it('agrees with a sorted list through any additions and removals', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(15)), { maxLength: 80 }), (commands) => {
        const all = Array.from({ length: 16 }, (_, order) => puller(order))
        const heap = new PullerHeap()
        const model = new Set<number>()
        for (const [isAdd, order] of commands) {
          if (isAdd) {
            heap.add(all[order])
            model.add(order)
          } else {
            heap.remove(all[order])
            model.delete(order)
          }
          const sorted = [...model].sort((a, b) => b - a)
          expect(heap.top?.order).toBe(sorted[0])
          expect(heap.second?.order).toBe(sorted[1])
          expect(all.filter((p) => p.heapIndex >= 0).map((p) => p.order)).toEqual(sorted.reverse())
        }
      }),
    )
  })
})
