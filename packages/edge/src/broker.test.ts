import { describe, expect, it } from 'vitest'
import { Broker, type Brokered } from './broker.ts'
import { HoldQueue, HoldTotal } from './hold/queue.ts'
import type { Puller } from './puller-heap.ts'

type Request = Brokered<Puller>

const LIMITS = { maxHeld: 1000, maxHeldBytes: 1_000_000 }

function request(arrival: number, isPassive = false): Request {
  return {
    arrival,
    heldBytes: 10,
    startedMs: 0,
    priorityMs: 0,
    heldSinceMs: 0,
    holdUntilMs: 100,
    heldNext: null,
    heldPrevious: null,
    isHeld: false,
    avoid: null,
    isPassive,
  }
}

const puller = (order: number): Puller => ({ order, grants: 0, isEligible: true, heapIndex: -1 })

/** What could be dispatched at once. */
const usableGrants = (...pullers: Puller[]) =>
  pullers.reduce((sum, { isEligible, grants }) => sum + (isEligible ? grants : 0), 0)

function brokerWith(limits = LIMITS) {
  const sent: [number, number][] = []
  const broker = new Broker<Request, Puller>(
    new HoldQueue<Request>(limits, new HoldTotal(LIMITS)),
    (request, puller) => sent.push([request.arrival, puller.order]),
  )
  return { broker, sent }
}

describe('Broker', () => {
  it('gives a request to an instance with a grant at once', () => {
    const { broker, sent } = brokerWith()
    const one = puller(1)
    broker.granted(one, 2)
    expect(broker.submit(request(1))).toBe('dispatched')
    expect([sent, one.grants, usableGrants(one)]).toEqual([[[1, 1]], 1, 1])
  })

  it('holds a request without a grant, and serves it with the first one', () => {
    const { broker, sent } = brokerWith()
    expect(broker.submit(request(1))).toBe('held')
    expect(broker.submit(request(2))).toBe('held')
    broker.granted(puller(1), 1)
    expect([sent, broker.queue.count]).toEqual([[[1, 1]], 1])
  })

  it('says full, and changes nothing, when a bound is reached', () => {
    const { broker } = brokerWith({ maxHeld: 1, maxHeldBytes: 1000 })
    broker.submit(request(1))
    const second = request(2)
    expect([broker.submit(second), second.isHeld, broker.queue.count]).toEqual(['full', false, 1])
  })

  it('is never full while a grant is idle', () => {
    const { broker } = brokerWith({ maxHeld: 1, maxHeldBytes: 0 })
    broker.granted(puller(1), 1)
    expect(broker.submit(request(1))).toBe('dispatched')
  })

  it('serves the newest instance first', () => {
    const { broker, sent } = brokerWith()
    broker.granted(puller(1), 2)
    broker.granted(puller(2), 1)
    for (const arrival of [1, 2, 3]) broker.submit(request(arrival))
    expect(sent.map(([, order]) => order)).toEqual([2, 1, 1])
  })

  it('keeps a refused request away from the instance that refused it while there is another', () => {
    const { broker, sent } = brokerWith()
    const [one, two] = [puller(1), puller(2)]
    broker.granted(one, 1)
    broker.granted(two, 2)
    broker.resubmit({ ...request(1), avoid: two })
    expect(sent).toEqual([[1, 1]])
    broker.resubmit({ ...request(2), avoid: two })
    expect(sent).toEqual([
      [1, 1],
      [2, 2],
    ])
  })

  it('takes a redispatched request beyond the bound, for it was admitted before', () => {
    const { broker } = brokerWith({ maxHeld: 1, maxHeldBytes: 1000 })
    broker.submit(request(2))
    broker.resubmit(request(1))
    expect([broker.queue.count, broker.queue.first?.arrival]).toEqual([2, 1])
  })

  it('serves no request that was withdrawn', () => {
    const { broker, sent } = brokerWith()
    const first = request(1)
    broker.submit(first)
    broker.submit(request(2))
    broker.withdraw(first)
    broker.withdraw(first)
    broker.granted(puller(1), 2)
    expect(sent).toEqual([[2, 1]])
  })

  it('uses no grant of an instance that is not eligible, and all of them when it is again', () => {
    const { broker, sent } = brokerWith()
    const one = puller(1)
    broker.granted(one, 2)
    broker.setEligible(one, false)
    expect([broker.submit(request(1)), usableGrants(one)]).toEqual(['held', 0])
    broker.granted(one, 1)
    expect(sent).toEqual([])
    broker.setEligible(one, true)
    expect([sent, one.grants, usableGrants(one)]).toEqual([[[1, 1]], 2, 2])
  })

  it('does not spend grants that were taken back, or whose session ended', () => {
    const { broker, sent } = brokerWith()
    const [one, two] = [puller(1), puller(2)]
    broker.granted(one, 1)
    broker.granted(two, 1)
    broker.ungranted(two, 1)
    broker.remove(one)
    broker.remove(one)
    expect([broker.submit(request(1)), sent, usableGrants(one, two)]).toEqual(['held', [], 0])
  })

  it('gives a passive request a grant that nobody else needs', () => {
    const { broker, sent } = brokerWith()
    broker.granted(puller(1), 2)
    expect(broker.submit(request(1, true))).toBe('dispatched')
    expect([sent, broker.passive.count]).toEqual([[[1, 1]], 0])
  })

  it('holds passive requests where no demand is seen, and serves them after all others', () => {
    const { broker, sent } = brokerWith()
    expect(broker.submit(request(1, true))).toBe('held')
    expect(broker.submit(request(2, true))).toBe('held')
    expect([broker.queue.count, broker.queue.first, broker.passive.count]).toEqual([0, null, 2])
    broker.submit(request(3))
    const one = puller(1)
    broker.granted(one, 1)
    expect(sent).toEqual([[3, 1]])
    broker.granted(one, 1)
    broker.submit(request(4))
    broker.granted(one, 2)
    expect(sent.map(([arrival]) => arrival)).toEqual([3, 1, 4, 2])
  })

  it('has the queue of the passive requests full on its own', () => {
    const { broker } = brokerWith({ maxHeld: 1, maxHeldBytes: 1000 })
    broker.submit(request(1, true))
    expect([broker.submit(request(2, true)), broker.submit(request(3))]).toEqual(['full', 'held'])
    expect([broker.queue.count, broker.passive.count]).toEqual([1, 1])
  })

  it('takes a passive request back to its own queue, and withdraws it from there', () => {
    const { broker, sent } = brokerWith()
    const first = request(1, true)
    broker.submit(request(2, true))
    broker.resubmit(first)
    expect([broker.passive.first?.arrival, broker.queue.count]).toEqual([1, 0])
    broker.withdraw(first)
    expect(broker.passive.count).toBe(1)
    broker.granted(puller(1), 2)
    expect(sent).toEqual([[2, 1]])
  })

  it('takes calls from within a dispatch, one match after the other', () => {
    const one = puller(1)
    const log: string[] = []
    let depth = 0
    const queue = new HoldQueue<Request>(LIMITS, new HoldTotal(LIMITS))
    const broker: Broker<Request, Puller> = new Broker<Request, Puller>(queue, (request) => {
      log.push(`${'>'.repeat(++depth)}${request.arrival}`)
      // The first request brings another one and another grant.
      if (request.arrival === 1) {
        broker.submit(withArrival(3))
        broker.granted(one, 1)
      }
      depth--
    })
    const withArrival = request
    broker.submit(request(1))
    broker.submit(request(2))
    broker.granted(one, 2)
    expect([log, queue.count, one.grants]).toEqual([['>1', '>2', '>3'], 0, 0])
  })

  it('goes on matching after a dispatch that threw', () => {
    let fails = true
    const sent: number[] = []
    const queue = new HoldQueue<Request>(LIMITS, new HoldTotal(LIMITS))
    const broker = new Broker<Request, Puller>(queue, ({ arrival }) => {
      if (fails) throw new Error('a bug')
      sent.push(arrival)
    })
    const one = puller(1)
    broker.submit(request(1))
    broker.submit(request(2))
    expect(() => broker.granted(one, 1)).toThrow('a bug')
    fails = false
    broker.granted(one, 1)
    expect(sent).toEqual([2])
  })
})
