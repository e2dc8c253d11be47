import { describe, expect, it } from 'vitest'
import { BODY_KNOWN, BODY_NONE, KIND_TCP, OPEN_UPGRADE, REFUSE, RESET } from '../frame.ts'
import { referenceDecode } from '../reference-codec.testkit.ts'
import { openStream, StreamLog, sendHead } from './log.testkit.ts'
import { Pair } from './pair.testkit.ts'

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\n\r\n'
const hello = Buffer.from('hello')

/** All frames that a session has ready, and lets them go on. */
function framesOf(pair: Pair, side: 'edge' | 'linker'): string[] {
  const wire = side === 'edge' ? pair.toLinker : pair.toEdge
  pair.flush(pair[side], wire)
  const bytes = wire.bytes === 0 ? Buffer.alloc(0) : wire.take(wire.bytes)
  return referenceDecode(side, bytes).frames.map(
    (f) => `${f.type}${f.end ? ' END' : ''}${f.n === undefined ? '' : ` ${f.n}`}`,
  )
}

describe('a stream', () => {
  it('carries a request and a response without bodies in two frames', () => {
    const pair = Pair.open(1)
    const { log, far, farLog, head, open } = pair.request({ body: BODY_NONE, head: GET })
    expect([head, open.body, open.length, open.bits]).toEqual([GET, BODY_NONE, 0, 0])
    expect(farLog.shape).toBe('end')
    expect(far.localEnd).toBe(false)
    sendHead(pair.linker, far, { body: BODY_NONE, head: OK, length: 42 })
    pair.settle()
    expect(log.shape).toBe(`head(0,42,${OK}) end`)
    expect([pair.edge.streams.size, pair.linker.streams.size]).toEqual([0, 0])
  })

  it('sends END with the last byte of a declared length, both ways', () => {
    const pair = Pair.open(1)
    const { stream, log, far, farLog } = pair.request({ body: BODY_KNOWN, length: 5 })
    expect(stream.write(hello, 0, 2)).toBe(true)
    expect(stream.localEnd).toBe(false)
    expect(stream.write(hello, 2, 5)).toBe(true)
    expect(stream.localEnd).toBe(true)
    pair.settle()
    expect([farLog.bytes.toString(), farLog.shape]).toEqual(['hello', 'end'])
    sendHead(pair.linker, far, { body: BODY_KNOWN, length: 5 })
    far.write(hello, 0, 5)
    expect(framesOf(pair, 'linker')).toEqual(['HEAD', 'DATA END'])
    expect(log.shape).toBe('')
    expect(pair.linker.streams.size).toBe(0)
  })

  it('treats a known length of 0 as no body', () => {
    const pair = Pair.open(1)
    const { stream, log, far, farLog } = pair.request({ body: BODY_KNOWN, length: 0 })
    expect(stream.localEnd).toBe(true)
    expect(farLog.shape).toBe('end')
    sendHead(pair.linker, far, { body: BODY_KNOWN, length: 0 })
    pair.settle()
    expect(log.shape).toBe('head(1,0,) end')
    expect(pair.edge.streams.size).toBe(0)
  })

  it('ends a body of unknown length with an empty TRAILERS frame, which is no trailers', () => {
    const pair = Pair.open(1)
    const { stream, log, far, farLog } = pair.request()
    stream.write(hello, 0, 5)
    stream.end()
    stream.end()
    expect(framesOf(pair, 'edge')).toEqual(['DATA', 'TRAILERS END'])
    sendHead(pair.linker, far, {})
    far.end()
    pair.settle()
    expect(log.shape).toBe('head(2,0,) end')
    expect(farLog.shape).toBe('')
  })

  it('takes the end of an upload before it has sent its HEAD', () => {
    const pair = Pair.open(1)
    const { stream, farLog } = pair.request()
    stream.write(hello, 0, 5)
    stream.end()
    pair.settle()
    expect([farLog.bytes.toString(), farLog.shape]).toEqual(['hello', 'end'])
    expect(pair.linker.isOpen).toBe(true)
  })

  it('carries trailers after the last byte, and END with them', () => {
    const pair = Pair.open(1)
    const { log, far } = pair.request({ body: BODY_NONE })
    sendHead(pair.linker, far, {})
    far.write(hello, 0, 5)
    far.end(Buffer.from('a: b\r\n'))
    pair.settle()
    expect(log.events).toEqual(['head(2,0,)', 'data', 'trailers(a: b\r\n)', 'end'])
    expect(pair.edge.streams.size).toBe(0)
  })

  it('carries up to 16 interim heads before the final one', () => {
    const pair = Pair.open(1)
    const { log, far } = pair.request({ body: BODY_NONE })
    for (let i = 0; i < 16; i++) sendHead(pair.linker, far, { interim: true, body: BODY_NONE, head: `${i}` })
    expect(() => sendHead(pair.linker, far, { interim: true, body: BODY_NONE })).toThrow(
      'at most 16 interim heads',
    )
    sendHead(pair.linker, far, { body: BODY_NONE })
    pair.settle()
    expect(log.events.filter((event) => event.startsWith('interim'))).toHaveLength(16)
    expect(log.events.at(-1)).toBe('end')
  })

  it('carries half-closes of TCP each way, without any HEAD', () => {
    const pair = Pair.open(1)
    const { stream, log, far, farLog } = pair.request({ kind: KIND_TCP })
    far.write(hello, 0, 5)
    stream.end()
    pair.settle()
    expect(farLog.shape).toBe('end')
    far.write(hello, 0, 5)
    far.end()
    pair.settle()
    expect(log.bytes.toString()).toBe('hellohello')
    expect(log.shape).toBe('end')
    expect([pair.edge.streams.size, pair.linker.streams.size]).toEqual([0, 0])
  })

  it('carries an upgrade: DATA of the edge only after HEAD', () => {
    const pair = Pair.open(1)
    const { stream, far, farLog, open } = pair.request({ bits: OPEN_UPGRADE })
    expect(open.bits).toBe(OPEN_UPGRADE)
    expect(() => stream.write(hello, 0, 5)).toThrow('that of an upgrade HEAD')
    sendHead(pair.linker, far, { head: 'HTTP/1.1 101 Switching Protocols\r\n\r\n' })
    pair.settle()
    stream.write(hello, 0, 5)
    stream.end()
    far.end()
    pair.settle()
    expect(farLog.bytes.toString()).toBe('hello')
    expect([pair.edge.streams.size, pair.linker.streams.size]).toEqual([0, 0])
  })

  it('lets the client of a declined upgrade end before HEAD', () => {
    const pair = Pair.open(1)
    const { stream, farLog } = pair.request({ bits: OPEN_UPGRADE })
    stream.end()
    pair.settle()
    expect(farLog.shape).toBe('end')
  })

  it('is refused once, and is over', () => {
    const pair = Pair.open(2)
    pair.linkerLog.refusal = REFUSE.NO_SLOT
    const { log, stream } = pair.request()
    expect(log.events).toEqual(['refuse-1'])
    expect(stream.over).toBe(true)
    expect([pair.edge.streams.size, pair.linker.streams.size]).toEqual([0, 0])
    // The request's body was on its way; frames for a closed id mean nothing.
    expect(pair.edge.isOpen).toBe(true)
  })

  it('is refused while its body is on its way, which the linker ignores', () => {
    const pair = Pair.open(1)
    pair.linkerLog.refusal = REFUSE.DRAINING
    const log = new StreamLog(() => pair.nowMs)
    const stream = openStream(pair.edge, log, {})
    stream.write(hello, 0, 5)
    stream.end()
    pair.settle()
    expect(log.events).toEqual(['refuse-2'])
    expect(pair.linker.isOpen).toBe(true)
  })

  it('can be given back after it was admitted, as long as nothing was sent on it', () => {
    const pair = Pair.open(2)
    const one = pair.request({ body: BODY_NONE })
    pair.linker.refuse(one.far, REFUSE.INSTANCE)
    pair.linker.refuse(one.far, REFUSE.INSTANCE)
    pair.settle()
    expect([one.log.shape, pair.linker.streams.size, pair.edge.isOpen]).toEqual(['refuse-3', 0, true])
    pair.linker.grant(1)
    pair.settle()
    const two = pair.request()
    sendHead(pair.linker, two.far, { interim: true, body: BODY_NONE })
    expect(() => pair.linker.refuse(two.far, REFUSE.INSTANCE)).toThrow('REFUSE is the first frame')
  })

  it('is reset instead of refused once credit was returned for its body', () => {
    const pair = Pair.open(1)
    const { stream, log, far } = pair.request()
    stream.write(Buffer.alloc(40_000), 0, 40_000)
    pair.settle()
    pair.linker.refuse(far, REFUSE.INSTANCE)
    pair.settle()
    expect([log.shape, pair.edge.isOpen]).toEqual(['reset-5', true])
  })

  it('says when its END has left, behind everything that waited', () => {
    const pair = Pair.open(2, { edge: { windowBytes: 3 } })
    const { far, farLog, log } = pair.request({ body: BODY_NONE })
    log.consumes = false
    sendHead(pair.linker, far, { body: BODY_KNOWN, length: 5 })
    far.write(hello, 0, 5)
    pair.settle()
    expect([far.localEnd, farLog.isEndSent, log.receivedBytes]).toEqual([true, false, 3])
    log.consume()
    pair.settle()
    expect([farLog.isEndSent, log.receivedBytes, far.over]).toEqual([true, 5, true])
    const short = pair.request({ body: BODY_NONE })
    sendHead(pair.linker, short.far, { body: BODY_NONE })
    expect(short.farLog.isEndSent).toBe(true)
  })

  it('is reset from either side; the side that resets hears nothing more', () => {
    for (const side of ['edge', 'linker'] as const) {
      const pair = Pair.open(1)
      const { stream, log, far, farLog } = pair.request()
      const [near, nearLog, other] = side === 'edge' ? [stream, log, farLog] : [far, farLog, log]
      near.reset(RESET.CANCELLED)
      near.reset(RESET.CANCELLED)
      pair.settle()
      expect(nearLog.events).toEqual([])
      expect(other.events).toEqual(['reset-1'])
      expect([pair.edge.streams.size, pair.linker.streams.size]).toEqual([0, 0])
    }
  })

  it('stops an upload whose response is complete with RESET no-error', () => {
    const pair = Pair.open(1)
    const { stream, log, far } = pair.request()
    stream.write(Buffer.alloc(200_000), 0, 200_000)
    sendHead(pair.linker, far, { body: BODY_NONE })
    far.reset(RESET.NO_ERROR)
    pair.settle()
    expect(log.shape).toBe('head(0,0,) end reset-0')
    expect([pair.edge.streams.size, pair.linker.streams.size]).toEqual([0, 0])
  })

  it('discards what waits when it is reset, and tells a blocked writer by the reset alone', () => {
    const pair = Pair.open(1, { edge: { windowBytes: 10 }, linker: { windowBytes: 10 } })
    const { stream, log, far, farLog } = pair.request()
    farLog.consumes = false
    expect(stream.write(Buffer.alloc(100), 0, 100)).toBe(false)
    pair.settle()
    expect([stream.waitingBytes, farLog.receivedBytes]).toEqual([90, 10])
    far.reset(RESET.TIMEOUT)
    pair.settle()
    expect(log.events).toEqual(['reset-7'])
    expect([stream.waitingBytes, stream.canSend]).toEqual([0, false])
  })

  it('resets itself when fewer bytes come than it declared', () => {
    const pair = Pair.open(1)
    const { stream, log, farLog } = pair.request({ body: BODY_KNOWN, length: 5 })
    stream.write(hello, 0, 4)
    stream.end()
    pair.settle()
    expect(log.events).toEqual([])
    expect([farLog.bytes.toString(), farLog.shape]).toEqual(['hell', 'reset-4'])
    expect(pair.edge.streams.size).toBe(0)
  })

  it('asserts that no more is written than was declared, nothing after END, and nothing before HEAD', () => {
    const pair = Pair.open(3)
    const known = pair.request({ body: BODY_KNOWN, length: 3 })
    expect(() => known.stream.write(hello, 0, 5)).toThrow('within the declared length')
    known.stream.write(hello, 0, 3)
    expect(() => known.stream.write(hello, 0, 1)).toThrow('DATA comes before END')
    const { far } = pair.request({ body: BODY_NONE })
    expect(() => far.write(hello, 0, 1)).toThrow('DATA follows OPEN or HEAD')
    expect(() => far.end()).toThrow('END follows OPEN or HEAD')
    sendHead(pair.linker, far, {})
    expect(() => far.end(Buffer.alloc(65_537))).toThrow('trailers fit a frame')
    expect(() => pair.linker.beginHead(far, false, BODY_NONE, 0)).toThrow('one final HEAD a stream')
  })

  it('takes an empty write for what it is', () => {
    const pair = Pair.open(1, { linker: { windowBytes: 2 } })
    const { stream, farLog } = pair.request()
    farLog.consumes = false
    expect(stream.write(hello, 0, 0)).toBe(true)
    expect(stream.write(hello, 0, 5)).toBe(false)
    expect(stream.write(hello, 5, 5)).toBe(false)
  })

  it('says when a write kept the buffer', () => {
    const pair = Pair.open(1, { linker: { windowBytes: 20_000 } })
    const { stream } = pair.request()
    const large = Buffer.alloc(20_000)
    stream.write(large, 0, 100)
    expect(stream.retained).toBe(false)
    stream.write(large, 0, 10_000)
    expect(stream.retained).toBe(true)
    stream.write(large, 0, 100)
    expect(stream.retained).toBe(false)
    // It waits for window, small as it is.
    stream.write(large, 0, 10_000)
    expect(stream.retained).toBe(true)
  })

  it('is lost with the session, once, before the session says so', () => {
    const pair = Pair.open(2)
    const one = pair.request()
    const two = pair.request()
    const order: string[] = []
    one.log.hooks.lost = () => {
      order.push('one')
      // Whatever an owner does now, nothing goes out behind the end.
      two.stream.reset(RESET.CANCELLED)
      one.stream.reset(RESET.CANCELLED)
    }
    two.log.hooks.lost = () => order.push('two')
    const closed = pair.edgeLog.onClosed.bind(pair.edgeLog)
    pair.edgeLog.onClosed = (end) => {
      order.push('session')
      closed(end)
    }
    pair.edge.transportClosed(pair.nowMs, 'the cable')
    expect(order).toEqual(['one', 'two', 'session'])
    expect(pair.edgeLog.end).toEqual({
      code: 'protocol/closed',
      message: 'the cable',
      retryable: true,
      clean: false,
    })
    expect(pair.edge.batch.isEmpty).toBe(true)
    expect(pair.edge.streams.size).toBe(0)
  })

  it('tells every owner that the session ended, even if one of them throws', () => {
    const pair = Pair.open(2)
    const one = pair.request()
    const two = pair.request()
    one.log.hooks.lost = () => {
      throw new Error('owner')
    }
    expect(() => pair.edge.transportClosed(pair.nowMs)).toThrow('owner')
    expect(two.log.events).toEqual(['lost'])
    expect(pair.edgeLog.end?.code).toBe('protocol/closed')
  })
})
