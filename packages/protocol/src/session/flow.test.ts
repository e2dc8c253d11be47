import { describe, expect, it } from 'vitest'
import { BODY_NONE, MAX_DATA_BYTES } from '../frame.ts'
import { referenceDecode, referenceEncode } from '../reference-codec.testkit.ts'
import { type StreamLog, sendHead } from './log.testkit.ts'
import { Pair, type PairOptions } from './pair.testkit.ts'
import type { Stream } from './stream.ts'

const KiB = 1024
const MiB = 1024 * 1024

/** A response under way: the linker has sent its HEAD. */
function download(pair: Pair) {
  const stream = pair.request({ body: BODY_NONE })
  sendHead(pair.linker, stream.far, {})
  pair.settle()
  return stream
}

/** Writes whenever it may, in pieces, until all is sent; then ends. */
function pump(
  stream: Stream,
  log: StreamLog,
  totalBytes: number,
  pieceBytes = 64 * KiB,
): { sentBytes: number } {
  const progress = { sentBytes: 0 }
  const piece = Buffer.alloc(pieceBytes)
  const more = () => {
    while (progress.sentBytes < totalBytes) {
      const bytes = Math.min(piece.length, totalBytes - progress.sentBytes)
      progress.sentBytes += bytes
      if (!stream.write(piece, 0, bytes)) return
    }
    stream.end()
  }
  log.hooks.writable = more
  more()
  return progress
}

describe('flow control', () => {
  it('sends no more than the window, and a stuck reader blocks only its own stream', () => {
    const pair = Pair.open(2)
    const stuck = download(pair)
    stuck.log.consumes = false
    const other = download(pair)
    pump(stuck.far, stuck.farLog, 10 * MiB)
    pump(other.far, other.farLog, 10 * MiB)
    pair.settle()
    expect([stuck.log.receivedBytes, stuck.log.events.at(-1)]).toEqual([64 * KiB, 'data'])
    expect([other.log.receivedBytes, other.log.events.at(-1)]).toEqual([10 * MiB, 'end'])
    // The stuck one waits with one write of its owner, no more.
    expect(stuck.far.waitingBytes).toBe(64 * KiB)
    stuck.log.consumes = true
    stuck.log.consume()
    pair.settle()
    expect([stuck.log.receivedBytes, stuck.log.events.at(-1)]).toEqual([10 * MiB, 'end'])
  })

  it('returns credit by halves of a window, on consumption and not on receipt', () => {
    const pair = Pair.open(1, { edge: { maxWindowBytes: 64 * KiB } })
    const { far, farLog, log } = download(pair)
    log.consumes = false
    pump(far, farLog, MiB)
    pair.settle()
    log.consume(32 * KiB - 1)
    expect(pair.edge.batch.isEmpty).toBe(true)
    log.consume(1)
    const frames = () => {
      pair.flush(pair.edge, pair.toLinker)
      return referenceDecode('edge', pair.toLinker.take(1000)).frames
    }
    expect(frames()).toEqual([{ type: 'WINDOW', stream: 1, n: 32 * KiB }])
  })

  it('doubles a window when half of it came and was consumed promptly, up to its maximum and the budget', () => {
    const largest = (options: PairOptions, waitMs = 0) => {
      const pair = Pair.open(1, options)
      const { far, farLog, log } = download(pair)
      log.consumes = false
      pump(far, farLog, 64 * MiB, MiB)
      pair.settle()
      let most = 0
      for (let i = 0; i < 40; i++) {
        most = Math.max(most, log.unconsumedBytes)
        pair.nowMs += waitMs
        log.consume()
        pair.settle()
      }
      return most
    }
    expect(largest({})).toBe(MiB)
    expect(largest({ edge: { maxWindowBytes: 300 * KiB } })).toBe(300 * KiB)
    expect(largest({ budgetBytes: 100 * KiB })).toBe(128 * KiB)
    expect(largest({ budgetBytes: 0 })).toBe(64 * KiB)
    expect(largest({}, 250)).toBe(MiB)
    expect(largest({}, 251)).toBe(64 * KiB)
  })

  it('counts promptness from the first byte, not from the OPEN', () => {
    const pair = Pair.open(1)
    const { far, farLog, log } = download(pair)
    pair.advance(5_000)
    log.consumes = false
    pump(far, farLog, 10 * MiB)
    pair.settle()
    log.consume()
    pair.settle()
    expect(log.unconsumedBytes).toBe(128 * KiB)
  })

  it('gives what a window grew by back to the budget, however the stream ends', () => {
    for (const finish of ['end', 'reset', 'lost'] as const) {
      const pair = Pair.open(1)
      const total = pair.budget.edge.freeBytes
      const { stream, far, farLog, log } = download(pair)
      pump(far, farLog, finish === 'end' ? 5 * MiB : 500 * MiB)
      while (log.receivedBytes < 4 * MiB) pair.step()
      expect(pair.budget.edge.freeBytes).toBeLessThan(total)
      if (finish === 'reset') stream.reset(1)
      if (finish === 'lost') pair.edge.transportClosed(pair.nowMs)
      pair.settle()
      expect(pair.edge.streams.size).toBe(0)
      expect(pair.budget.edge.freeBytes).toBe(total)
    }
  })

  it('resets a stream whose peer oversteps the window, and only that', () => {
    const pair = Pair.open(2)
    const one = download(pair)
    const two = download(pair)
    one.log.consumes = false
    const bytes = referenceEncode({ type: 'DATA', stream: 1, hex: `61*${64 * KiB + 1}` })
    pair.edge.receive(bytes, 0, bytes.length, pair.nowMs)
    expect(one.log.events.at(-1)).toBe('reset-3')
    expect(one.log.receivedBytes).toBe(0)
    pair.settle()
    expect(one.farLog.events.at(-1)).toBe('reset-3')
    expect(two.stream.over).toBe(false)
  })

  it('asserts that its owner does not consume more than it got', () => {
    const pair = Pair.open(1)
    const { stream } = download(pair)
    expect(() => stream.consumed(64 * KiB, pair.nowMs)).toThrow(
      'no more bytes are consumed than were received',
    )
  })

  it('returns no credit for a direction that has ended', () => {
    const pair = Pair.open(1)
    const { far, farLog, log, stream } = pair.request()
    sendHead(pair.linker, far, {})
    pair.settle()
    log.consumes = false
    pump(far, farLog, 60 * KiB)
    pair.settle()
    expect(stream.remoteEnd).toBe(true)
    log.consume()
    expect(pair.edge.batch.isEmpty).toBe(true)
    stream.reset(0)
    stream.consumed(1, pair.nowMs)
  })

  it('cuts DATA to frames that the peer takes, whatever the windows are', () => {
    const big = { windowBytes: 4 * MiB, maxWindowBytes: 4 * MiB, maxInFlightBytes: 4 * MiB }
    const pair = Pair.open(1, { edge: big, linker: big })
    const { far } = download(pair)
    far.write(Buffer.alloc(MiB), 0, MiB)
    pair.flush(pair.linker, pair.toEdge)
    const wire: Buffer[] = []
    while (pair.toEdge.bytes > 0) wire.push(pair.toEdge.take(MiB))
    const bytes = Buffer.concat(wire)
    const lengths: number[] = []
    for (let at = 0; at < bytes.length; at += 8 + bytes.readUIntBE(at + 1, 3))
      lengths.push(bytes.readUIntBE(at + 1, 3))
    expect(lengths).toEqual([MAX_DATA_BYTES, MAX_DATA_BYTES, MAX_DATA_BYTES, MAX_DATA_BYTES])
  })
})

describe('the transport bound', () => {
  const wide = { windowBytes: 2 * MiB, maxWindowBytes: 2 * MiB }

  it('hands at most 256 KiB of DATA to the transport at a time', () => {
    const pair = Pair.open(3, { edge: wide, linker: wide })
    const streams = [download(pair), download(pair), download(pair)]
    pair.stalled = 'edge'
    for (const { far, farLog } of streams) pump(far, farLog, 2 * MiB)
    pair.settle()
    expect(pair.toEdge.bytes).toBeGreaterThan(256 * KiB)
    expect(pair.toEdge.bytes).toBeLessThan(257 * KiB)
    expect(pair.maxBatchBytes).toBeLessThan(257 * KiB)
    pair.stalled = null
    pair.settle()
    for (const { log } of streams) expect([log.receivedBytes, log.events.at(-1)]).toEqual([2 * MiB, 'end'])
  })

  it('lets streams take turns: a small one finishes beside bulk', () => {
    const pair = Pair.open(4, { edge: wide, linker: wide, fragmentBytes: 64 * KiB })
    const bulk = [download(pair), download(pair), download(pair)]
    for (const { far, farLog } of bulk) pump(far, farLog, 20 * MiB)
    for (let i = 0; i < 20; i++) pair.step()
    // Opened and answered while bulk fills the wire: control frames are never queued behind DATA.
    const before = bulk.reduce((sum, { log }) => sum + log.receivedBytes, 0)
    const tiny = startRequest(pair)
    while (tiny.log.events.at(-1) !== 'end') if (!pair.step()) break
    expect(tiny.log.receivedBytes).toBe(1000)
    const meanwhile = bulk.reduce((sum, { log }) => sum + log.receivedBytes, 0) - before
    // It waited for what stood in the wire, and for one turn of each of the others.
    expect(meanwhile).toBeLessThan(3 * MiB)
    pair.settle()
    for (const { log } of bulk) expect(log.receivedBytes).toBe(20 * MiB)
  })

  it('gives all bulk streams the same share', () => {
    const pair = Pair.open(4, { edge: wide, linker: wide })
    const bulk = [download(pair), download(pair), download(pair), download(pair)]
    for (const { far, farLog } of bulk) pump(far, farLog, 50 * MiB)
    while (bulk[0].log.receivedBytes < 5 * MiB) pair.step()
    for (const { log } of bulk) {
      expect(log.receivedBytes).toBeGreaterThan(4 * MiB)
      expect(log.receivedBytes).toBeLessThan(6.5 * MiB)
    }
  })

  it('lets control frames and heads pass while DATA waits', () => {
    const pair = Pair.open(2, { edge: wide, linker: wide })
    const bulk = download(pair)
    pair.stalled = 'edge'
    pump(bulk.far, bulk.farLog, 2 * MiB)
    pair.settle()
    pair.linker.leave()
    pair.flush(pair.linker, pair.toEdge)
    expect(pair.linker.batch.isEmpty).toBe(true)
    expect(bulk.far.waitingBytes).toBeGreaterThan(0)
  })

  it('does not call a writer that ended while it waited, and ends behind what waits', () => {
    const pair = Pair.open(1, { edge: { windowBytes: 4 } })
    const { far, farLog, log } = download(pair)
    expect(far.write(Buffer.from('hello'), 0, 5)).toBe(false)
    far.end(Buffer.from('a: b\r\n'))
    expect([far.localEnd, far.over]).toEqual([true, false])
    pair.settle()
    expect(log.events.slice(1)).toEqual(['data', 'trailers(a: b\r\n)', 'end'])
    expect(farLog.events).not.toContain('writable')
  })

  it('says onWritable once for all that waited', () => {
    const pair = Pair.open(1, { edge: { windowBytes: 4 } })
    const { far, farLog, log } = download(pair)
    for (let i = 0; i < 5; i++) expect(far.write(Buffer.from('hello'), 0, 5)).toBe(false)
    pair.settle()
    expect(farLog.events.filter((event) => event === 'writable')).toHaveLength(1)
    expect(log.bytes.toString()).toBe('hello'.repeat(5))
  })

  it('ends a session whose peer never reads what it asks for', () => {
    const pair = Pair.open(1, { edge: { maxBacklogBytes: 10_000 } })
    pair.stalled = 'linker'
    const reclaim = referenceEncode({ type: 'RECLAIM', n: 1 })
    for (let i = 0; i < 2000 && !pair.edge.isClosed; i++) {
      pair.edge.receive(reclaim, 0, reclaim.length, pair.nowMs)
      pair.flush(pair.edge, pair.toLinker)
    }
    expect(pair.edgeLog.end).toMatchObject({ code: 'protocol/backlog', retryable: true, clean: false })
    expect(pair.toLinker.bytes).toBeLessThan(10_100)
  })
})

/** An exchange of 1,000 bytes, answered as soon as the OPEN arrives. */
function startRequest(pair: Pair): { log: StreamLog } {
  pair.linkerLog.onOpened = (far) => {
    sendHead(pair.linker, far, {})
    far.write(Buffer.alloc(1000), 0, 1000)
    far.end()
  }
  return pair.start({ body: BODY_NONE })
}
