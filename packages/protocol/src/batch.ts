import { assert } from './error.ts'
import { encodeHeader, FRAME_HEADER_BYTES } from './frame.ts'

/** Payloads up to this size are copied into the slab; larger ones are written by reference. */
export const COPY_BYTES = 4 * 1024

const SLAB_BYTES = 256 * 1024

/**
 * The frames that will leave in the next flush: small ones gather in one slab, large payloads stand between
 * as references. Pure memory: the session writes into it, the transport takes the segments out.
 *
 *     slab:     [hdr pong][hdr DATA].........[hdr GRANT]
 *     segments: [----- slab ------][payload by ref][slab]
 */
export class FrameBatch {
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
  /** Start of the slab bytes that are not yet in a segment. */
  #start = 0
  #at = 0
  #segments: Buffer[] = []
  /** Where the frame that begin() started stands; -1 for none. */
  #frameAt = -1
  #frameMaxBytes = 0
  /** Frames since the last take(). */
  frameCount = 0
  /** Bytes since the last take(). */
  byteCount = 0
  /** Called after each frame, so that a transport can schedule a flush. */
  onFrame: (() => void) | null = null

  /** Where a payload of at most `maxBytes` may be written, after begin(). */
  get slab(): Buffer {
    return this.#slab
  }

  get isEmpty(): boolean {
    return this.frameCount === 0
  }

  /**
   * Makes room for a frame of up to `maxBytes` payload and returns where in `slab` its payload starts. Nothing
   * else may be put into the batch before commit(); a frame that is never committed leaves no trace.
   */
  begin(maxBytes: number): number {
    const need = FRAME_HEADER_BYTES + maxBytes
    if (this.#at + need > this.#slab.length) this.#newSlab(need)
    this.#frameAt = this.#at
    this.#frameMaxBytes = maxBytes
    return this.#at + FRAME_HEADER_BYTES
  }

  /** Ends the frame that begin() started; its payload ends at `to` in the slab. */
  commit(type: number, end: boolean, stream: number, to: number): void {
    const from = this.#frameAt
    const payloadBytes = to - from - FRAME_HEADER_BYTES
    // Anything else that was begun or committed in between stands where this frame's payload is.
    assert(
      from >= 0 && payloadBytes >= 0 && payloadBytes <= this.#frameMaxBytes,
      'commit ends one begun frame, within its room',
    )
    this.#frameAt = -1
    encodeHeader(this.#slab, from, type, end, payloadBytes, stream)
    this.#at = to
    this.#count(to - from)
  }

  /** A frame without payload. */
  empty(type: number, end: boolean, stream: number): void {
    this.commit(type, end, stream, this.begin(0))
  }

  /** A frame whose payload is one u32. */
  u32(type: number, stream: number, value: number): void {
    const at = this.begin(4)
    this.#slab.writeUInt32BE(value, at)
    this.commit(type, false, stream, at + 4)
  }

  /** A frame whose payload is one u16. */
  u16(type: number, stream: number, value: number): void {
    const at = this.begin(2)
    this.#slab.writeUInt16BE(value, at)
    this.commit(type, false, stream, at + 2)
  }

  /** A frame whose payload is copied from source[from..to), whatever its size. */
  copy(type: number, end: boolean, stream: number, source: Uint8Array, from: number, to: number): void {
    const at = this.begin(to - from)
    this.#slab.set(from === 0 && to === source.length ? source : source.subarray(from, to), at)
    this.commit(type, end, stream, at + to - from)
  }

  /**
   * A frame whose payload may stand by reference.
   * @returns whether `source` is now referenced, so that its owner must not write into it again.
   */
  payload(type: number, end: boolean, stream: number, source: Buffer, from: number, to: number): boolean {
    const length = to - from
    if (length <= COPY_BYTES) {
      const at = this.begin(length)
      source.copy(this.#slab, at, from, to)
      this.commit(type, end, stream, at + length)
      return false
    }
    const at = this.begin(0)
    encodeHeader(this.#slab, at - FRAME_HEADER_BYTES, type, end, length, stream)
    this.#frameAt = -1
    this.#at = at
    this.#segments.push(this.#slab.subarray(this.#start, at), source.subarray(from, to))
    this.#start = at
    this.#count(FRAME_HEADER_BYTES + length)
    return true
  }

  /** The segments to write, in order. The batch is empty afterwards; say release() once they are with the kernel. */
  take(): Buffer[] {
    const segments = this.#segments
    if (this.#at > this.#start) segments.push(this.#slab.subarray(this.#start, this.#at))
    this.#start = this.#at
    this.#segments = []
    this.frameCount = 0
    this.byteCount = 0
    return segments
  }

  /** The kernel has all that was taken: the slab can be written from its start again. */
  release(): void {
    // A frame that is committed but not taken, or begun but not committed, stands in the slab.
    if (this.frameCount > 0 || this.#frameAt >= 0) return
    this.#start = 0
    this.#at = 0
  }

  #newSlab(need: number): void {
    if (this.#at > this.#start) this.#segments.push(this.#slab.subarray(this.#start, this.#at))
    this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, need))
    this.#start = 0
    this.#at = 0
  }

  #count(bytes: number): void {
    this.frameCount++
    this.byteCount += bytes
    if (this.onFrame !== null) this.onFrame()
  }
}
