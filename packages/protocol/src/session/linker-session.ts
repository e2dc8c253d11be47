import { type Addresses, decodeAddresses, FEATURE_ADDRESSES } from '../addresses.ts'
import { assert } from '../error.ts'
import {
  BODY_NONE,
  BODY_UNKNOWN,
  type BodyKind,
  FRAME,
  frameRule,
  HEAD_INTERIM,
  HEAD_PREFIX_BYTES,
  isBodyless,
  KIND_HTTP,
  KIND_TCP,
  MAX_HEAD_BYTES,
  MAX_INTERIM_HEADS,
  OPEN_ADDRESSES,
  OPEN_UPGRADE,
  RESET,
  type StreamKind,
} from '../frame.ts'
import { readHeadLength, writeHeadPrefix } from '../head-prefix.ts'
import {
  encodeMessage,
  encodeStatus,
  type Hello,
  parseFarewell,
  parseWelcome,
  type Status,
  type Welcome,
} from '../message.ts'
import type { LivenessOptions } from './liveness.ts'
import { VERSIONS } from './options.ts'
import {
  badState,
  HANDSHAKE,
  OPEN,
  Session,
  type SessionEnvironment,
  type SessionHandler,
} from './session.ts'
import { DEAF, type Stream, type StreamHandler } from './stream.ts'

/** The head of an OPEN. The span is valid only during the call. */
export interface OpenRequest {
  readonly kind: StreamKind
  readonly body: BodyKind
  /** OPEN_PASSIVE, OPEN_UPGRADE. */
  readonly bits: number
  /** Declared body length, for BODY_KNOWN. */
  readonly length: number
  /** Of the client's connection; null if the edge did not say, or does not know them. */
  readonly addresses: Addresses | null
  readonly buffer: Buffer
  readonly from: number
  readonly to: number
}

/** What a linker is told of its session with an edge. */
export interface LinkerSessionHandler extends SessionHandler {
  onWelcome(welcome: Welcome): void
  onToken(token: string): void
  /** A request: may it be admitted? @returns 0, and onOpen follows; or a REFUSE reason. */
  admit(kind: StreamKind): number
  /** An admitted request: set `stream.handler` before anything else comes of it. */
  onOpen(stream: Stream, open: OpenRequest): void
  /** The one answer to reclaim(): so many grants came back. */
  onReturn(count: number): void
  onDemand(count: number): void
  onVerdict(go: boolean): void
  onRecall(): void
}

/** What a linker says in HELLO; the rest is filled in. `features`: those that it wants to use, by default none. */
export interface LinkerHello extends Omit<Hello, 'versions' | 'features' | 'windowBytes'> {
  readonly features?: readonly string[]
}

/** The linker's end of a brxy.v1 session. It says HELLO when it is made. */
export class LinkerSession extends Session {
  protected readonly handler: LinkerSessionHandler
  /** Where the canonical head of the HEAD under way goes, in `batch.slab`. */
  headAt = 0
  #reclaiming = false
  #headStream: Stream | null = null
  #headInterim = false
  #headBody: BodyKind = BODY_NONE
  #headLength = 0
  /** The WELCOME named the feature `addresses`, as the HELLO had. */
  #hasAddresses = false
  readonly #features: readonly string[]
  /** The edge said DRAIN. */
  #drained = false

  constructor(handler: LinkerSessionHandler, hello: LinkerHello, env: SessionEnvironment) {
    super('edge', env)
    this.handler = handler
    this.#features = hello.features ?? []
    this.message(
      FRAME.HELLO,
      encodeMessage({ versions: VERSIONS, features: [], windowBytes: this.options.windowBytes, ...hello }),
    )
  }

  /** Highest stream id seen; goes into the next HELLO as `received`. */
  get received(): number {
    return this.lastStream
  }

  /** Reports how the instance is; a reason or output that is too long is cut. */
  status(status: Status): void {
    if (this.state === OPEN) this.message(FRAME.STATUS, encodeStatus(status))
  }

  grant(count: number): void {
    assert(this.state === OPEN && count > 0, 'grants are lent to an open session')
    this.batch.u32(FRAME.GRANT, 0, count)
  }

  /** Asks for unspent grants back; at most one question at a time. */
  reclaim(count: number): void {
    assert(this.state === OPEN && !this.#reclaiming, 'one RECLAIM at a time')
    this.#reclaiming = true
    this.batch.u32(FRAME.RECLAIM, 0, count)
  }

  get isReclaiming(): boolean {
    return this.#reclaiming
  }

  leave(): void {
    if (this.state === OPEN) this.batch.empty(FRAME.LEAVE, false, 0)
  }

  replace(): void {
    if (this.state === OPEN) this.batch.empty(FRAME.REPLACE, false, 0)
  }

  /** No new streams; the edge answers with RETURN of everything unspent. */
  drain(): void {
    if (this.state === OPEN) this.batch.empty(FRAME.DRAIN, false, 0)
  }

  /**
   * Starts a HEAD: makes room for a canonical response head of at most `headBytes`, which the caller writes
   * into `batch.slab` at `headAt` and ends with commitHead(). Nothing else may be sent in between. A HEAD that
   * is not committed leaves no trace. An interim one has BODY_NONE and length 0.
   */
  beginHead(
    stream: Stream,
    interim: boolean,
    body: BodyKind,
    length: number,
    headBytes = MAX_HEAD_BYTES,
  ): void {
    assert(stream.kind === KIND_HTTP && !stream.headDone && !stream.over, 'one final HEAD a stream')
    assert(!interim || body === BODY_NONE, 'an interim HEAD has no body')
    this.#headStream = stream
    this.#headInterim = interim
    this.#headBody = body
    this.#headLength = length
    const at = this.batch.begin(HEAD_PREFIX_BYTES + headBytes)
    this.headAt = writeHeadPrefix(at, this.batch.slab, body, 0, interim ? HEAD_INTERIM : 0, length)
  }

  /** Ends the HEAD under way; the head ends at `to` in `batch.slab`. */
  commitHead(to: number): void {
    const stream = this.#headStream
    assert(stream !== null, 'commitHead follows beginHead')
    this.#headStream = null
    if (this.#headInterim) {
      assert(++stream.interimCount <= MAX_INTERIM_HEADS, 'at most 16 interim heads')
      this.batch.commit(FRAME.HEAD, false, stream.id, to)
      return
    }
    this.batch.commit(FRAME.HEAD, isBodyless(this.#headBody, this.#headLength), stream.id, to)
    stream.headDone = true
    stream.declareSend(this.#headBody, this.#headLength)
    stream.closeIfDone()
  }

  /**
   * Gives an admitted stream back: its application has not seen a byte of it. Once credit was returned for its
   * body a REFUSE is too late, and the stream is reset.
   */
  refuse(stream: Stream, reason: number): void {
    if (stream.over) return
    assert(
      (stream.kind === KIND_TCP || !stream.headDone) && stream.interimCount === 0,
      'REFUSE is the first frame of its stream',
    )
    if (stream.hasCredited) {
      stream.reset(RESET.APP_CLOSED)
      return
    }
    this.batch.u16(FRAME.REFUSE, stream.id, reason)
    stream.close()
  }

  protected override livenessOptions(): LivenessOptions {
    return { ...this.options, openSilenceMs: 0 }
  }

  protected override mayReceiveData(stream: Stream): boolean {
    return stream.headDone || !stream.isUpgrade
  }

  protected override mayReceiveEnd(): boolean {
    return true
  }

  protected override onDrainFrame(): void {
    this.#drained = true
    super.onDrainFrame()
  }

  protected override onSideFrame(
    type: number,
    end: boolean,
    id: number,
    buffer: Buffer,
    from: number,
    to: number,
  ): void {
    switch (type) {
      case FRAME.WELCOME:
        if (this.state !== HANDSHAKE) throw badState('a second WELCOME')
        this.#onWelcome(parseWelcome(buffer.subarray(from, to)))
        return
      case FRAME.REJECT:
        if (this.state !== HANDSHAKE) throw badState('REJECT after WELCOME')
        this.end({ ...parseFarewell('REJECT', buffer.subarray(from, to)), clean: true })
        return
    }
    this.requireOpen(type)
    switch (type) {
      case FRAME.TOKEN:
        this.handler.onToken(buffer.toString('utf8', from, to))
        return
      case FRAME.RETURN:
        this.#reclaiming = false
        this.handler.onReturn(buffer.readUInt32BE(from))
        return
      case FRAME.DEMAND:
        this.handler.onDemand(buffer.readUInt32BE(from))
        return
      case FRAME.VERDICT:
        if (buffer[from] > 1) throw badState(`VERDICT ${buffer[from]}`)
        this.handler.onVerdict(buffer[from] === 1)
        return
      case FRAME.RECALL:
        this.handler.onRecall()
        return
      case FRAME.OPEN:
        this.#onOpen(end, id, buffer, from, to)
        return
      default:
        throw badState(`${frameRule(type)?.name} is not for a linker`)
    }
  }

  #onWelcome(welcome: Welcome): void {
    if (welcome.version < VERSIONS[0] || welcome.version > VERSIONS[1])
      throw badState(`WELCOME with version ${welcome.version}`)
    this.peerWindowBytes = welcome.windowBytes
    this.#hasAddresses = [this.#features, welcome.features].every((each) => each.includes(FEATURE_ADDRESSES))
    this.state = OPEN
    this.handler.onWelcome(welcome)
  }

  #onOpen(end: boolean, id: number, buffer: Buffer, from: number, to: number): void {
    if (id !== this.lastStream + 1) throw badState(`OPEN ${id} after ${this.lastStream}`)
    if (this.#drained) throw badState(`OPEN ${id} after DRAIN`)
    const kind = buffer[from]
    const body = buffer[from + 1]
    const bits = buffer.readUInt16BE(from + 2)
    const length = readHeadLength(buffer, from + 4)
    if (kind !== KIND_HTTP && kind !== KIND_TCP) throw badState(`OPEN of kind ${kind}`)
    if (body > 2) throw badState(`OPEN with body kind ${body}`)
    if (isBodyless(body, length) !== end) throw badState('END goes with an OPEN exactly when no body follows')
    let headAt = from + HEAD_PREFIX_BYTES
    let addresses: Addresses | null = null
    if ((bits & OPEN_ADDRESSES) !== 0) {
      if (!this.#hasAddresses) throw badState('OPEN with addresses, which were not agreed on')
      ;({ addresses, end: headAt } = decodeAddresses(buffer, headAt, to))
    }
    if (kind === KIND_TCP && (body !== BODY_UNKNOWN || to > headAt)) {
      throw badState('an OPEN of kind TCP has body kind unknown and no head')
    }
    this.lastStream = id
    const refused = this.handler.admit(kind)
    if (this.isClosed) return
    if (refused !== 0) {
      this.batch.u16(FRAME.REFUSE, id, refused)
      return
    }
    const stream = this.newStream(id, kind, UNHANDLED)
    this.addStream(stream)
    stream.isUpgrade = (bits & OPEN_UPGRADE) !== 0
    stream.declareReceive(body as BodyKind, length)
    this.handler.onOpen(stream, {
      kind,
      body: body as BodyKind,
      bits,
      length,
      addresses,
      buffer,
      from: headAt,
      to,
    })
    assert(stream.over || stream.handler !== UNHANDLED, 'onOpen sets the handler of its stream')
    if (end) stream.receiveEnd()
  }
}

/** Stands in until onOpen has set the real handler, in the same call; no other is the same object. */
const UNHANDLED: StreamHandler = { ...DEAF }
