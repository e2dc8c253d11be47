import { FrameDecoder } from '../../../packages/protocol/src/decoder.ts'
import { BrxyError } from '../../../packages/protocol/src/error.ts'
import {
  BODY_KNOWN,
  BODY_NONE,
  BODY_UNKNOWN,
  type BodyKind,
  KIND_HTTP,
  KIND_TCP,
  OPEN_UPGRADE,
} from '../../../packages/protocol/src/frame.ts'
import {
  parseHex,
  referenceDecode,
  referenceEncode,
} from '../../../packages/protocol/src/reference-codec.testkit.ts'
import { type StreamLog, sendHead } from '../../../packages/protocol/src/session/log.testkit.ts'
import { Pair } from '../../../packages/protocol/src/session/pair.testkit.ts'
import type { Stream } from '../../../packages/protocol/src/session/stream.ts'
import { demand, same } from './demand.ts'
import type { Random } from './random.ts'
import type { Target } from './target.ts'
import { makeTunnelCase, type TunnelCase, type TunnelStep } from './tunnel-case.ts'

/** In flight at most (262,144 by default), a frame that may follow, and the small ones of a step. */
const MAX_BATCH_BYTES = 262_144 + 262_144 + 65_536
/** What one stream's windows may grow to. */
const MAX_UNREAD_BYTES = 1024 * 1024
const GRANTS = 8

/** One direction of a stream, written by its owner within the rules. */
interface Writer {
  readonly stream: Stream
  left: number
  ended: boolean
}

/**
 * Both ends of a tunnel, whatever their owners legally do in whatever order, and whatever somebody puts on the wire
 * between them: nothing throws, each session goes on or ends cleanly, what is held stays bounded, and everything is
 * given back in the end. The decoder alone agrees with the slow one about what was injected.
 */
export class TunnelTarget implements Target<TunnelCase> {
  readonly name = 'tunnel'
  readonly counts = { streams: 0, bytes: 0, injected: 0, 'sessions ended': 0, 'sessions kept': 0 }

  make(random: Random): TunnelCase {
    return makeTunnelCase(random)
  }

  run(fuzzed: TunnelCase): void {
    this.#decode(fuzzed)
    const history = new History(fuzzed)
    for (const step of fuzzed.steps) history.take(step)
    history.end()
    const { pair } = history
    this.counts.streams += history.streams
    this.counts.bytes += pair.toEdge.totalBytes + pair.toLinker.totalBytes
    this.counts[history.wasBroken ? 'sessions ended' : 'sessions kept']++
  }

  /** The decoder, in pieces, against the slow one. */
  #decode({ steps, cuts }: TunnelCase): void {
    for (const to of ['edge', 'linker'] as const) {
      const injected = Buffer.concat(
        steps.map((step) =>
          (step.do === 'inject' || step.do === 'garbage') && step.to === to ? bytesOf(step) : Buffer.alloc(0),
        ),
      )
      if (injected.length === 0) continue
      this.counts.injected++
      const from = to === 'edge' ? 'linker' : 'edge'
      const reference = referenceDecode(from, injected)
      let frames = 0
      const sink = {
        onFrame: () => void frames++,
        onData: (_: number, __: Buffer, ___: number, ____: number, _end: boolean) => {},
      }
      const decoder = new FrameDecoder(from)
      const ends = [...cuts.map((cut) => Math.floor((cut / 1e6) * injected.length)), injected.length].sort(
        (a, b) => a - b,
      )
      let isBad = false
      try {
        let at = 0
        for (const end of ends) {
          decoder.push(injected, at, end, sink)
          at = end
        }
      } catch (error) {
        if (!(error instanceof BrxyError)) throw error
        same(error.code, 'protocol/bad-frame', 'the code of what is no frame')
        isBad = true
      }
      same(isBad, reference.bad, 'whether it is a frame')
      same(frames, reference.frames.filter(({ type }) => type !== 'DATA').length, 'frames but DATA')
    }
  }

  async close(): Promise<void> {}
}

function bytesOf(step: Extract<TunnelStep, { to: string }>): Buffer {
  return step.do === 'inject' ? referenceEncode(step.frame) : parseHex(step.hex)
}

/** One run of a case. */
class History {
  readonly pair: Pair
  streams = 0
  /** A session ended before its time. */
  wasBroken = false
  readonly #total: number
  readonly #near: { readonly writer: Writer; readonly log: StreamLog; readonly isTcp: boolean }[] = []
  readonly #far = new Map<Stream, { readonly log: StreamLog; writer: Writer | null }>()
  #drained = false

  constructor({ early, seed, fragmentBytes, budgetBytes }: TunnelCase) {
    const options = { seed, fragmentBytes, budgetBytes }
    this.pair = early ? new Pair(options) : Pair.open(GRANTS, options)
    this.#total = this.pair.budget.edge.freeBytes
    this.pair.linkerLog.onOpened = (stream, log) => {
      const isTcp = stream.kind === KIND_TCP
      this.#far.set(stream, { log, writer: isTcp ? { stream, left: -1, ended: false } : null })
    }
  }

  take(step: TunnelStep): void {
    const { pair } = this
    if (step.do === 'inject' || step.do === 'garbage') {
      // Behind what its true sender has sent: a frame is never cut by another.
      pair.flush(pair.edge, pair.toLinker)
      pair.flush(pair.linker, pair.toEdge)
      ;(step.to === 'edge' ? pair.toEdge : pair.toLinker).push(bytesOf(step))
    } else {
      this.#act(step)
    }
    this.#check()
  }

  #act(step: Exclude<TunnelStep, { to: string }>): void {
    const { pair } = this
    const { edge, linker } = pair
    const near = this.#near[step.which % Math.max(1, this.#near.length)]
    const [farStream, far] = [...this.#far][step.which % Math.max(1, this.#far.size)] ?? []
    switch (step.do) {
      case 'open':
      case 'open tcp':
      case 'open upgrade':
        return this.#open(step)
      case 'interim':
      case 'head':
        if (farStream === undefined || farStream.over || farStream.headDone || !linker.isOpen) return
        if (step.do === 'interim') {
          if (farStream.interimCount < 16)
            sendHead(linker, farStream, { interim: true, body: BODY_NONE, head: 'x' })
          return
        }
        sendHead(linker, farStream, { body: step.body, length: step.body === BODY_KNOWN ? step.size : 0 })
        if (far !== undefined) far.writer = writerOf(farStream, step.body, step.size)
        return
      case 'write':
        return write(near?.writer, step.size)
      case 'write back':
        return write(far?.writer, step.size)
      case 'end':
        return end(near?.writer, step.body === BODY_UNKNOWN && near?.isTcp === false)
      case 'end back':
        return end(far?.writer, step.body === BODY_UNKNOWN && farStream?.kind === KIND_HTTP)
      case 'reset':
        return near?.writer.stream.reset(1 + (step.size % 9))
      case 'reset back':
        return farStream?.reset(1 + (step.size % 9))
      case 'refuse':
        if (
          farStream !== undefined &&
          !farStream.over &&
          !farStream.answered &&
          !farStream.hasCredited &&
          !farStream.headDone &&
          linker.isOpen &&
          farStream.interimCount === 0
        )
          linker.refuse(farStream, 1 + (step.size % 4))
        return
      case 'grant':
        if (linker.isOpen && !this.#drained) linker.grant(1 + (step.size % 4))
        return
      case 'reclaim':
        if (linker.isOpen && !linker.isReclaiming && !this.#drained) linker.reclaim(1 + (step.size % 4))
        return
      case 'status':
        return linker.status({ phase: 'ready', slots: step.size % 9, busy: 0 })
      case 'leave':
        return linker.leave()
      case 'replace':
        return linker.replace()
      case 'verdict':
        return edge.verdict(step.size % 2 === 0)
      case 'recall':
        return edge.recall()
      case 'token':
        return edge.token('t'.repeat(1 + (step.size % 1000)))
      case 'demand':
        return edge.setDemand(step.size % 100, pair.nowMs)
      case 'drain':
        // Rare, for little happens afterwards.
        if (step.size % 5 === 0) edge.drain()
        return
      case 'drain back':
        if (step.size % 5 !== 0 || !linker.isOpen) return
        this.#drained = true
        return linker.drain()
      case 'stick':
      case 'unstick': {
        const log = step.size % 2 === 0 ? near?.log : far?.log
        if (log === undefined) return
        log.consumes = step.do === 'unstick'
        if (log.consumes) log.consume()
        return
      }
      case 'deliver':
        for (let moved = step.size % 30; moved > 0; moved--) pair.step()
        return
      case 'time':
        pair.nowMs += step.size % 400
    }
  }

  #open(step: Exclude<TunnelStep, { to: string }>): void {
    const { edge } = this.pair
    if (!edge.isOpen || edge.unspent === 0 || edge.isDraining) return
    const isTcp = step.do === 'open tcp'
    const isUpgrade = step.do === 'open upgrade'
    const body: BodyKind = isTcp || isUpgrade ? BODY_UNKNOWN : step.body
    const length = body === BODY_KNOWN ? step.size : 0
    const { stream, log } = this.pair.start({
      kind: isTcp ? KIND_TCP : KIND_HTTP,
      body,
      length,
      bits: isUpgrade ? OPEN_UPGRADE : 0,
      head: isTcp ? '' : 'x',
    })
    this.streams++
    this.#near.push({ writer: writerOf(stream, body, length), log, isTcp })
  }

  #check(): void {
    const { pair } = this
    demand(pair.maxBatchBytes <= MAX_BATCH_BYTES, `a batch of ${pair.maxBatchBytes} bytes`)
    demand(pair.edge.streams.size <= this.streams, 'streams that nobody opened')
    for (const { log } of [...this.#near, ...this.#far.values()])
      demand(log.unconsumedBytes <= MAX_UNREAD_BYTES, `${log.unconsumedBytes} bytes that nobody has read`)
  }

  /** Everything comes to rest; then the connection is cut, and nothing is left. */
  end(): void {
    const { pair } = this
    pair.settle()
    this.#check()
    for (const side of ['edge', 'linker'] as const) {
      const session = pair[side]
      const { end } = side === 'edge' ? pair.edgeLog : pair.linkerLog
      demand(
        session.isClosed === (end !== null),
        `${side}: closed, and its owner does not know; or the other way round`,
      )
      if (session.isClosed) this.wasBroken = true
      session.transportClosed(pair.nowMs)
      same(session.streams.size, 0, `${side}: streams of a session that is over`)
      same(pair.budget[side].freeBytes, this.#total, `${side}: window bytes that were given back`)
    }
  }
}

function writerOf(stream: Stream, body: BodyKind, length: number): Writer {
  const left = body === BODY_KNOWN ? length : body === BODY_NONE ? 0 : -1
  return { stream, left, ended: left === 0 }
}

function write(writer: Writer | null | undefined, bytes: number): void {
  if (writer === null || writer === undefined) return
  const { stream } = writer
  if (stream.over || writer.ended || (stream.isUpgrade && !stream.headDone)) return
  const take = writer.left < 0 ? bytes : Math.min(bytes, writer.left)
  if (writer.left > 0) writer.left -= take
  if (writer.left === 0) writer.ended = true
  stream.write(Buffer.alloc(take, 0x61), 0, take)
}

function end(writer: Writer | null | undefined, trailers: boolean): void {
  if (writer === null || writer === undefined || writer.stream.over || writer.ended) return
  writer.ended = true
  // Short of its declared length, the stream resets itself.
  writer.stream.end(trailers ? Buffer.from('a: b\r\n') : null)
}
