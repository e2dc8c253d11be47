import { describe, expect, it } from 'vitest'
import { BODY_NONE, BODY_UNKNOWN, REFUSE } from '../frame.ts'
import { referenceEncode } from '../reference-codec.testkit.ts'
import { type OpenShape, sendHead } from './log.testkit.ts'
import { Pair } from './pair.testkit.ts'
import type { Arrival } from './stream.ts'

/** A stream of the edge, and what its owner hears of its arrival when the session ends under it. */
function watched(pair: Pair, shape: Partial<OpenShape> = {}): { arrival: Arrival | null } {
  const seen: { arrival: Arrival | null } = { arrival: null }
  const { log } = pair.start(shape)
  log.onLost = (arrival: Arrival) => {
    seen.arrival = arrival
  }
  return seen
}

describe('a stream whose session ends', () => {
  it('was never received if its id is above the one that GOAWAY names, and was if it is not', () => {
    const pair = Pair.open(3)
    const [first, second] = [watched(pair), watched(pair)]
    pair.settle()
    pair.linker.goaway('linker/leaving', 'bye', true)
    // On its way while the linker says goodbye.
    const third = watched(pair)
    pair.settle()
    expect([first, second, third].map(({ arrival }) => arrival)).toEqual(['seen', 'seen', 'never'])
  })

  it('may have arrived if the connection closed, or this side ended the session', () => {
    for (const end of [
      (pair: Pair) => pair.edge.transportClosed(pair.nowMs),
      (pair: Pair) => pair.edge.goaway('edge/replaced', '', true),
    ]) {
      const pair = Pair.open(1)
      const one = watched(pair)
      end(pair)
      expect(one.arrival).toBe('unknown')
    }
  })

  it('has arrived if the linker has answered it, with a head or with credit, whatever it says', () => {
    for (const answer of ['interim', 'credit'] as const) {
      const pair = Pair.open(1)
      const one = watched(pair, { body: BODY_UNKNOWN })
      pair.settle()
      const [{ stream }] = pair.linkerLog.opens
      if (answer === 'interim')
        sendHead(pair.linker, stream, { interim: true, body: BODY_NONE, head: 'HTTP/1.1 103 X\r\n\r\n' })
      else pair.linker.sendWindow(stream.id, 1)
      pair.settle()
      // A linker that lies.
      const lie = { code: 'x', message: '', retryable: true, received: 0 }
      const bytes = referenceEncode({ type: 'GOAWAY', json: lie })
      pair.edge.receive(bytes, 0, bytes.length, pair.nowMs)
      expect(one.arrival).toBe('seen')
    }
  })
})

describe('what a linker has received', () => {
  it('does not count an OPEN that was cut off, be it by its last byte', () => {
    const pair = Pair.open(2)
    pair.request()
    pair.start({ head: 'GET / HTTP/1.1\r\nhost: a\r\n\r\n' })
    const open = Buffer.concat(pair.edge.batch.take())
    pair.linker.receive(open, 0, open.length - 1, pair.nowMs)
    pair.linker.transportClosed(pair.nowMs)
    pair.linker.receive(open, open.length - 1, open.length, pair.nowMs)
    expect([pair.linker.received, pair.linkerLog.opens.length]).toEqual([1, 1])
  })

  it('counts an OPEN that it refused, for the REFUSE may be lost', () => {
    const pair = Pair.open(1)
    pair.linkerLog.refusal = REFUSE.NO_SLOT
    pair.request()
    expect([pair.linker.received, pair.linkerLog.opens.length]).toEqual([1, 0])
  })
})

describe('the window that a linker offers', () => {
  it('is used up to the largest one of this side: what was sent unanswered is kept for a replay', () => {
    const pair = Pair.open(1, { linker: { windowBytes: 0x7fffffff }, edge: { maxWindowBytes: 1000 } })
    const { stream, farLog } = pair.request({ body: BODY_UNKNOWN })
    farLog.consumes = false
    expect(stream.write(Buffer.alloc(5000), 0, 5000)).toBe(false)
    pair.settle()
    expect([farLog.receivedBytes, stream.waitingBytes]).toEqual([1000, 4000])
  })
})
