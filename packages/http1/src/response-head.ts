import { Head } from './head.ts'
import { BODY_NONE, type BodyKind } from './request-head.ts'

/** A response head: a reused view, see {@link Head}. */
export class ResponseHead extends Head {
  override faultStatus: 0 | 502 = 502
  /** 100 to 599. */
  status = 0
  minorVersion: 0 | 1 = 1
  /** Offsets of the reason phrase; the range may be empty. */
  reasonStart = 0
  reasonEnd = 0
  /** A 1xx head but 101: another head follows. */
  interim = false
  bodyKind: BodyKind = BODY_NONE
  /**
   * Bytes; -1 if not known before its end. Of an answer to HEAD and of a 304 (no body): the Content-Length that it
   * carried, -1 if none.
   */
  bodyLength = 0
  /** The body ends with the connection: a cut cannot be told from the end. */
  closeDelimited = false
  /** The connection may be used again, as far as framing and Connection say. */
  keepAlive = true
  /** A 101: what follows is another protocol. */
  upgrade = false

  /** The reason phrase as Latin-1, '' if there was none. */
  reason(): string {
    return this.buffer.toString('latin1', this.reasonStart, this.reasonEnd)
  }

  /** @internal */
  override reset(buffer: Buffer, start: number): void {
    super.reset(buffer, start)
    this.status = 0
    this.minorVersion = 1
    this.reasonStart = start
    this.reasonEnd = start
    this.interim = false
    this.bodyKind = BODY_NONE
    this.bodyLength = 0
    this.closeDelimited = false
    this.keepAlive = true
    this.upgrade = false
  }

  /** @internal */
  override move(buffer: Buffer, distance: number): void {
    super.move(buffer, distance)
    this.reasonStart -= distance
    this.reasonEnd -= distance
  }
}
