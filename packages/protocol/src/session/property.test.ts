import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BODY_KNOWN, BODY_NONE, BODY_UNKNOWN, type BodyKind, KIND_HTTP, KIND_TCP } from '../frame.ts'
import { type StreamLog, sendHead } from './log.testkit.ts'
import { Pair } from './pair.testkit.ts'
import type { Stream } from './stream.ts'

/** What one side does with its direction of a stream, and what it wrote. */
class Writer {
  readonly stream: Stream
  readonly log: StreamLog
  readonly written: Buffer[] = []
  writtenBytes = 0
  ended = false
  #left: number

  constructor(stream: Stream, log: StreamLog, body: BodyKind, length: number) {
    this.stream = stream
    this.log = log
    this.#left = body === BODY_KNOWN ? length : body === BODY_NONE ? 0 : -1
    this.ended = this.#left === 0
  }

  write(bytes: number, fill: number): void {
    if (this.stream.over || this.ended) return
    const take = this.#left < 0 ? bytes : Math.min(bytes, this.#left)
    const buffer = Buffer.alloc(take, fill)
    if (this.#left > 0) this.#left -= take
    this.written.push(buffer)
    this.writtenBytes += take
    this.stream.write(buffer, 0, take)
    if (this.#left === 0) this.ended = true
  }

  end(trailers: boolean): void {
    // A declared body is written to its end; to stop before is a RESET, which the commands have too.
    if (this.stream.over || this.ended || this.#left > 0) return
    this.ended = true
    this.stream.end(trailers ? Buffer.from('a: b\r\n') : null)
  }

  get bytes(): Buffer {
    return Buffer.concat(this.written)
  }
}

interface Exchange {
  readonly near: Writer
  far: Writer | null
  farStream: Stream | null
  farLog: StreamLog | null
  wasReset: boolean
}

const command = fc.record({
  do: fc.constantFrom(
    'open',
    'open',
    'open',
    'head',
    'head',
    'write',
    'write',
    'write',
    'write',
    'write back',
    'write back',
    'write back',
    'end',
    'end back',
    'reset',
    'reset back',
    'grant',
    'reclaim',
    'stick',
    'unstick',
    'steps',
    'steps',
    'time',
  ),
  which: fc.nat(7),
  size: fc.integer({ min: 1, max: 150_000 }),
  body: fc.constantFrom<BodyKind>(BODY_NONE, BODY_KNOWN, BODY_UNKNOWN),
  tcp: fc.boolean(),
})

const options = fc.record({
  seed: fc.nat(),
  fragmentBytes: fc.constantFrom(0, 1_000, 40_000),
  budgetBytes: fc.constantFrom(0, 100_000, 10_000_000),
  edge: fc.record({
    windowBytes: fc.constantFrom(1_000, 65_536),
    maxInFlightBytes: fc.constantFrom(5_000, 262_144),
  }),
  linker: fc.record({
    windowBytes: fc.constantFrom(1_000, 65_536),
    maxInFlightBytes: fc.constantFrom(5_000, 262_144),
  }),
})

describe('two sessions over a fragmenting pipe', () => {
  it('keep their invariants whatever their owners legally do', { timeout: 30_000 }, () => {
    // What happened in any of the runs, so that the proof is not vacuous.
    const seen = { completed: 0, reset: 0, blocked: 0, bytes: 0 }
    fc.assert(
      fc.property(options, fc.array(command, { minLength: 10, maxLength: 80 }), (setup, commands) => {
        const pair = Pair.open(8, setup)
        const exchanges: Exchange[] = []
        const total = pair.budget.edge.freeBytes
        let granted = 8
        let fill = 0
        pair.linkerLog.onOpened = (stream, log) => {
          const exchange = exchanges[stream.id - 1]
          exchange.farStream = stream
          exchange.farLog = log
          if (stream.kind === KIND_TCP) exchange.far = new Writer(stream, log, BODY_UNKNOWN, 0)
        }

        const head = (exchange: Exchange, body: BodyKind, length: number) => {
          const { farStream, farLog } = exchange
          if (farStream === null || farLog === null || farStream.over || farStream.headDone) return
          sendHead(pair.linker, farStream, { body, length: body === BODY_KNOWN ? length : 0 })
          exchange.far = new Writer(farStream, farLog, body, length)
        }

        for (const c of commands) {
          const exchange = exchanges[c.which % Math.max(1, exchanges.length)]
          fill = (fill + 1) & 0xff
          switch (c.do) {
            case 'open': {
              if (pair.edge.unspent === 0) break
              const kind = c.tcp ? KIND_TCP : KIND_HTTP
              const body = c.tcp ? BODY_UNKNOWN : c.body
              const length = body === BODY_KNOWN ? c.size : 0
              const made: { near: Writer | null } = { near: null }
              const { stream, log } = pair.start({ kind, body, length })
              made.near = new Writer(stream, log, body, length)
              exchanges.push({ near: made.near, far: null, farStream: null, farLog: null, wasReset: false })
              break
            }
            case 'grant':
              pair.linker.grant((c.size % 4) + 1)
              granted += (c.size % 4) + 1
              break
            case 'reclaim':
              if (!pair.linker.isReclaiming) pair.linker.reclaim((c.size % 4) + 1)
              break
            case 'steps':
              for (let i = c.size % 20; i > 0; i--) pair.step()
              break
            case 'time':
              pair.nowMs += c.size % 400
              break
            case 'head':
              if (exchange) head(exchange, c.body, c.size)
              break
            case 'write':
              exchange?.near.write(c.size, fill)
              break
            case 'write back':
              exchange?.far?.write(c.size, fill)
              break
            case 'end':
              exchange?.near.end(c.body === BODY_UNKNOWN && exchange.near.stream.kind === KIND_HTTP)
              break
            case 'end back':
              exchange?.far?.end(c.body === BODY_UNKNOWN && exchange.near.stream.kind === KIND_HTTP)
              break
            case 'reset':
              if (exchange && !exchange.near.stream.over) {
                exchange.wasReset = true
                exchange.near.stream.reset(1)
              }
              break
            case 'reset back':
              if (exchange?.farStream && !exchange.farStream.over) {
                exchange.wasReset = true
                exchange.farStream.reset(1)
              }
              break
            default: {
              const log = c.tcp ? exchange?.near.log : exchange?.farLog
              if (!log) break
              log.consumes = c.do === 'unstick'
              if (log.consumes) log.consume()
            }
          }
          checkLengths(exchanges)
          expect([pair.edge.isOpen, pair.linker.isOpen]).toEqual([true, true])
        }

        // Everybody reads and ends what is open: the world comes to rest, complete and empty.
        for (let round = 0; round < 3; round++) {
          pair.settle()
          for (const exchange of exchanges) {
            for (const log of [exchange.near.log, exchange.farLog]) {
              if (log === null) continue
              log.consumes = true
              log.consume()
            }
          }
          for (const exchange of exchanges) {
            head(exchange, BODY_NONE, 0)
            for (const writer of [exchange.near, exchange.far]) {
              writer?.write(150_000, 7)
              writer?.end(false)
            }
          }
        }
        pair.settle()
        checkLengths(exchanges)
        checkDelivered(exchanges)
        for (const { near, far, farLog, wasReset } of exchanges) {
          seen.bytes += near.log.receivedBytes
          if (near.log.events.includes('writable') || farLog?.events.includes('writable')) seen.blocked++
          if (wasReset) seen.reset++
          if (wasReset) continue
          seen.completed++
          expect([near.log.events.includes('end'), farLog?.events.includes('end')]).toEqual([true, true])
          expect(farLog?.receivedBytes).toBe(near.writtenBytes)
          expect(near.log.receivedBytes).toBe(far?.writtenBytes)
        }
        expect([pair.edge.isOpen, pair.linker.isOpen]).toEqual([true, true])
        expect([pair.edge.streams.size, pair.linker.streams.size]).toEqual([0, 0])
        expect([pair.budget.edge.freeBytes, pair.budget.linker.freeBytes]).toEqual([total, total])
        expect(pair.edge.unspent).toBe(granted - pair.linkerLog.returned - pair.linkerLog.opens.length)
        // At most what may be in flight, and the small frames of one step.
        const inFlight = Math.max(setup.edge.maxInFlightBytes, setup.linker.maxInFlightBytes)
        expect(pair.maxBatchBytes).toBeLessThan(inFlight + 20_000)
      }),
      { numRuns: 80 },
    )
    expect(seen.completed).toBeGreaterThan(100)
    expect(seen.reset).toBeGreaterThan(20)
    expect(seen.blocked).toBeGreaterThan(20)
    expect(seen.bytes).toBeGreaterThan(1_000_000)
  })
})

/** What arrived is a prefix of what was written. */
function checkDelivered(exchanges: readonly Exchange[]): void {
  for (const { near, far, farLog } of exchanges) {
    for (const [writer, reader] of [
      [near, farLog],
      [far, near.log],
    ] as const) {
      if (reader === null) continue
      const read = reader.bytes
      expect(read.equals(writer?.bytes.subarray(0, read.length) ?? read)).toBe(true)
    }
  }
}

/** What arrived is no more than what was written, and all of it exactly when END was heard. */
function checkLengths(exchanges: readonly Exchange[]): void {
  for (const { near, far, farLog } of exchanges) {
    for (const [writer, reader] of [
      [near, farLog],
      [far, near.log],
    ] as const) {
      if (reader === null) continue
      const writtenBytes = writer?.writtenBytes ?? 0
      expect(reader.receivedBytes).toBeLessThanOrEqual(writtenBytes)
      if (!reader.events.includes('end')) continue
      expect(writer?.ended ?? true).toBe(true)
      expect(reader.receivedBytes).toBe(writtenBytes)
    }
  }
}
