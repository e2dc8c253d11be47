import {
  BODY_KNOWN,
  BODY_NONE,
  type BodyKind,
  EdgeSession,
  type EdgeSessionHandler,
  type Farewell,
  type Hello,
  KIND_HTTP,
  type SessionEnd,
  type SessionEnvironment,
  type Status,
  type Stream,
  type StreamHandler,
} from '@brxy/protocol'
import type { Problem } from '@brxy/scaler'
import type { App } from '../app.ts'
import type { Puller } from '../puller-heap.ts'

/** Decides whether a linker may serve what it asks for. */
export interface Admission {
  /** @returns the app and what WELCOME says, or why not. */
  admit(hello: Hello, instance: Instance): Promise<Admitted | Farewell>
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
  grants = 0
  isEligible = false
  heapIndex = -1
  hello: Hello | null = null
  app: App | null = null
  /** The launch id, or the instance id of a linker that was started by hand. */
  key = ''
  /** `shop/3`. */
  label = ''
  phase: 'starting' | 'ready' | 'leaving' | 'draining' | 'failed' = 'starting'
  slots = 0
  isSuspect = false
  connectedMs: number
  /** Why the linker said that its application failed. */
  problem: Problem | null = null
  output = ''
  readonly #admission: Admission
  readonly #greeting: Greeting
  readonly #now: () => number
  #hasServed = false
  #onGone: () => void = () => {}
  /** Resolves when the session is over. */
  readonly gone = new Promise<void>((resolve) => {
    this.#onGone = resolve
  })

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

  /** Spends one grant: the request whose canonical head is head[0..headBytes) goes to the linker. */
  open(handler: StreamHandler, body: BodyKind, length: number, head: Buffer, headBytes: number): Stream {
    const { session } = this
    const kind = body === BODY_KNOWN && length === 0 ? BODY_NONE : body
    const stream = session.beginOpen(
      handler,
      KIND_HTTP,
      kind,
      0,
      kind === BODY_NONE ? 0 : Math.max(0, length),
      headBytes,
    )
    head.copy(session.batch.slab, session.headAt, 0, headBytes)
    session.commitOpen(session.headAt + headBytes)
    return stream
  }

  /** A response was completed: the first one proves that the app can be started. */
  served(): void {
    if (this.#hasServed) return
    this.#hasServed = true
    this.app?.served(this)
  }

  // --- EdgeSessionHandler ---

  onHello(hello: Hello): void {
    this.hello = hello
    void this.#admit(hello)
  }

  async #admit(hello: Hello): Promise<void> {
    const answer = await this.#admission.admit(hello, this)
    if (this.session.isClosed) return
    if ('code' in answer) {
      this.session.reject(answer)
      return
    }
    const { app, order, token } = answer
    this.app = app
    this.order = order
    this.slots = hello.slots
    this.phase = hello.phase
    this.session.accept({
      session: `${this.#greeting.edge}-${order}`,
      leave: app.leave,
      token,
      ...this.#greeting,
    })
    app.connected(this, hello, this.#now())
  }

  onStatus(status: Status): void {
    const { app } = this
    if (app === null) return
    this.slots = status.slots
    if (status.phase === 'ready') {
      if (this.phase === 'starting') this.phase = 'ready'
      app.readied(this, this.#now())
      return
    }
    this.phase = 'failed'
    this.output = status.output ?? ''
    this.problem = { code: 'crashed', message: status.reason ?? 'the application failed', final: true }
    app.failed(this, this.problem, this.#now())
  }

  onGrant(count: number): void {
    this.app?.broker.granted(this, count)
  }

  onUngrant(count: number): void {
    this.app?.broker.ungranted(this, count)
  }

  onLeave(): void {
    this.phase = 'leaving'
    this.app?.leaveAsked(this, this.#now())
  }

  onReplace(): void {
    // Decided with rolling restarts; until then the old instance simply stays.
  }

  onDrain(): void {
    this.phase = 'draining'
    this.app?.draining(this, this.#now())
  }

  onSuspect(suspect: boolean): void {
    this.isSuspect = suspect
    this.app?.eligibilityChanged(this, this.#now())
  }

  onClosed(end: SessionEnd): void {
    this.app?.ended(this, end, this.#now())
    this.#onGone()
  }
}
