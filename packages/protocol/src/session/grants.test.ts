import { describe, expect, it } from 'vitest'
import { BODY_NONE, REFUSE, RESET } from '../frame.ts'
import { sendHead } from './log.testkit.ts'
import { Pair } from './pair.testkit.ts'

describe('grants', () => {
  it('are lent, spent by OPENs, and reclaimed: both accounts agree', () => {
    const pair = Pair.open(5)
    expect(pair.edgeLog.events.at(-1)).toBe('grant 5')
    pair.request()
    pair.request()
    expect(pair.edge.unspent).toBe(3)
    pair.linker.reclaim(2)
    expect(pair.linker.isReclaiming).toBe(true)
    pair.settle()
    expect([pair.linker.isReclaiming, pair.linkerLog.returned, pair.edge.unspent]).toEqual([false, 2, 1])
    pair.linker.reclaim(9)
    pair.settle()
    expect([pair.linkerLog.events.at(-1), pair.edge.unspent]).toEqual(['return 1', 0])
    pair.linker.reclaim(1)
    pair.settle()
    expect(pair.linkerLog.events.at(-1)).toBe('return 0')
    expect(pair.edgeLog.events.slice(-2)).toEqual(['ungrant 2', 'ungrant 1'])
  })

  it('answers a RECLAIM in the same call, so that it crosses no OPEN', () => {
    const pair = Pair.open(1)
    pair.linker.reclaim(1)
    pair.flush(pair.linker, pair.toEdge)
    const bytes = pair.toEdge.take(100)
    pair.edge.receive(bytes, 0, bytes.length, pair.nowMs)
    expect(pair.edge.unspent).toBe(0)
    expect(pair.edge.batch.frameCount).toBe(1)
  })

  it('asks one RECLAIM at a time, and opens nothing without a grant', () => {
    const pair = Pair.open(1)
    pair.linker.reclaim(1)
    expect(() => pair.linker.reclaim(1)).toThrow('one RECLAIM at a time')
    pair.settle()
    expect(() => pair.start()).toThrow('an OPEN spends a grant')
    expect(() => pair.linker.grant(0)).toThrow('grants are lent to an open session')
  })

  it('all come back when the linker drains', () => {
    const pair = Pair.open(4)
    pair.request()
    pair.linker.drain()
    pair.settle()
    expect(pair.edgeLog.events.slice(-2)).toEqual(['ungrant 3', 'drain'])
    expect([pair.linkerLog.returned, pair.edge.unspent]).toEqual([3, 0])
  })

  it('all come back when the edge drains, also those that cross its DRAIN', () => {
    const pair = Pair.open(4)
    const running = pair.request()
    pair.edge.drain()
    pair.edge.drain()
    pair.linker.grant(2)
    pair.settle()
    expect(pair.edge.isDraining).toBe(true)
    // The owner hears of the three that it had, and nothing of the two that it never had.
    expect(pair.edgeLog.events.filter((event) => /grant/.test(event))).toEqual(['grant 4', 'ungrant 3'])
    expect(pair.linkerLog.events.filter((event) => event === 'drain')).toHaveLength(1)
    expect([pair.linkerLog.returned, pair.edge.unspent]).toEqual([5, 0])
    expect(pair.edgeLog.events).not.toContain('grant 2')
    // What runs goes on.
    sendHead(pair.linker, running.far, { body: BODY_NONE })
    pair.settle()
    expect(running.log.events.at(-1)).toBe('end')
  })

  it('are void once the linker refuses because the application is gone', () => {
    const pair = Pair.open(4)
    const order: string[] = []
    pair.linkerLog.refusal = REFUSE.INSTANCE
    pair.edgeLog.onUngrant = (count) => order.push(`ungrant ${count}`)
    const { stream, log } = pair.start()
    log.onRefuse = (reason) => order.push(`refuse ${reason} with ${pair.edge.unspent} left`)
    pair.settle()
    expect(order).toEqual(['ungrant 3', 'refuse 3 with 0 left'])
    expect(stream.over).toBe(true)
    expect(pair.linkerLog.returned).toBe(0)
    // New ones follow a passed probe.
    pair.linker.grant(2)
    pair.settle()
    expect(pair.edge.unspent).toBe(2)
  })

  it('are void also when that refusal crosses the RESET of its stream', () => {
    const pair = Pair.open(4)
    const { stream, far, log } = pair.request()
    stream.reset(RESET.CANCELLED)
    pair.linker.refuse(far, REFUSE.INSTANCE)
    pair.settle()
    expect(pair.edgeLog.events.slice(-2)).toEqual(['grant 4', 'ungrant 3'])
    expect(log.events).toEqual([])
    // The linker has written off all it lent; what it lends now is all there is.
    pair.linker.grant(4)
    pair.settle()
    expect([pair.edge.unspent, pair.linkerLog.returned, pair.edge.isOpen]).toEqual([4, 0, true])
  })

  it('stay when a stream is refused for another reason', () => {
    const pair = Pair.open(4)
    pair.linkerLog.refusal = REFUSE.NO_SLOT
    pair.request()
    expect(pair.edge.unspent).toBe(3)
  })
})

describe('leaving and what edges say', () => {
  it('carries LEAVE, VERDICT, REPLACE, RECALL, STATUS and TOKEN', () => {
    const pair = Pair.open(0)
    pair.linker.status({ phase: 'ready', slots: 1, busy: 0 })
    pair.linker.leave()
    pair.linker.replace()
    pair.edge.verdict(true)
    pair.edge.verdict(false)
    pair.edge.recall()
    pair.edge.token('new')
    pair.settle()
    expect(pair.edgeLog.events.slice(1)).toEqual(['status ready', 'leave', 'replace'])
    expect(pair.linkerLog.events.slice(1)).toEqual(['go', 'stay', 'recall', 'token new'])
  })

  it('refuses a token that no frame can carry', () => {
    const pair = Pair.open(0)
    expect(() => pair.edge.token('')).toThrow('a message fits its frame')
    expect(() => pair.edge.token('t'.repeat(16_385))).toThrow('a message fits its frame')
  })

  it('says GOAWAY with the highest stream it saw, and ends both', () => {
    const pair = Pair.open(3)
    const { log } = pair.request()
    pair.request()
    pair.linker.goaway('linker/leaving', 'bye', false, 250)
    pair.settle()
    expect(pair.linker.received).toBe(2)
    expect(pair.edgeLog.end).toEqual({
      code: 'linker/leaving',
      message: 'bye',
      retryable: false,
      retryAfterMs: 250,
      received: 2,
      clean: true,
    })
    expect(pair.linkerLog.end).toMatchObject({ code: 'linker/leaving', clean: true })
    expect(log.events).toEqual(['lost'])
  })
})

describe('DEMAND', () => {
  const demands = (pair: Pair) => pair.linkerLog.events.filter((event) => event.startsWith('demand'))

  it('is sent at each change between 0 and more, at once', () => {
    const pair = Pair.open(0)
    pair.edge.setDemand(3, pair.nowMs)
    pair.settle()
    pair.edge.setDemand(0, pair.nowMs)
    pair.edge.setDemand(0, pair.nowMs)
    pair.settle()
    expect(demands(pair)).toEqual(['demand 3', 'demand 0'])
  })

  it('is sent each second while it is above 0, with the value of then, and never while it is 0', () => {
    const pair = Pair.open(0)
    pair.edge.setDemand(1, pair.nowMs)
    pair.edge.setDemand(7, pair.nowMs)
    pair.edge.setDemand(5, pair.nowMs)
    pair.settle()
    expect(demands(pair)).toEqual(['demand 1'])
    pair.advance(999)
    expect(demands(pair)).toEqual(['demand 1'])
    pair.advance(1)
    expect(demands(pair)).toEqual(['demand 1', 'demand 5'])
    pair.advance(2_000)
    expect(demands(pair)).toEqual(['demand 1', 'demand 5', 'demand 5', 'demand 5'])
    pair.edge.setDemand(0, pair.nowMs)
    pair.advance(5_000)
    expect(demands(pair).slice(4)).toEqual(['demand 0'])
  })

  it('follows WELCOME when there was some before', () => {
    const pair = new Pair()
    pair.edge.setDemand(2, pair.nowMs)
    expect(pair.edge.batch.isEmpty).toBe(true)
    pair.settle()
    expect(pair.linkerLog.events).toEqual(['welcome s-1', 'demand 2'])
  })
})

describe('the last stream id', () => {
  it('drains the session, and ends it for another one once its streams are over', () => {
    const pair = Pair.open(5, { edge: { maxStreamId: 3 } })
    const streams = [pair.request(), pair.request(), pair.request()]
    expect(pair.edge.isDraining).toBe(true)
    expect([pair.linkerLog.returned, pair.edge.unspent]).toEqual([2, 0])
    pair.advance(3_000)
    for (const { far } of streams) {
      expect(pair.edge.isOpen).toBe(true)
      sendHead(pair.linker, far, { body: BODY_NONE })
      pair.settle()
      pair.edge.streams.get(far.id)?.end()
      pair.settle()
    }
    pair.advance(0)
    const end = { code: 'protocol/rollover', retryable: true, clean: true }
    expect(pair.edgeLog.end).toMatchObject(end)
    expect(pair.linkerLog.end).toMatchObject(end)
    expect(streams.map(({ log }) => log.events.at(-1))).toEqual(['end', 'end', 'end'])
  })
})
