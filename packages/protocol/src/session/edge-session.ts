import { FEATURE_ADDRESSES } from '../addresses.ts'
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
  MAX_GRANTS,
  MAX_HEAD_BYTES,
  MAX_INTERIM_HEADS,
  OPEN_ADDRESSES,
  OPEN_UPGRADE,
  REFUSE,
  type StreamKind,
} from '../frame.ts'
import { readHeadLength, writeHeadPrefix } from '../head-prefix.ts'
import {
  encodeMessage,
  type Farewell,
  type Hello,
  parseHello,
  parseStatus,
  type Status,
  type Welcome,
} from '../message.ts'
import type { LivenessOptions } from './liveness.ts'
import { VERSIONS } from './options.ts'
import {
  badState,
  CLOSED,
  HANDSHAKE,
  OPEN,
  Session,
  type SessionEnvironment,
  type SessionHandler,
} from './session.ts'
import type { Stream, StreamHandler } from './stream.ts'

/** What an edge is told of a linker's session. */
export interface EdgeSessionHandler extends SessionHandler {
  /** Answer with accept() or reject(), now or later. */
  onHello(hello: Hello): void
  onStatus(status: Status): void
  /** The session lent `count` more grants; `unspent` is the new sum. */
  onGrant(count: number): void
  /** The session's unspent grants fell by `count`: they were reclaimed, voided or the linker drains. */
  onUngrant(count: number): void
  /** The instance wants to leave; answer with verdict(). */
  onLeave(): void
  onReplace(): void
  /** The tunnel is silent after an OPEN (true: send it no more), or was heard again (false). */
  onSuspect(suspect: boolean): void
}

/** The edge's end of a brxy.v1 session. */
export class EdgeSession extends Session {
  protected readonly handler: EdgeSessionHandler
  /** Grants lent and not yet spent. */
  unspent = 0
  #hello: Hello | null = null
  /** The OPEN under way. The stream exists, and the grant is spent, when it is committed. */
  #opening: Stream | null = null
  #openBody: BodyKind = BODY_NONE
  #openLength = 0
  /** OPENs were committed since the transport last spoke: they leave when it does. */
  #opened = false
  #draining = false
  /** Stream ids are used up: the session ends with its last stream. */
  #rollingOver = false
  #demand = 0
  #demandSent = 0
  #demandAtMs = Number.POSITIVE_INFINITY

  constructor(handler: EdgeSessionHandler, env: SessionEnvironment) {
    super('linker', env)
    this.handler = handler
  }

  get hello(): Hello | null {
    return this.#hello
  }

  /** Whether the linker asked for the addresses of clients; each OPEN may then have them. */
  get takesAddresses(): boolean {
    return this.#hello?.features.includes(FEATURE_ADDRESSES) === true
  }

  /**
   * Accepts the HELLO, unless the session ended meanwhile (onClosed said so). `version`, `features` and
   * `windowBytes` are filled in here.
   */
  accept(welcome: Omit<Welcome, 'version' | 'features' | 'windowBytes'>): void {
    if (this.state === CLOSED) return
    const hello = this.#hello
    assert(hello !== null && this.state === HANDSHAKE, 'accept answers one HELLO')
    // What was sent and not answered is kept for a replay (rule 5): no linker decides how much memory that is.
    this.peerWindowBytes = Math.min(hello.windowBytes, this.options.maxWindowBytes)
    this.state = OPEN
    this.message(
      FRAME.WELCOME,
      encodeMessage({
        version: Math.min(VERSIONS[1], hello.versions[1]),
        features: this.takesAddresses ? [FEATURE_ADDRESSES] : [],
        windowBytes: this.options.windowBytes,
        ...welcome,
      }),
    )
    if (this.#demand > 0) this.#sendDemand(this.nowMs)
  }

  /** Refuses the HELLO and ends the session. */
  reject(farewell: Farewell): void {
    if (this.state === CLOSED) return
    this.message(FRAME.REJECT, encodeMessage(farewell))
    this.end({ ...farewell, clean: true })
  }

  /**
   * Starts an OPEN: makes room for a canonical head of at most `headBytes`, which the caller writes into
   * `batch.slab` at `headAt` and ends with commitOpen(). Nothing else may be sent in between. An OPEN that is
   * not committed (its head could not be written) leaves no trace. For an upgrade the body is BODY_UNKNOWN,
   * and DATA may be written after HEAD; for TCP it is BODY_UNKNOWN and the head is empty.
   * @param addresses made by encodeAddresses(), for a linker that takes them; null: none
   */
  beginOpen(
    handler: StreamHandler,
    kind: StreamKind,
    body: BodyKind,
    bits: number,
    length: number,
    headBytes = MAX_HEAD_BYTES,
    addresses: Buffer | null = null,
  ): Stream {
    assert(this.state === OPEN && this.unspent > 0, 'an OPEN spends a grant of an open session')
    assert(kind === KIND_HTTP || body === BODY_UNKNOWN, 'a TCP stream has a body of unknown length')
    assert(addresses === null || this.takesAddresses, 'addresses go to a linker that asked for them')
    const stream = this.newStream(this.lastStream + 1, kind, handler)
    stream.isUpgrade = (bits & OPEN_UPGRADE) !== 0
    this.#opening = stream
    this.#openBody = body
    this.#openLength = length
    const at = this.batch.begin(HEAD_PREFIX_BYTES + (addresses?.length ?? 0) + headBytes)
    const allBits = addresses === null ? bits : bits | OPEN_ADDRESSES
    this.headAt = writeHeadPrefix(at, this.batch.slab, kind, body, allBits, length)
    if (addresses !== null) this.headAt += addresses.copy(this.batch.slab, this.headAt)
    return stream
  }

  /** Where the canonical head of the OPEN under way goes, in `batch.slab`. */
  headAt = 0

  /** Ends the OPEN under way and spends a grant; the head ends at `to` in `batch.slab`. */
  commitOpen(to: number): void {
    const stream = this.#opening
    assert(stream !== null, 'commitOpen follows beginOpen')
    assert(stream.kind === KIND_HTTP || to === this.headAt, 'the head of a TCP stream is empty')
    this.#opening = null
    this.batch.commit(FRAME.OPEN, isBodyless(this.#openBody, this.#openLength), stream.id, to)
    this.unspent--
    this.addStream(stream)
    stream.declareSend(this.#openBody, this.#openLength)
    this.#opened = true
    // Ids are never reused: a session that has used them up is replaced by a new one (rule 10).
    if (stream.id >= this.options.maxStreamId) {
      this.#rollingOver = true
      this.drain()
    }
  }

  /** Number of held requests of this route now. Sent at each change between 0 and more, else once a second. */
  setDemand(count: number, nowMs: number): void {
    this.#demand = count
    if (this.state !== OPEN) return
    if ((count === 0) !== (this.#demandSent === 0)) this.#sendDemand(nowMs)
  }

  verdict(go: boolean): void {
    if (this.state !== OPEN) return
    const at = this.batch.begin(1)
    this.batch.slab[at] = go ? 1 : 0
    this.batch.commit(FRAME.VERDICT, false, 0, at + 1)
  }

  recall(): void {
    if (this.state === OPEN) this.batch.empty(FRAME.RECALL, false, 0)
  }

  token(token: string): void {
    if (this.state === OPEN) this.message(FRAME.TOKEN, Buffer.from(token))
  }

  /** No new streams from now on; the unspent grants go back. Running streams go on. */
  drain(): void {
    if (this.state !== OPEN || this.#draining) return
    this.#draining = true
    this.batch.empty(FRAME.DRAIN, false, 0)
    this.#return(this.unspent)
  }

  get isDraining(): boolean {
    return this.#draining
  }

  override nextDeadline(): number {
    const deadline = super.nextDeadline()
    if (this.state !== OPEN) return deadline
    return this.#isUsedUp() ? this.nowMs : Math.min(deadline, this.#demandAtMs)
  }

  override tick(nowMs: number): void {
    super.tick(nowMs)
    if (this.state !== OPEN) return
    if (this.#isUsedUp()) this.goaway('protocol/rollover', 'all stream ids of the session are used', true)
    else if (nowMs >= this.#demandAtMs) this.#sendDemand(nowMs)
  }

  override transportHolds(bytes: number, nowMs: number): void {
    if (this.#opened) {
      this.#opened = false
      this.liveness.opened(nowMs)
    }
    super.transportHolds(bytes, nowMs)
  }

  protected override livenessOptions(): LivenessOptions {
    return this.options
  }

  protected override mayReceiveData(stream: Stream): boolean {
    return stream.headDone
  }

  protected override mayReceiveEnd(stream: Stream): boolean {
    return stream.headDone
  }

  protected override onSuspect(suspect: boolean): void {
    this.handler.onSuspect(suspect)
  }

  /** A linker's DRAIN is answered by RETURN of everything unspent. */
  protected override onDrainFrame(): void {
    this.#return(this.unspent)
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
    if (type !== FRAME.HELLO) this.requireOpen(type)
    switch (type) {
      case FRAME.HELLO:
        this.#onHello(buffer.subarray(from, to))
        return
      case FRAME.STATUS:
        this.handler.onStatus(parseStatus(buffer.subarray(from, to)))
        return
      case FRAME.GRANT:
        this.#onGrant(buffer.readUInt32BE(from))
        return
      case FRAME.RECLAIM:
        this.#return(Math.min(buffer.readUInt32BE(from), this.unspent))
        return
      case FRAME.LEAVE:
        this.handler.onLeave()
        return
      case FRAME.REPLACE:
        this.handler.onReplace()
        return
      case FRAME.REFUSE: {
        const stream = this.find(type, id)
        if (stream?.answered) throw badState('REFUSE after another frame of its stream')
        const reason = buffer.readUInt16BE(from)
        stream?.close()
        // The application is gone: no grant of it is worth anything (rule 3), whether or not the stream was reset
        // meanwhile, for the linker has dropped them. First, so that the refused request does not go there again.
        if (reason === REFUSE.INSTANCE) this.#void()
        stream?.handler.onRefuse(reason)
        return
      }
      case FRAME.HEAD: {
        const stream = this.find(type, id)
        if (stream !== undefined) this.#onHead(stream, end, buffer, from, to)
        return
      }
      default:
        throw badState(`${frameRule(type)?.name} is not for an edge`)
    }
  }

  #onHello(payload: Buffer): void {
    if (this.state !== HANDSHAKE || this.#hello !== null) throw badState('a second HELLO')
    const hello = parseHello(payload)
    if (hello.versions[0] > VERSIONS[1] || hello.versions[1] < VERSIONS[0]) {
      const message = `the linker speaks versions ${hello.versions.join(' to ')}, this edge ${VERSIONS.join(' to ')}`
      this.reject({ code: 'protocol/version', message, retryable: false })
      return
    }
    this.#hello = hello
    this.handler.onHello(hello)
  }

  #onGrant(count: number): void {
    if (count === 0 || this.unspent + count > MAX_GRANTS)
      throw badState(`GRANT ${count} on top of ${this.unspent}`)
    // A GRANT that crossed this edge's DRAIN is given back at once; the handler never had it.
    if (this.#draining) {
      this.batch.u32(FRAME.RETURN, 0, count)
      return
    }
    this.unspent += count
    this.handler.onGrant(count)
  }

  #onHead(stream: Stream, end: boolean, buffer: Buffer, from: number, to: number): void {
    if (stream.kind !== KIND_HTTP || stream.headDone || stream.remoteEnd) throw badState('a HEAD too many')
    const body = buffer[from]
    const interim = (buffer.readUInt16BE(from + 2) & HEAD_INTERIM) !== 0
    const length = readHeadLength(buffer, from + 4)
    if (body > 2) throw badState(`HEAD with body kind ${body}`)
    if (interim) {
      if (body !== BODY_NONE || end || ++stream.interimCount > MAX_INTERIM_HEADS)
        throw badState('a bad interim HEAD')
    } else {
      if (isBodyless(body, length) !== end)
        throw badState('END goes with a HEAD exactly when no body follows')
      stream.headDone = true
      stream.declareReceive(body as BodyKind, length)
    }
    stream.answered = true
    stream.handler.onHead(interim, body as BodyKind, length, buffer, from + HEAD_PREFIX_BYTES, to)
    if (end) stream.receiveEnd()
  }

  #void(): void {
    const count = this.unspent
    this.unspent = 0
    if (count > 0) this.handler.onUngrant(count)
  }

  #isUsedUp(): boolean {
    return this.#rollingOver && this.streams.size === 0
  }

  #return(count: number): void {
    this.unspent -= count
    this.batch.u32(FRAME.RETURN, 0, count)
    if (count > 0) this.handler.onUngrant(count)
  }

  #sendDemand(nowMs: number): void {
    this.#demandSent = this.#demand
    this.#demandAtMs = this.#demand > 0 ? nowMs + this.options.demandMs : Number.POSITIVE_INFINITY
    this.batch.u32(FRAME.DEMAND, 0, this.#demand)
  }
}
