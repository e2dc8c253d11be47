import { describe, expect, it } from 'vitest'
import { BODY_KNOWN, BODY_NONE, BODY_UNKNOWN, REFUSE, RESET } from '../frame.ts'
import { StreamLog, sendHead } from './log.testkit.ts'
import { Pair } from './pair.testkit.ts'

const hello = Buffer.from('hello')

describe('an owner that comes back into the session', () => {
  it('hears onEnd also when it ended its own direction with the last DATA', () => {
    const pair = Pair.open(1)
    pair.linkerLog.onOpened = (far, farLog) => {
      farLog.hooks.data = () => {
        sendHead(pair.linker, far, { body: BODY_KNOWN, length: 5 })
        far.write(farLog.bytes, 0, 5)
      }
    }
    const { stream, log, farLog } = pair.request({ body: BODY_KNOWN, length: 5 })
    stream.write(hello, 0, 5)
    pair.settle()
    expect(farLog.shape).toBe('end')
    expect([log.bytes.toString(), log.shape]).toEqual(['hello', 'head(1,5,) end'])
    expect([pair.edge.streams.size, pair.linker.streams.size]).toEqual([0, 0])
  })

  it('hears onEnd also when it ended its own direction with the trailers', () => {
    const pair = Pair.open(1)
    const { stream, far, farLog } = pair.request()
    sendHead(pair.linker, far, {})
    farLog.hooks.trailers = () => far.end()
    stream.end(Buffer.from('a: b\r\n'))
    pair.settle()
    expect(farLog.events).toEqual(['trailers(a: b\r\n)', 'end'])
    expect(pair.linker.streams.size).toBe(0)
  })

  it('may reset inside onHead, onData, onTrailers and onEnd, and hears nothing more', () => {
    for (const event of ['head', 'data', 'trailers', 'end'] as const) {
      const pair = Pair.open(1)
      const { stream, log, far, farLog } = pair.request()
      log.hooks[event] = () => stream.reset(RESET.CANCELLED)
      sendHead(pair.linker, far, {})
      far.write(hello, 0, 5)
      far.end(Buffer.from('a: b\r\n'))
      pair.settle()
      expect(log.events.at(-1)?.replace(/\(.*/s, '')).toBe(event)
      expect(farLog.shape).toBe('reset-1')
      expect([pair.edge.streams.size, pair.linker.streams.size]).toEqual([0, 0])
    }
  })

  it('may reset inside onHead of a response without a body', () => {
    const pair = Pair.open(1)
    const { stream, log, far } = pair.request()
    log.hooks.head = () => stream.reset(RESET.BAD_HEAD)
    sendHead(pair.linker, far, { body: BODY_NONE })
    pair.settle()
    expect(log.shape).toBe('head(0,0,)')
    expect(pair.edge.streams.size).toBe(0)
  })

  it('may end the session inside onData, in the middle of a batch', () => {
    const pair = Pair.open(2)
    const one = pair.request()
    const two = pair.request()
    one.farLog.hooks.data = () => pair.linker.goaway('linker/test', 'enough', true)
    one.stream.write(hello, 0, 5)
    two.stream.write(hello, 0, 5)
    pair.settle()
    expect(one.farLog.events).toEqual(['data', 'lost'])
    expect(two.farLog.events).toEqual(['lost'])
    expect(pair.edgeLog.end).toMatchObject({ code: 'linker/test', retryable: true, clean: true, received: 2 })
    expect(one.log.events).toEqual(['lost'])
  })

  it('may end the session while it decides on an OPEN', () => {
    for (const answer of [0, REFUSE.INSTANCE]) {
      const pair = Pair.open(1)
      pair.linkerLog.admit = () => {
        pair.linker.goaway('linker/test', '', true)
        return answer
      }
      pair.start()
      pair.flush(pair.edge, pair.toLinker)
      const bytes = pair.toLinker.take(1_000)
      pair.linker.receive(bytes, 0, bytes.length, pair.nowMs)
      expect(pair.linker.batch.frameCount).toBe(1)
      expect([pair.linker.streams.size, pair.linkerLog.opens.length]).toEqual([0, 0])
    }
  })

  it('must set the handler of an opened stream', () => {
    const pair = Pair.open(1)
    pair.linkerLog.onOpen = () => {}
    expect(() => pair.request()).toThrow('onOpen sets the handler of its stream')
  })

  it('gets its own exception back, and can still end the session', () => {
    const pair = Pair.open(1)
    const { stream, farLog } = pair.request()
    farLog.hooks.data = () => {
      throw new Error('owner')
    }
    stream.write(hello, 0, 5)
    expect(() => pair.settle()).toThrow('owner')
    pair.linker.goaway('bug/assertion', 'internal error', true)
    pair.settle()
    expect(pair.edgeLog.end?.code).toBe('bug/assertion')
  })

  it('may give up an OPEN or a HEAD whose head it could not write', () => {
    const pair = Pair.open(1)
    const given = new StreamLog(() => pair.nowMs)
    const stream = pair.edge.beginOpen(given, 1, BODY_NONE, 0, 0)
    stream.reset(RESET.INTERNAL)
    expect([pair.edge.unspent, pair.edge.streams.size, pair.edge.batch.isEmpty]).toEqual([1, 0, true])
    const { stream: next, far, farLog } = pair.request({ body: BODY_UNKNOWN })
    expect([next.id, pair.edge.unspent]).toEqual([1, 0])
    pair.linker.beginHead(far, false, BODY_KNOWN, 7)
    sendHead(pair.linker, far, { body: BODY_NONE })
    next.end()
    pair.settle()
    expect(farLog.shape).toBe('end')
    expect([pair.edge.streams.size, pair.linker.streams.size]).toEqual([0, 0])
  })
})
