import { BrxyError } from './error.ts'
import { END_BIT, FRAME, FRAME_HEADER_BYTES, frameRule } from './frame.ts'

/** Receives what the decoder finds. Every span is valid only during the call. */
export interface FrameSink {
  /** A whole frame, of any type but DATA. */
  onFrame(type: number, end: boolean, stream: number, buffer: Buffer, from: number, to: number): void
  /** A part of a DATA payload, as it arrived. `end` is set with the last part of a frame that has END. */
  onData(stream: number, buffer: Buffer, from: number, to: number, end: boolean): void
}

const HEADER = 0
const GATHER = 1
const DATA = 2

/**
 * Turns the tunnel's byte stream into frames (brxy.v1 "message boundaries mean nothing"): a frame may span
 * any number of reads. DATA payload is handed on in the parts in which it arrives and never copied; other
 * frames are gathered, up to the bound of their type. A header is checked as soon as it is read.
 */
export class FrameDecoder {
  readonly #peer: 'edge' | 'linker'
  #state = HEADER
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES)
  #headerBytes = 0
  #type = 0
  #end = false
  #stream = 0
  #left = 0
  #gathered: Buffer | null = null
  #gatheredBytes = 0

  /** @param peer who sends the bytes; frames that this side may not send are errors. */
  constructor(peer: 'edge' | 'linker') {
    this.#peer = peer
  }

  /**
   * Takes in all of buffer[from..to); the caller owns the buffer again afterwards.
   * @throws BrxyError `protocol/bad-frame`, or whatever the sink throws; the decoder must not be used afterwards.
   */
  push(buffer: Buffer, from: number, to: number, sink: FrameSink): void {
    let at = from
    while (at < to) {
      switch (this.#state) {
        case HEADER: {
          if (this.#headerBytes === 0 && to - at >= FRAME_HEADER_BYTES) {
            this.#readHeader(buffer, at)
            at += FRAME_HEADER_BYTES
          } else {
            while (at < to && this.#headerBytes < FRAME_HEADER_BYTES)
              this.#header[this.#headerBytes++] = buffer[at++]
            if (this.#headerBytes < FRAME_HEADER_BYTES) return
            this.#headerBytes = 0
            this.#readHeader(this.#header, 0)
          }
          if (this.#type === FRAME.DATA) {
            this.#state = DATA
          } else if (to - at >= this.#left) {
            const start = at
            at += this.#left
            sink.onFrame(this.#type, this.#end, this.#stream, buffer, start, at)
          } else {
            this.#gathered = Buffer.allocUnsafe(this.#left)
            this.#gatheredBytes = 0
            this.#state = GATHER
          }
          break
        }
        case GATHER: {
          const gathered = this.#gathered as Buffer
          const take = Math.min(this.#left, to - at)
          buffer.copy(gathered, this.#gatheredBytes, at, at + take)
          this.#gatheredBytes += take
          this.#left -= take
          at += take
          if (this.#left > 0) return
          this.#gathered = null
          this.#state = HEADER
          sink.onFrame(this.#type, this.#end, this.#stream, gathered, 0, gathered.length)
          break
        }
        default: {
          const take = Math.min(this.#left, to - at)
          const start = at
          this.#left -= take
          at += take
          if (this.#left === 0) this.#state = HEADER
          sink.onData(this.#stream, buffer, start, at, this.#end && this.#left === 0)
        }
      }
    }
  }

  #readHeader(header: Buffer, at: number): void {
    const first = header[at]
    const type = first & ~END_BIT
    const end = (first & END_BIT) !== 0
    const length = (header[at + 1] << 16) | (header[at + 2] << 8) | header[at + 3]
    const stream = header.readUInt32BE(at + 4)
    const rule = frameRule(type)
    if (rule === undefined) throw bad(`unknown frame type 0x${type.toString(16).padStart(2, '0')}`)
    if (rule.from !== 'either' && rule.from !== this.#peer) throw bad(`${rule.name} from the ${this.#peer}`)
    if (rule.stream !== stream > 0) throw bad(`${rule.name} with stream id ${stream}`)
    if (stream > 0x7fffffff) throw bad(`${rule.name} with stream id ${stream}, above 2^31 - 1`)
    if (end && !rule.end) throw bad(`${rule.name} with END`)
    if (length < rule.minBytes || length > rule.maxBytes) {
      throw bad(`${rule.name} of ${length} bytes; it has ${rule.minBytes} to ${rule.maxBytes}`)
    }
    this.#type = type
    this.#end = end
    this.#stream = stream
    this.#left = length
  }
}

function bad(what: string): BrxyError {
  return new BrxyError('protocol/bad-frame', `brxy.v1: ${what}`)
}
