import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Held, HoldQueue, HoldTotal } from './queue.ts'

const MANY = { maxHeld: 1_000_000, maxHeldBytes: 1_000_000_000 }

function held(arrival: number, heldBytes = 1): Held {
  return {
    arrival,
    heldBytes,
    startedMs: arrival,
    priorityMs: 0,
    heldSinceMs: arrival,
    holdUntilMs: arrival + 100,
    heldNext: null,
    heldPrevious: null,
    isHeld: false,
  }
}

function arrivals(queue: HoldQueue<Held>): number[] {
  const list: number[] = []
  for (const { arrival } of queue) list.push(arrival)
  return list
}

describe('HoldQueue with priorities', () => {
  const urgent = (arrival: number, priorityMs: number): Held => ({ ...held(arrival), priorityMs })
  const queueOf = (...requests: Held[]) => {
    const queue = new HoldQueue<Held>(MANY, new HoldTotal(MANY))
    for (const request of requests) queue.hold(request)
    return queue
  }
  const served = (queue: HoldQueue<Held>) => {
    const order: number[] = []
    for (let first = queue.first; first !== null; first = queue.first) {
      order.push(first.arrival)
      queue.release(first)
    }
    return order
  }

  it('serves a request as though it had come so much earlier', () => {
    expect(served(queueOf(held(100), held(150), urgent(180, 50), held(190)))).toEqual([100, 180, 150, 190])
  })

  it('knows who has waited longest and who is given up first, whoever is served first', () => {
    const queue = queueOf(held(100), urgent(120, 60))
    expect(queue.first?.arrival).toBe(120)
    expect(queue.oldest?.arrival).toBe(100)
    expect(queue.firstDue?.arrival).toBe(100)
    expect(queue.nextDeadline()).toBe(200)
  })

  it('puts a redispatched request back to its place among all', () => {
    const queue = queueOf(held(100), urgent(130, 20), urgent(105, 20))
    expect(served(queue)).toEqual([105, 100, 130])
  })

  it('lets nobody starve: whoever comes later by more than the priority waits behind', () => {
    const order = served(queueOf(held(0), ...Array.from({ length: 100 }, (_, i) => urgent(i + 1, 20))))
    expect(order.indexOf(0)).toBe(19)
  })

  it('serves by arrival less priority, then by arrival, whatever comes, leaves and comes back', () => {
    const step = fc.record({ priorityMs: fc.constantFrom(0, 0, 5, 50), leaves: fc.nat(4), index: fc.nat() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = queueOf()
        let waiting: Held[] = []
        for (const [arrival, { priorityMs, leaves, index }] of steps.entries()) {
          const request = urgent(arrival, priorityMs)
          queue.hold(request)
          waiting.push(request)
          const other = waiting[index % waiting.length] as Held
          if (leaves > 2) queue.release(other)
          // It was given to an instance, which refused it.
          if (leaves === 3) queue.hold(other)
          if (leaves === 4) waiting = waiting.filter((each) => each !== other)
        }
        const rank = (request: Held) => request.startedMs - request.priorityMs
        const expected = waiting.sort((a, b) => rank(a) - rank(b) || a.arrival - b.arrival)
        expect(queue.count).toBe(waiting.length)
        expect(served(queue)).toEqual(expected.map(({ arrival }) => arrival))
      }),
    )
  })
})

describe('HoldQueue', () => {
  it('serves in order of arrival', () => {
    const queue = new HoldQueue<Held>(MANY, new HoldTotal(MANY))
    for (const arrival of [1, 2, 3]) queue.hold(held(arrival))
    expect(arrivals(queue)).toEqual([1, 2, 3])
  })

  it('puts a redispatched request back to its place by arrival', () => {
    const queue = new HoldQueue<Held>(MANY, new HoldTotal(MANY))
    for (const arrival of [3, 5, 9, 4, 1, 10]) queue.hold(held(arrival))
    expect(arrivals(queue)).toEqual([1, 3, 4, 5, 9, 10])
  })

  it('does not walk along those that wait when an instance dies with many requests', () => {
    const queue = new HoldQueue<Held>(MANY, new HoldTotal(MANY))
    let looks = 0
    const watched = (arrival: number) =>
      Object.defineProperty(held(arrival), 'arrival', {
        get: () => {
          looks++
          return arrival
        },
      })
    for (let arrival = 100; arrival < 10_100; arrival++) queue.hold(watched(arrival))
    looks = 0
    for (let arrival = 0; arrival < 50; arrival++) queue.hold(watched(arrival))
    expect(looks).toBeLessThan(50 * 2 * 53)
  })

  it('is due when its first request is', () => {
    const queue = new HoldQueue<Held>(MANY, new HoldTotal(MANY))
    expect(queue.nextDeadline()).toBe(Number.POSITIVE_INFINITY)
    queue.hold(held(7))
    queue.hold(held(3))
    expect(queue.nextDeadline()).toBe(103)
  })

  it('has no room for one request too many', () => {
    const queue = new HoldQueue<Held>({ maxHeld: 2, maxHeldBytes: 100 }, new HoldTotal(MANY))
    queue.hold(held(1))
    expect(queue.hasRoom(1)).toBe(true)
    queue.hold(held(2))
    expect(queue.hasRoom(1)).toBe(false)
  })

  it('has no room for one byte too many, of a new request or of one that grows', () => {
    const queue = new HoldQueue<Held>({ maxHeld: 9, maxHeldBytes: 100 }, new HoldTotal(MANY))
    const first = held(1, 60)
    queue.hold(first)
    expect([queue.hasRoom(40), queue.hasRoom(41)]).toEqual([true, false])
    expect(queue.grow(first, 41)).toBe(false)
    expect(queue.grow(first, 40)).toBe(true)
    expect([first.heldBytes, queue.bytes]).toEqual([100, 100])
    queue.release(first)
    expect([queue.count, queue.bytes]).toEqual([0, 0])
  })

  it('leaves room to other apps when one fills the total', () => {
    const total = new HoldTotal({ maxHeld: 1000, maxHeldBytes: 10_000 })
    const crowds = Array.from({ length: 4 }, () => new HoldQueue<Held>(MANY, total))
    let arrival = 0
    for (const queue of crowds) while (queue.hasRoom(1)) queue.hold(held(++arrival))
    const counts = crowds.map((queue) => queue.count)
    expect(counts).toEqual([800, 160, 32, 7])
    expect(total.hasRoom(0, 0, 1)).toBe(true)
  })

  it('has another one beside it with bounds of its own, and one total', () => {
    const total = new HoldTotal({ maxHeld: 3, maxHeldBytes: 1000 })
    const queue = new HoldQueue<Held>({ maxHeld: 2, maxHeldBytes: 100 }, total)
    const beside = queue.beside()
    queue.hold(held(1, 60))
    queue.hold(held(2, 40))
    expect([queue.hasRoom(1), beside.hasRoom(100), beside.hasRoom(101)]).toEqual([false, true, false])
    beside.hold(held(3, 50))
    expect([queue.count, beside.count, total.count, total.bytes]).toEqual([2, 1, 3, 150])
    expect(beside.hasRoom(1)).toBe(false)
  })

  it('gives an app its share again when the others have left', () => {
    const total = new HoldTotal({ maxHeld: 10, maxHeldBytes: 1000 })
    const [a, b] = [new HoldQueue<Held>(MANY, total), new HoldQueue<Held>(MANY, total)]
    const crowd = Array.from({ length: 8 }, (_, i) => held(i))
    for (const request of crowd) a.hold(request)
    expect(a.hasRoom(1)).toBe(false)
    b.hold(held(8))
    for (const request of crowd) a.release(request)
    expect([a.hasRoom(1), b.hasRoom(1), total.count]).toEqual([true, true, 1])
  })

  it('refuses bytes beyond the total, also of a request that grows', () => {
    const total = new HoldTotal({ maxHeld: 10, maxHeldBytes: 100 })
    const [a, b] = [new HoldQueue<Held>(MANY, total), new HoldQueue<Held>(MANY, total)]
    const first = held(1, 10)
    a.hold(first)
    b.hold(held(2, 50))
    expect([a.grow(first, 41), a.grow(first, 30), b.hasRoom(11)]).toEqual([false, true, false])
  })

  it('agrees with a sorted list through any holds, releases and growth', () => {
    const command = fc.record({
      what: fc.constantFrom('hold', 'release', 'grow'),
      at: fc.nat(30),
      bytes: fc.nat(40),
    })
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const limits = { maxHeld: 8, maxHeldBytes: 200 }
        const total = new HoldTotal({ maxHeld: 1000, maxHeldBytes: 100_000 })
        const queue = new HoldQueue<Held>(limits, total)
        const model = new Map<number, Held>()
        for (const { what, at, bytes } of commands) {
          const request = model.get(at)
          const sum = [...model.values()].reduce((s, r) => s + r.heldBytes, 0)
          if (what === 'hold' && request === undefined) {
            const fits = model.size < 8 && sum + bytes <= 200
            expect(queue.hasRoom(bytes)).toBe(fits)
            if (fits) {
              model.set(at, held(at, bytes))
              queue.hold(model.get(at) as Held)
            }
          } else if (what === 'release' && request !== undefined) {
            model.delete(at)
            queue.release(request)
          } else if (what === 'grow' && request !== undefined) {
            expect(queue.grow(request, bytes)).toBe(sum + bytes <= 200)
          }
          const expected = [...model.keys()].sort((a, b) => a - b)
          expect(arrivals(queue)).toEqual(expected)
          expect([queue.count, total.count]).toEqual([model.size, model.size])
          const after = [...model.values()].reduce((s, r) => s + r.heldBytes, 0)
          expect([queue.bytes, total.bytes]).toEqual([after, after])
        }
      }),
    )
  })
})
