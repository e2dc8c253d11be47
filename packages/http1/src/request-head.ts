import { SLASH, STAR } from './bytes.ts'
import { Head } from './head.ts'
import { type HostParts, parseHost } from './host.ts'

/** No body, a body of known length, a body whose length shows only at its end. The numbers of brxy.v1. */
export const BODY_NONE = 0
export const BODY_KNOWN = 1
export const BODY_UNKNOWN = 2
export type BodyKind = 0 | 1 | 2

/** Forms of a request target, RFC 9112 3.2. The authority-form belongs to CONNECT, which is refused. */
export const TARGET_ORIGIN = 0
export const TARGET_ABSOLUTE = 1
export const TARGET_ASTERISK = 2
export type TargetForm = 0 | 1 | 2

/** A request head: a reused view, see {@link Head}. */
export class RequestHead extends Head {
  /** As sent; the string is shared for registered methods. */
  method = ''
  isHead = false
  /** 1.2 to 1.9 count as 1. */
  minorVersion: 0 | 1 = 1
  targetForm: TargetForm = TARGET_ORIGIN
  /** Offsets of the target that is forwarded, without {@link targetPrefix}; the range may be empty. */
  targetStart = 0
  targetEnd = 0
  /** Byte that goes before the range: an absolute-form target without a path becomes `/` or `*`. 0: none. */
  targetPrefix: 0 | 0x2f | 0x2a = 0
  /** @internal Authority of an absolute-form target. */
  authorityStart = 0
  authorityEnd = 0
  /** Lower case, no port, no final dot; '' for an HTTP/1.0 request without Host. */
  hostKey = ''
  bodyKind: BodyKind = BODY_NONE
  /** Bytes; 0 without a body, -1 if not known before its end. */
  bodyLength = 0
  /** What the client wants: 1.1 without `close`, or 1.0 with `keep-alive`. */
  keepAlive = true
  /** A 100 (Continue) is waited for: 1.1, and a body is to come. */
  expectContinue = false
  /** The client takes trailers (`TE: trailers`). */
  teTrailers = false
  /** The one protocol asked for if the upgrade may be forwarded, else ''. `websocket` is always lower case. */
  upgrade = ''

  #hostText = ''
  #host: HostParts | null = null

  /** What is forwarded: the origin-form, or `*`. */
  target(): string {
    const text = this.buffer.toString('latin1', this.targetStart, this.targetEnd)
    if (this.targetPrefix === 0) return text
    return (this.targetPrefix === SLASH ? '/' : '*') + text
  }

  /** The Host value as sent; '' if there was none. */
  hostBytes(): string {
    return this.hostKey === '' ? '' : this.#hostText
  }

  /**
   * @internal The Host value in bytes [start, end), taken apart, or null if it is none. On a connection that keeps
   * asking for one host this compares bytes and makes nothing.
   */
  parseHostBytes(start: number, end: number): HostParts | null {
    const text = this.#hostText
    let same = text.length === end - start && this.#host !== null
    for (let i = 0; same && i < text.length; i++) same = this.buffer[start + i] === text.charCodeAt(i)
    if (!same) {
      this.#hostText = this.buffer.toString('latin1', start, end)
      this.#host = parseHost(this.#hostText)
    }
    return this.#host
  }

  /** @internal */
  override reset(buffer: Buffer, start: number): void {
    super.reset(buffer, start)
    this.method = ''
    this.isHead = false
    this.minorVersion = 1
    this.targetForm = TARGET_ORIGIN
    this.targetStart = start
    this.targetEnd = start
    this.targetPrefix = 0
    this.authorityStart = start
    this.authorityEnd = start
    this.hostKey = ''
    this.bodyKind = BODY_NONE
    this.bodyLength = 0
    this.keepAlive = true
    this.expectContinue = false
    this.teTrailers = false
    this.upgrade = ''
  }

  /** @internal */
  override move(buffer: Buffer, distance: number): void {
    super.move(buffer, distance)
    this.targetStart -= distance
    this.targetEnd -= distance
    this.authorityStart -= distance
    this.authorityEnd -= distance
  }
}

/** Values of {@link RequestHead.targetPrefix}. */
export const PREFIX_SLASH = SLASH as 0x2f
export const PREFIX_STAR = STAR as 0x2a
