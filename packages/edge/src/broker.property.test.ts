import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Broker, type Brokered } from './broker.ts'
import { HoldQueue, HoldTotal } from './hold/queue.ts'
import type { Puller } from './puller-heap.ts'

type Request = Brokered<Puller>

const MAX_HELD = 4
const HELD_BYTES = 10
const PULLERS = 4
const HEAD_STARTS_MS = [0, 0, 0, 4, 15] as const

const event = fc.record({
  what: fc.constantFrom(
    ...([
      'submit',
      'submit',
      'submit',
      'passive',
      'refused',
      'refused',
      'withdraw',
      'lend',
      'lend',
      'lend',
    ] as const),
    ...(['return', 'suspect', 'trust', 'trust', 'lost', 'move', 'nested'] as const),
  ),
  puller: fc.nat(PULLERS - 1),
  count: fc.integer({ min: 1, max: 3 }),
  pick: fc.nat(50),
})
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never

/** What was so at the moment when a request was given away. */
interface Dispatch {
  readonly request: Request
  readonly puller: Puller
  /** Those who had to wait on. */
  readonly left: readonly Request[]
  /** The others that could have been given it. */
  readonly others: readonly Puller[]
  readonly isAgain: boolean
}

/** Linkers and clients of one app, and what they know: the broker is held to that, and not to what it says itself. */
class World {
  readonly pullers = Array.from({ length: PULLERS }, (_, order): Puller => {
    return { order, grants: 0, isEligible: true, heapIndex: -1 }
  })
  /** Grants that were lent and neither spent nor returned, of sessions that live. */
  readonly lent = new Map(this.pullers.map((puller) => [puller, 0]))
  readonly waiting = new Set<Request>()
  readonly running: { readonly request: Request; readonly puller: Puller }[] = []
  readonly total = new HoldTotal({ maxHeld: 1000, maxHeldBytes: 1_000_000 })
  readonly queue = new HoldQueue<Request>({ maxHeld: MAX_HELD, maxHeldBytes: 10_000 }, this.total)
  readonly broker = new Broker<Request, Puller>(this.queue, (request, puller) =>
    this.#onDispatch(request, puller),
  )
  /** By the last event. */
  dispatches: Dispatch[] = []
  /** How many waited in the queue of each request that was turned away by the last event. */
  fullAt: number[] = []
  #arrivals = 0
  #nowMs = 0
  #nested: Event[] = []

  do(event: Event): void {
    this.dispatches = []
    this.fullAt = []
    this.#nowMs += event.count
    if (event.what === 'nested')
      this.#nested.push({ ...event, what: event.pick % 2 === 0 ? 'lend' : 'submit' })
    else this.#carryOut(event)
  }

  usable(): Puller[] {
    return this.pullers.filter((puller) => puller.isEligible && (this.lent.get(puller) as number) > 0)
  }

  #carryOut({ what, puller: at, count, pick }: Event): void {
    const { broker, lent, running, waiting } = this
    const puller = this.pullers[at]
    const has = lent.get(puller) as number
    switch (what) {
      case 'submit':
      case 'passive': {
        const request = this.#request(pick, what === 'passive')
        waiting.add(request)
        if (broker.submit(request) !== 'full') return
        waiting.delete(request)
        this.fullAt.push(broker.queueOf(request).count)
        return
      }
      case 'refused': {
        if (running.length === 0) return
        const [{ request, puller: from }] = running.splice(pick % running.length, 1)
        request.avoid = from
        waiting.add(request)
        return broker.resubmit(request)
      }
      case 'withdraw': {
        const request = [...waiting][pick % Math.max(1, waiting.size)]
        if (request === undefined) return
        waiting.delete(request)
        return broker.withdraw(request)
      }
      case 'lend':
        lent.set(puller, has + count)
        return broker.granted(puller, count)
      case 'return':
        lent.set(puller, has - Math.min(has, count))
        return broker.ungranted(puller, Math.min(has, count))
      case 'suspect':
      case 'trust':
        return broker.setEligible(puller, what === 'trust')
      case 'lost':
        lent.set(puller, 0)
        return broker.remove(puller)
      case 'move':
        // Orders stay different, as those of sessions and of an ordered platform are.
        return broker.setOrder(puller, at + PULLERS * (pick % 5))
    }
  }

  #request(pick: number, isPassive: boolean): Request {
    return {
      arrival: ++this.#arrivals,
      heldBytes: HELD_BYTES,
      startedMs: this.#nowMs,
      priorityMs: HEAD_STARTS_MS[pick % HEAD_STARTS_MS.length],
      heldSinceMs: this.#nowMs,
      holdUntilMs: this.#nowMs + 100,
      heldNext: null,
      heldPrevious: null,
      isHeld: false,
      avoid: null,
      isPassive,
    }
  }

  #onDispatch(request: Request, puller: Puller): void {
    if (!this.waiting.delete(request))
      throw new Error(`request ${request.arrival} is given away and does not wait`)
    const others = this.usable().filter((other) => other !== puller)
    const isAgain = request.avoid !== null
    this.dispatches.push({ request, puller, left: [...this.waiting], others, isAgain })
    const has = this.lent.get(puller) as number
    if (!puller.isEligible || has === 0)
      throw new Error(`request ${request.arrival} is given away without a grant`)
    this.lent.set(puller, has - 1)
    this.running.push({ request, puller })
    const nested = this.#nested.shift()
    if (nested !== undefined) this.#carryOut(nested)
  }
}

/** Runs any history, and checks after each event. */
function always(check: (world: World, event: Event) => void): void {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 80, size: 'max' }), (events) => {
      const world = new World()
      for (const event of events) {
        world.do(event)
        check(world, event)
      }
    }),
  )
}

/** When it is taken to have come. */
const cameMs = ({ startedMs, priorityMs }: Request) => startedMs - priorityMs

describe('in any history of requests and grants', () => {
  it('a request is given away once for each time that it waits, and only for a grant of an eligible session', () => {
    // World throws for whatever else.
    always(({ waiting, broker }) => {
      const passive = [...waiting].filter(({ isPassive }) => isPassive).length
      expect([broker.queue.count, broker.passive.count]).toEqual([waiting.size - passive, passive])
      for (const { isHeld } of waiting) expect(isHeld).toBe(true)
    })
  })

  it('no request waits while a usable grant is idle', () => {
    always((world) => {
      if (world.usable().length > 0) expect(world.waiting.size).toBe(0)
    })
  })

  it('every grant is spent, returned, lost with its session, or still there', () => {
    always(({ pullers, lent }) => {
      for (const puller of pullers) expect(puller.grants).toBe(lent.get(puller))
    })
  })

  it('who came first is served first, also when it comes back; a priority is a head start', () => {
    always(({ dispatches }) => {
      for (const { request, left } of dispatches) {
        for (const other of left.filter(({ isPassive }) => isPassive === request.isPassive)) {
          const [mine, theirs] = [cameMs(request), cameMs(other)]
          expect(mine < theirs || (mine === theirs && request.arrival < other.arrival)).toBe(true)
        }
      }
    })
  })

  it('a passive request is served only when no ordinary one waits', () => {
    always(({ dispatches }) => {
      for (const { request, left } of dispatches)
        if (request.isPassive) expect(left.every(({ isPassive }) => isPassive)).toBe(true)
    })
  })

  it('the newest session that lends is asked, and never the one that refused it while there is another', () => {
    always(({ dispatches }) => {
      for (const { request, puller, others } of dispatches) {
        if (puller === request.avoid) expect(others).toEqual([])
        else
          for (const other of others.filter((each) => each !== request.avoid))
            expect(other.order).toBeLessThan(puller.order)
      }
    })
  })

  it('only a new request is turned away, only when the queue is full, and what is held counts in the total', () => {
    always(({ fullAt, total, waiting }) => {
      for (const count of fullAt) expect(count).toBeGreaterThanOrEqual(MAX_HELD)
      expect([total.count, total.bytes]).toEqual([waiting.size, waiting.size * HELD_BYTES])
    })
  })

  it('all of that happens', () => {
    const seen = {
      again: 0,
      'head start': 0,
      passive: 0,
      'another one': 0,
      full: 0,
      several: 0,
      'lost with grants': 0,
    }
    always(({ dispatches, fullAt }, { what }) => {
      seen.full += fullAt.length
      if (dispatches.length > 1) seen.several++
      if (what === 'lost') seen['lost with grants']++
      for (const { request, left, others, isAgain } of dispatches) {
        if (isAgain && left.length > 0) seen.again++
        if (
          left.some(({ arrival, isPassive }) => arrival < request.arrival && isPassive === request.isPassive)
        )
          seen['head start']++
        if (request.isPassive) seen.passive++
        if (isAgain && others.some((other) => other === request.avoid)) seen['another one']++
      }
    })
    for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(0)
  })
})
