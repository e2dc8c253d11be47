import {
  BODY_KNOWN,
  BODY_NONE,
  BODY_UNKNOWN,
  type BodyKind,
  EdgeSession,
  type EdgeSessionHandler,
  type Farewell,
  type Hello,
  KIND_HTTP,
  KIND_TCP,
  OPEN_PASSIVE,
  type SessionEnd,
  type SessionEnvironment,
  type Status,
  type Stream,
  type StreamHandler,
} from '@brxy/protocol'
import type { Problem } from '@brxy/scaler'
import type { App } from '../app.ts'
import type { Peer } from '../forward/peer.ts'
import type { StartTimes } from '../forward/server-timing.ts'
import type { Puller } from '../puller-heap.ts'

/** Decides whether a linker may serve what it asks for. */
export interface Admission {
  /** Answers with accept() or reject() of the instance, now or later. */
  admit(hello: Hello, instance: Instance): void
}

export interface Admitted {
  readonly app: App
  readonly order: number
  readonly token: string
}

/** What every WELCOME of an edge says. */
export interface Greeting {
  readonly edge: string
  readonly edges: readonly string[]
  readonly reconnectSpreadMs: number
}

/** One session of a linker: what the broker gives requests to, and what the scaling controller hears of. */
export class Instance implements EdgeSessionHandler, Puller {
  readonly session: EdgeSession
  order = 0
  /** Counts all sessions of the edge. */
  sessionNumber = 0
  grants = 0
  isEligible = false
  heapIndex = -1
  hello: Hello | null = null
  app: App | null = null
  /** The launch id, or the instance id of a linker that was started by hand. */
  key = ''
  /** `shop/3`. */
  label = ''
  /** As WELCOME says it, and the HELLO of a session that replaces this one; '' until then. */
  sessionId = ''
  phase: 'starting' | 'ready' | 'leaving' | 'draining' | 'parked' | 'failed' = 'starting'
  slots = 0
  isSuspect = false
  /** Its linker process has just opened a new session here: it is back before it was missed. */
  isReopened = false
  /** Requests it was given, without passive ones: they are no reason to stay. */
  dispatched = 0
  connectedMs: number
  /** How it came up; null until it has, and for one that no launch was asked for or that only came back. */
  start: StartTimes | null = null
  /** Why the linker said that its application failed. */
  problem: Problem | null = null
  output = ''
  readonly #admission: Admission
  readonly #greeting: Greeting
  readonly #now: () => number
  #hasServed = false
  #hasGranted = false

  constructor(admission: Admission, greeting: Greeting, env: SessionEnvironment, now: () => number) {
    this.#admission = admission
    this.#greeting = greeting
    this.#now = now
    this.connectedMs = env.nowMs
    this.session = new EdgeSession(this, env)
  }

  /** Requests in it now. */
  get busy(): number {
    return this.session.streams.size
  }

  /**
   * Spends one grant: the request whose canonical head is head[0..headBytes) goes to the linker.
   * @param peer who sent it, for a linker that wants to know
   * @param bits OPEN_PASSIVE, OPEN_UPGRADE
   */
  open(
    handler: StreamHandler,
    peer: Peer,
    body: BodyKind,
    length: number,
    bits: number,
    head: Buffer,
    headBytes: number,
  ): Stream {
    const { session } = this
    const kind = body === BODY_KNOWN && length === 0 ? BODY_NONE : body
    const declared = kind === BODY_KNOWN ? length : 0
    const addresses = session.takesAddresses ? peer.encoded : null
    const stream = session.beginOpen(handler, KIND_HTTP, kind, bits, declared, headBytes, addresses)
    head.copy(session.batch.slab, session.headAt, 0, headBytes)
    session.commitOpen(session.headAt + headBytes)
    if ((bits & OPEN_PASSIVE) === 0) this.dispatched++
    return stream
  }

  /** Spends one grant: a client's connection goes to the linker as it is. */
  openTcp(handler: StreamHandler, peer: Peer, isPassive: boolean): Stream {
    const { session } = this
    const addresses = session.takesAddresses ? peer.encoded : null
    const bits = isPassive ? OPEN_PASSIVE : 0
    const stream = session.beginOpen(handler, KIND_TCP, BODY_UNKNOWN, bits, 0, 0, addresses)
    session.commitOpen(session.headAt)
    if (!isPassive) this.dispatched++
    return stream
  }

  /** It has completed a response. */
  get hasServed(): boolean {
    return this.#hasServed
  }

  /** A response was completed: the first one proves that the app can be started. */
  served(): void {
    if (this.#hasServed) return
    this.#hasServed = true
    this.app?.served(this)
  }

  /** The linker serves the app from now on, unless its session ended meanwhile. */
  accept({ app, order, token }: Admitted): void {
    const { hello, session } = this
    if (hello === null || session.isClosed) return
    this.app = app
    this.sessionNumber = order
    this.slots = hello.slots
    this.phase = hello.phase
    this.sessionId = `${this.#greeting.edge}-${order}`
    session.accept({
      session: this.sessionId,
      leave: app.leaveOf(hello),
      token,
      ...this.#greeting,
    })
    app.connected(this, hello, this.#now())
  }

  /** A new session of the same linker process takes its place. */
  giveWay(): void {
    this.isReopened = true
    this.session.goaway('edge/replaced', 'the linker opened a new session', true)
  }

  reject(farewell: Farewell): void {
    this.session.reject(farewell)
  }

  // --- EdgeSessionHandler ---

  onHello(hello: Hello): void {
    this.hello = hello
    this.#admission.admit(hello, this)
  }

  onStatus(status: Status): void {
    const { app } = this
    // A failure is the end.
    if (app === null || this.phase === 'failed') return
    this.slots = status.slots
    switch (status.phase) {
      case 'starting':
        // Of a parked one; a RECALL has said so already, unless it was that of another edge.
        if (this.phase === 'parked') this.phase = 'starting'
        return app.restarted(this, this.#now())
      case 'ready':
        if (this.phase === 'starting' || this.phase === 'parked') this.phase = 'ready'
        return app.readied(this, this.#now())
      case 'parked':
        this.phase = 'parked'
        return app.parked(this, this.#now())
      case 'failed':
        this.phase = 'failed'
        this.output = status.output ?? ''
        this.problem = { code: 'crashed', message: status.reason ?? 'the application failed', final: true }
        return app.failed(this, this.problem, this.#now())
    }
  }

  onGrant(count: number): void {
    // Whoever leaves lends nothing: another edge has told it to stay.
    if (this.phase === 'leaving') this.app?.stays(this, this.#now())
    if (!this.#hasGranted) {
      this.#hasGranted = true
      this.app?.firstGranted(this, this.#now())
    }
    this.app?.broker.granted(this, count)
  }

  onUngrant(count: number): void {
    this.app?.broker.ungranted(this, count)
  }

  onLeave(): void {
    // It stayed after its last LEAVE, and has lent nothing to this edge since.
    if (this.phase === 'leaving') this.app?.stays(this, this.#now())
    // One that leaves already may not know it yet: GO for its REPLACE has crossed this. All others have nothing to leave.
    if (this.phase !== 'ready' && this.phase !== 'leaving') return
    this.phase = 'leaving'
    this.app?.leaveAsked(this, this.#now())
  }

  onReplace(): void {
    // DRAIN ends all questions, and nothing is left of one that failed.
    if (this.phase !== 'draining' && this.phase !== 'failed') this.app?.replaceAsked(this, this.#now())
  }

  onDrain(): void {
    if (this.phase === 'failed') return
    this.phase = 'draining'
    this.app?.draining(this, this.#now())
  }

  onSuspect(suspect: boolean): void {
    this.isSuspect = suspect
    this.app?.eligibilityChanged(this, this.#now())
  }

  onClosed(end: SessionEnd): void {
    this.app?.ended(this, end, this.#now())
  }
}
