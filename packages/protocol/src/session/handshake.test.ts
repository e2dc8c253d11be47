import { describe, expect, it } from 'vitest'
import { referenceDecode, referenceEncode } from '../reference-codec.testkit.ts'
import { EdgeSession } from './edge-session.ts'
import { EdgeLog, HELLO, WELCOME } from './log.testkit.ts'
import { Pair } from './pair.testkit.ts'
import { WindowBudget } from './window.ts'

describe('the handshake', () => {
  it('opens both sides, however the bytes are cut', () => {
    const pair = new Pair({ fragmentBytes: 1 })
    expect([pair.edge.isOpen, pair.linker.isOpen]).toEqual([false, false])
    pair.settle()
    expect([pair.edge.isOpen, pair.linker.isOpen]).toEqual([true, true])
    expect(pair.edgeLog.events).toEqual(['hello shop.example'])
    expect(pair.linkerLog.events).toEqual(['welcome s-1'])
    expect(pair.edge.hello).toMatchObject({ ...HELLO, versions: [1, 1], windowBytes: 65536 })
  })

  it('tells each side the window of the other', () => {
    const pair = Pair.open(1, { edge: { windowBytes: 3 }, linker: { windowBytes: 5 } })
    const { stream, log, far, farLog } = pair.request()
    log.consumes = false
    farLog.consumes = false
    pair.linker.beginHead(far, false, 2, 0)
    pair.linker.commitHead(pair.linker.headAt)
    expect(stream.write(Buffer.alloc(9), 0, 9)).toBe(false)
    expect(far.write(Buffer.alloc(9), 0, 9)).toBe(false)
    pair.settle()
    expect([farLog.receivedBytes, log.receivedBytes]).toEqual([5, 3])
  })

  it('lets the edge answer later', () => {
    const pair = new Pair()
    pair.edgeLog.accepts = false
    pair.settle()
    expect(pair.linker.isOpen).toBe(false)
    pair.edge.accept(WELCOME)
    pair.settle()
    expect(pair.linker.isOpen).toBe(true)
  })

  it('ends both sides when the edge rejects', () => {
    const pair = new Pair()
    pair.edgeLog.accepts = false
    pair.settle()
    pair.edge.reject({ code: 'edge/foreign-route', message: 'no', retryable: false, retryAfterMs: 5 })
    pair.settle()
    const end = { code: 'edge/foreign-route', message: 'no', retryable: false, retryAfterMs: 5, clean: true }
    expect(pair.edgeLog.end).toEqual(end)
    expect(pair.linkerLog.end).toEqual(end)
  })

  it('may be answered after the session ended, which changes nothing', () => {
    const pair = new Pair()
    pair.edgeLog.accepts = false
    pair.settle()
    pair.edge.transportClosed(pair.nowMs)
    pair.edge.accept(WELCOME)
    pair.edge.reject({ code: 'x', message: '', retryable: false })
    expect(pair.edge.isClosed).toBe(true)
    expect(pair.edge.batch.isEmpty).toBe(true)
    expect(pair.edgeLog.events).toEqual(['hello shop.example', 'closed protocol/closed'])
  })

  it('rejects a linker that shares no version, and names both ranges', () => {
    const log = new EdgeLog()
    const edge = new EdgeSession(log, { budget: new WindowBudget(0), random: () => 0, nowMs: 0 })
    const hello = { type: 'HELLO', json: { versions: [2, 4], features: [], windowBytes: 1, ...HELLO } }
    const bytes = referenceEncode(hello)
    edge.receive(bytes, 0, bytes.length, 0)
    expect(log.end).toEqual({
      code: 'protocol/version',
      message: 'the linker speaks versions 2 to 4, this edge 1 to 1',
      retryable: false,
      clean: true,
    })
    expect(referenceDecode('edge', Buffer.concat(edge.batch.take())).frames.map((f) => f.type)).toEqual([
      'REJECT',
    ])
  })

  it('chooses the highest version that both speak, and no features that it does not know', () => {
    const log = new EdgeLog()
    const edge = new EdgeSession(log, { budget: new WindowBudget(0), random: () => 0, nowMs: 0 })
    log.session = edge
    const hello = { type: 'HELLO', json: { versions: [0, 9], features: ['x'], windowBytes: 1, ...HELLO } }
    const bytes = referenceEncode(hello)
    edge.receive(bytes, 0, bytes.length, 0)
    const [welcome] = referenceDecode('edge', Buffer.concat(edge.batch.take())).frames
    expect(Buffer.from(welcome.hex ?? '', 'hex').toString()).toMatch(/^\{"version":1,"features":\[\],/)
  })

  it('times out after 5 s on either side', () => {
    const pair = new Pair()
    pair.stalled = 'both'
    pair.advance(4_999)
    expect([pair.edge.isClosed, pair.linker.isClosed]).toEqual([false, false])
    pair.advance(1)
    expect(pair.edgeLog.end).toMatchObject({
      code: 'protocol/handshake-timeout',
      retryable: true,
      clean: false,
    })
    expect(pair.linkerLog.end).toMatchObject({
      code: 'protocol/handshake-timeout',
      retryable: true,
      clean: false,
    })
  })

  it('gives no verdict when its own timer was late, but one later', () => {
    const pair = new Pair()
    pair.linker.tick(pair.nowMs + 7_000)
    expect(pair.linker.isClosed).toBe(false)
    expect(pair.linker.nextDeadline()).toBe(pair.nowMs + 8_000)
    pair.linker.tick(pair.nowMs + 8_000)
    expect(pair.linkerLog.end?.code).toBe('protocol/handshake-timeout')
  })

  it('ignores what comes after the end, and says nothing more', () => {
    const pair = Pair.open(1)
    pair.edge.transportClosed(pair.nowMs)
    const bytes = referenceEncode({ type: 'GRANT', n: 1 })
    pair.edge.receive(bytes, 0, bytes.length, pair.nowMs)
    pair.edge.tick(pair.nowMs + 100_000)
    pair.edge.transportHolds(0, pair.nowMs)
    pair.edge.goaway('x', '', false)
    pair.edge.drain()
    pair.edge.verdict(true)
    pair.edge.recall()
    pair.edge.token('t')
    pair.edge.setDemand(5, pair.nowMs)
    expect(pair.edge.batch.isEmpty).toBe(true)
    expect(pair.edge.nextDeadline()).toBe(Number.POSITIVE_INFINITY)
    expect(pair.edgeLog.events.filter((event) => event.startsWith('closed'))).toEqual([
      'closed protocol/closed',
    ])
  })
})
