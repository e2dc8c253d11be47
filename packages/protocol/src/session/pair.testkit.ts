import { EdgeSession } from './edge-session.ts'
import { LinkerSession } from './linker-session.ts'
import { EdgeLog, HELLO, LinkerLog, type OpenShape, openStream, StreamLog } from './log.testkit.ts'
import type { SessionOptions } from './options.ts'
import type { Session } from './session.ts'
import type { Stream } from './stream.ts'
import { WindowBudget } from './window.ts'

/** A seeded 0 <= x < 1 (mulberry32): one seed, one history. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

/** One direction of a byte pipe: what was sent waits until it is delivered, in pieces of any size. */
export class Wire {
  #chunks: Buffer[] = []
  bytes = 0
  totalBytes = 0

  push(segment: Buffer): void {
    this.#chunks.push(Buffer.from(segment))
    this.bytes += segment.length
    this.totalBytes += segment.length
  }

  /** Takes out at most `max` bytes of the oldest chunk. */
  take(max: number): Buffer {
    const first = this.#chunks[0]
    const piece = first.subarray(0, max)
    if (piece.length === first.length) this.#chunks.shift()
    else this.#chunks[0] = first.subarray(piece.length)
    this.bytes -= piece.length
    return Buffer.from(piece)
  }
}

export interface PairOptions {
  readonly edge?: Partial<SessionOptions>
  readonly linker?: Partial<SessionOptions>
  readonly seed?: number
  readonly budgetBytes?: number
  /** Largest piece that is delivered at once; 0 for whole chunks. */
  readonly fragmentBytes?: number
  /** What the linker asks for. */
  readonly features?: readonly string[]
}

/**
 * An edge's and a linker's session joined by two byte pipes in memory. Nothing moves by itself: settle() lets
 * bytes flow until both sides are silent, advance() lets time pass. A wire stands for the socket and its peer's
 * kernel: what it still holds is what the sender's transport says it holds.
 */
export class Pair {
  nowMs = 1_000_000
  readonly random: () => number
  readonly budget: { readonly edge: WindowBudget; readonly linker: WindowBudget }
  readonly edgeLog = new EdgeLog()
  readonly linkerLog = new LinkerLog(() => this.nowMs)
  readonly edge: EdgeSession
  readonly linker: LinkerSession
  readonly toEdge = new Wire()
  readonly toLinker = new Wire()
  /** Most bytes that ever stood in a batch. */
  maxBatchBytes = 0
  /** A stalled direction holds its bytes. */
  stalled: 'edge' | 'linker' | 'both' | null = null
  readonly #fragmentBytes: number

  constructor(options: PairOptions = {}) {
    this.random = seededRandom(options.seed ?? 1)
    this.#fragmentBytes = options.fragmentBytes ?? 0
    const budgetBytes = options.budgetBytes ?? 64 * 1024 * 1024
    this.budget = { edge: new WindowBudget(budgetBytes), linker: new WindowBudget(budgetBytes) }
    const common = { random: this.random, nowMs: this.nowMs }
    this.edge = new EdgeSession(this.edgeLog, {
      ...common,
      budget: this.budget.edge,
      options: options.edge ?? {},
    })
    this.edgeLog.session = this.edge
    this.linker = new LinkerSession(
      this.linkerLog,
      { ...HELLO, features: options.features ?? [] },
      {
        ...common,
        budget: this.budget.linker,
        options: options.linker ?? {},
      },
    )
    this.linkerLog.session = this.linker
  }

  /** A pair that has shaken hands and lent `grants`. */
  static open(grants = 1, options: PairOptions = {}): Pair {
    const pair = new Pair(options)
    pair.settle()
    if (grants > 0) pair.linker.grant(grants)
    pair.settle()
    return pair
  }

  /** Opens a stream. */
  start(shape: Partial<OpenShape> = {}): { stream: Stream; log: StreamLog } {
    const log = new StreamLog(() => this.nowMs)
    return { stream: openStream(this.edge, log, shape), log }
  }

  /** Opens a stream and lets the OPEN arrive; `far` is the linker's end of it. */
  request(shape: Partial<OpenShape> = {}) {
    const before = this.linkerLog.opens.length
    const { stream, log } = this.start(shape)
    this.settle()
    const far = this.linkerLog.opens[before]
    return {
      stream,
      log,
      far: far?.stream as Stream,
      farLog: far?.log as StreamLog,
      open: far?.open,
      head: far?.head,
    }
  }

  /** Moves one piece. @returns false when nothing is left to move. */
  step(): boolean {
    this.flush(this.edge, this.toLinker)
    this.flush(this.linker, this.toEdge)
    const toEdge = this.toEdge.bytes > 0 && this.stalled !== 'edge' && this.stalled !== 'both'
    const toLinker = this.toLinker.bytes > 0 && this.stalled !== 'linker' && this.stalled !== 'both'
    if (!toEdge && !toLinker) return false
    if (toEdge && (!toLinker || this.random() < 0.5)) this.#deliver(this.toEdge, this.edge, this.linker)
    else this.#deliver(this.toLinker, this.linker, this.edge)
    return true
  }

  settle(maxSteps = 1_000_000): void {
    for (let steps = 0; this.step(); steps++)
      if (steps > maxSteps) throw new Error('the pair does not come to rest')
  }

  /** Lets time pass, with a tick at each deadline; the bytes that ticks cause flow at once. */
  advance(ms: number): void {
    const until = this.nowMs + ms
    this.settle()
    for (;;) {
      const next = Math.max(this.nowMs, Math.min(this.edge.nextDeadline(), this.linker.nextDeadline()))
      if (next > until) break
      this.nowMs = next
      if (this.edge.nextDeadline() <= next) this.edge.tick(next)
      if (this.linker.nextDeadline() <= next) this.linker.tick(next)
      this.settle()
    }
    this.nowMs = until
  }

  flush(session: Session, wire: Wire): void {
    const { batch } = session
    this.maxBatchBytes = Math.max(this.maxBatchBytes, batch.byteCount)
    if (!batch.isEmpty) {
      for (const segment of batch.take()) wire.push(segment)
      batch.release()
    }
    session.transportHolds(wire.bytes, this.nowMs)
  }

  #deliver(wire: Wire, to: Session, from: Session): void {
    const most =
      this.#fragmentBytes === 0
        ? Number.POSITIVE_INFINITY
        : 1 + Math.floor(this.random() * this.#fragmentBytes)
    const piece = wire.take(most)
    // At an odd place of a larger buffer, which is overwritten afterwards: spans are not kept.
    const buffer = Buffer.alloc(piece.length + 8, 0xee)
    piece.copy(buffer, 3)
    to.receive(buffer, 3, 3 + piece.length, this.nowMs)
    buffer.fill(0xee)
    from.transportHolds(wire.bytes, this.nowMs)
  }
}
