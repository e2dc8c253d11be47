import { randomBytes } from 'node:crypto'
import {
  DEFAULT_WINDOW_BUDGET_BYTES,
  FEATURE_ADDRESSES,
  type Hello,
  type LinkerSession,
  OPEN_PASSIVE,
  type OpenRequest,
  REFUSE,
  type SessionEnd,
  type Stream,
  type Welcome,
  WindowBudget,
} from '@brxy/protocol'
import { TimerWheel, WheelTimer } from '@brxy/protocol/transport'
import { ApplicationRun, type ApplicationRunOwner } from './application-run.ts'
import type { ControlTarget, SlotState } from './control/control-request.ts'
import type { Forwarder } from './forward/forwarder.ts'
import { Ledger, type LedgerAction } from './ledger/ledger.ts'
import { SlotCount } from './ledger/slot-count.ts'
import type { AppEnd, LifeAction } from './life/action.ts'
import { Life } from './life/life.ts'
import type { LinkerConfig } from './linker-config.ts'
import { monotonicMs } from './monotonic.ts'
import { SelfReport } from './self-report.ts'
import type { EdgeLink, EdgeLinkOwner } from './tunnel/edge-link.ts'
import { EdgeLinks } from './tunnel/edge-links.ts'
import { readEdgeTls } from './tunnel/edge-tls.ts'
import { sayFarewell } from './tunnel/farewell.ts'

/** An unanswered RECLAIM is written off after this time (brxy.v1 rule 2). */
const RECLAIM_MS = 2_000
/** Longest wait for an edge that could be told why the application failed. */
const REPORT_MS = 5_000
/** Any time will do. */
const KEEP_ALIVE_MS = 3_600_000

/**
 * One linker: an application, the edges it is linked to, and the two state machines that decide: the ledger (how
 * many requests at a time) and the life (when to lend, leave and stop). This class carries events between them.
 */
export class Linker implements EdgeLinkOwner, ApplicationRunOwner, ControlTarget {
  readonly wheel = new TimerWheel(undefined, monotonicMs)
  readonly budget = new WindowBudget(DEFAULT_WINDOW_BUDGET_BYTES)
  readonly #config: LinkerConfig
  readonly #ledger: Ledger<EdgeLink>
  #slots: SlotCount
  readonly #life: Life<EdgeLink>
  readonly #self: SelfReport
  readonly #links: EdgeLinks
  readonly #timer: WheelTimer
  #run: ApplicationRun | null = null
  #forwarder: Forwarder | null = null
  #failure: { readonly reason: string; readonly end: AppEnd | null } | null = null
  /** Between two dials there is nothing else that would keep the process alive. */
  #keepAlive: NodeJS.Timeout | null = null
  /** The end does not wait for edges that are slow to take the rest. */
  readonly #hurry = new AbortController()
  #onExit: (code: number) => void = () => {}
  /** Resolves with the exit code when all is over. */
  readonly done = new Promise<number>((resolve) => {
    this.#onExit = resolve
  })

  constructor(config: LinkerConfig) {
    const { options } = config
    this.#config = config
    this.#ledger = new Ledger(options.concurrency, RECLAIM_MS)
    this.#slots = new SlotCount(options.concurrency)
    this.#life = new Life(
      {
        startTimeoutMs: options.startTimeoutMs,
        idleMs: options.idleMs,
        drainMs: options.drainMs,
        lostMs: options.lostMs,
        replaceMs: options.replaceTimeoutMs,
        reportMs: REPORT_MS,
      },
      this.wheel.now(),
    )
    this.#self = new SelfReport(config, randomBytes(16).toString('hex'), this.#ledger, this.#life)
    this.#links = new EdgeLinks(options, this, config.onEvent, config.lookup)
    this.#timer = new WheelTimer((nowMs) => this.#onTimer(nowMs))
  }

  /** Dials the edges and waits for the application. */
  start(): void {
    this.#keepAlive = setInterval(() => {}, KEEP_ALIVE_MS)
    this.#links.start()
    this.#run = new ApplicationRun(this.#config.application, this.#config.options, this.wheel, this)
    this.#arm()
  }

  /** SIGTERM, SIGINT: finishes what runs, then stops. */
  drain(): void {
    this.#do(this.#life.drain(this.wheel.now()))
  }

  /** SIGHUP: serves until a successor does, and leaves then (brxy.v1 REPLACE). Stays if there will be none. */
  replace(): void {
    this.#do(this.#life.replace(this.wheel.now()))
  }

  /** The application wants so many requests at a time. Fewer cut nothing; more are lent at once. @param slots 0 to 65,535 */
  setSlots(slots: number): void {
    this.#slots.want(slots)
    this.#applySlots()
  }

  get slotState(): SlotState {
    const { slots, lent, busy } = this.#ledger
    return { slots, lent, busy, lingering: this.#run?.lingering ?? 0 }
  }

  /** A second signal: stops at once. One that is saying farewell by then keeps its exit code. */
  kill(signal: number): void {
    this.#hurry.abort()
    this.#do(this.#life.kill(signal))
  }

  // --- ApplicationRunOwner ---

  onListening(forwarder: Forwarder, address: string, tookMs: number): void {
    this.#forwarder = forwarder
    this.#config.onEvent({ type: 'listening', address, tookMs })
    this.#do(this.#life.listening(this.wheel.now()))
  }

  onEnded(end: AppEnd): void {
    this.#do(this.#life.appEnded(end, this.wheel.now()))
  }

  onFreed(isPassive: boolean): void {
    const nowMs = this.wheel.now()
    this.#lend(this.#ledger.freed(nowMs))
    this.#do(this.#life.ended(isPassive, nowMs))
  }

  onLimit(streams: number): void {
    this.#slots.limit(streams)
    if (this.#applySlots()) this.#notice(this.#slots.limitNotice(streams))
  }

  onSlots(value: string): void {
    const notice = this.#slots.heed(value)
    if (notice !== null) this.#notice(notice)
    this.#applySlots()
  }

  /** The application does not accept connections: nothing is lent until it does again (brxy.v1 rule 3). */
  onUnreachable(session: LinkerSession): void {
    const nowMs = this.wheel.now()
    this.#config.onEvent({ type: 'unreachable' })
    for (const link of this.#links) if (link.session === session) this.#lend(this.#ledger.voided(link, nowMs))
    this.#lend(this.#ledger.setLending(false, nowMs))
    void this.#probe()
  }

  async #probe(): Promise<void> {
    if ((await this.#run?.probe()) === true && this.#life.phase === 'ready')
      this.#lend(this.#ledger.setLending(true, this.wheel.now()))
  }

  onBadResponse(message: string): void {
    this.#config.onEvent({ type: 'bad-response', message })
  }

  // --- EdgeLinkOwner ---

  hello() {
    return this.#self.hello()
  }

  token(): string {
    return this.#config.token()
  }

  tls() {
    const { options } = this.#config
    return { tls: readEdgeTls(options), ca: options.edgeCa }
  }

  isAppRunning(): boolean {
    return this.#run?.isAlive !== false || this.#life.phase === 'parked'
  }

  admit(link: EdgeLink): number {
    if (!this.#life.admits || this.#forwarder === null) {
      this.#ledger.spent(link)
      return REFUSE.DRAINING
    }
    return this.#ledger.admit(link) ? 0 : REFUSE.NO_SLOT
  }

  onOpen(link: EdgeLink, stream: Stream, open: OpenRequest): void {
    this.#life.began((open.bits & OPEN_PASSIVE) !== 0)
    this.#forwarder?.open(link.session as LinkerSession, stream, open)
  }

  onUp(link: EdgeLink, welcome: Welcome, helloPhase: Hello['phase']): void {
    const nowMs = this.wheel.now()
    this.#config.onEvent({ type: 'connected', edge: link.address, session: welcome.session })
    if (this.#config.options.sendProxy !== undefined && !welcome.features.includes(FEATURE_ADDRESSES)) {
      this.#notice(
        `${link.address} does not say whose connections come: the application is told of unknown clients. Upgrade the edge`,
      )
    }
    // Between HELLO and WELCOME the application began to listen, or the instance was parked or recalled.
    if (helloPhase !== this.#self.phase) this.#self.announce(link)
    this.#lend(this.#ledger.opened(link, nowMs))
    this.#do(this.#life.connected(link, nowMs, welcome.leave === 'park'))
    const { phase } = this.#life
    if (phase === 'failed' && this.#failure !== null)
      this.#report(link, this.#failure.reason, this.#failure.end)
    if (phase === 'leaving') link.session?.leave()
    // While it stops as well: an edge that was restarted must not take it for one that is ready, nor its end for a loss.
    if (phase === 'draining' || phase === 'stopping' || phase === 'done') link.session?.drain()
  }

  onDown(link: EdgeLink, end: SessionEnd): void {
    const nowMs = this.wheel.now()
    const { code, message } = end
    this.#config.onEvent({ type: 'disconnected', edge: link.address, code, message })
    this.#lend(this.#ledger.closed(link, nowMs))
    this.#do(this.#life.disconnected(link, nowMs))
  }

  onRefused(link: EdgeLink, code: string, message: string, isFinal: boolean): void {
    this.#config.onEvent({ type: 'refused', edge: link.address, code, message, isFinal })
    if (!this.#links.areRefused) return
    this.#do(this.#life.refused(code.startsWith('token/') || code === 'link/bad-token', message))
  }

  onReturn(link: EdgeLink, count: number): void {
    this.#lend(this.#ledger.returned(link, count, this.wheel.now()))
  }

  onDemand(link: EdgeLink, count: number): void {
    this.#lend(this.#ledger.demanded(link, count, this.wheel.now()))
  }

  onVerdict(link: EdgeLink, go: boolean): void {
    this.#do(this.#life.verdict(link, go, this.wheel.now()))
  }

  onRecall(): void {
    this.#do(this.#life.recalled(this.wheel.now()))
  }

  onDrain(link: EdgeLink): void {
    // The edge gives its grants back in the RETURN that follows, and opens no more.
    this.#ledger.drained(link)
    this.#notice(`${link.address} is draining`)
  }

  onBug(error: unknown): void {
    this.#config.onEvent({ type: 'bug', error })
  }

  // --- carrying out ---

  #notice(message: string): void {
    this.#config.onEvent({ type: 'notice', message })
  }

  /** @returns whether their number has changed */
  #applySlots(): boolean {
    const { count } = this.#slots
    if (count === this.#ledger.slots) return false
    const actions = this.#ledger.setSlots(count, this.wheel.now())
    // First, so that no edge has more grants than it knows slots.
    if (this.#life.phase === 'ready') this.#announce()
    this.#lend(actions)
    return true
  }

  #do(actions: readonly LifeAction<EdgeLink>[]): void {
    for (const action of actions) this.#perform(action)
    this.#arm()
  }

  #perform(action: LifeAction<EdgeLink>): void {
    const nowMs = this.wheel.now()
    switch (action.kind) {
      case 'announce':
        this.#announce()
        this.#lend(this.#ledger.setLending(true, nowMs))
        return
      case 'report':
        this.#failure = action
        this.#config.onEvent({ type: 'phase', phase: 'failed', reason: action.reason })
        this.#lend(this.#ledger.setLending(false, nowMs))
        for (const link of this.#links) if (link.isUp) this.#report(link, action.reason, action.end)
        return
      case 'leave':
        this.#lend(this.#ledger.setLending(false, nowMs))
        for (const { session } of this.#links) session?.leave()
        this.#config.onEvent({ type: 'phase', phase: 'leaving', reason: 'idle' })
        return
      case 'stay':
        this.#lend(this.#ledger.setLending(true, nowMs))
        this.#config.onEvent({ type: 'phase', phase: 'ready', reason: 'the edge wants it to stay' })
        return
      case 'drain':
        this.#lend(this.#ledger.setLending(false, nowMs))
        for (const { session } of this.#links) session?.drain()
        this.#config.onEvent({ type: 'phase', phase: 'draining', reason: action.reason })
        return
      case 'replace':
        action.edge.session?.replace()
        this.#config.onEvent({ type: 'phase', phase: 'replacing', reason: 'a signal' })
        return
      case 'kept':
        this.#notice(`this instance stays: ${action.reason}`)
        return
      case 'park':
        this.#announce()
        this.#config.onEvent({ type: 'phase', phase: 'parked', reason: action.reason })
        return
      case 'restart':
        this.#restart()
        return
      case 'stop':
        void this.#stop(action.kill ? 0 : this.#config.options.stopMs)
        return
      case 'exit':
        void this.#exit(action.code, action.reason)
        return
    }
  }

  /** The application starts once more, as though this were the first time. */
  #restart(): void {
    const { application, options, onEvent } = this.#config
    onEvent({ type: 'phase', phase: 'starting', reason: 'recalled' })
    this.#announce()
    this.#forwarder = null
    // What its last process said of itself is no more.
    this.#slots = new SlotCount(options.concurrency)
    this.#applySlots()
    this.#run = new ApplicationRun(application.again(), options, this.wheel, this)
  }

  #announce(): void {
    for (const link of this.#links) this.#self.announce(link)
  }

  #report(link: EdgeLink, reason: string, end: AppEnd | null): void {
    this.#self.failed(link, reason, end, this.#run?.tail() ?? '')
    this.#do(this.#life.reported())
  }

  async #stop(killAfterMs: number): Promise<void> {
    await this.#run?.stop(killAfterMs)
    this.#do(this.#life.appStopped())
  }

  async #exit(code: number, reason: string): Promise<void> {
    this.#config.onEvent({ type: 'phase', phase: 'done', reason })
    this.wheel.clear(this.#timer)
    await sayFarewell(this.#links, reason, this.#hurry.signal)
    if (this.#keepAlive !== null) clearInterval(this.#keepAlive)
    this.#run?.close()
    this.wheel.close()
    this.#onExit(code)
  }

  #lend(actions: readonly LedgerAction<EdgeLink>[]): void {
    for (const { kind, edge, count } of actions) {
      // A session that is just ending is still in the ledger while its streams end; closed() follows.
      if (!edge.isUp) continue
      if (kind === 'grant') edge.session?.grant(count)
      else edge.session?.reclaim(count)
    }
    this.#arm()
  }

  #onTimer(nowMs: number): void {
    this.#lend(this.#ledger.tick(nowMs))
    this.#do(this.#life.tick(nowMs))
  }

  #arm(): void {
    const deadline = Math.min(this.#life.nextDeadline(), this.#ledger.nextDeadline())
    if (this.#life.phase !== 'done') this.wheel.set(this.#timer, deadline)
  }
}
