import { type TimerWheel, WheelTimer } from '@brxy/protocol/transport'
import type { App } from '../app.ts'
import type { Apps } from '../apps.ts'
import type { EdgeEvent } from '../event.ts'
import { messageOf } from '../message-of.ts'
import type { EdgeSettings } from '../settings.ts'
import type { Tokens } from '../token/tokens.ts'
import {
  type AppReport,
  DEMAND_PATH,
  type DemandReport,
  MAX_REPORTED_APPS,
  MAX_REPORTED_INSTANCES,
  parseAnswer,
} from './demand-report.ts'
import { postReport } from './post-report.ts'
import { ReportClock } from './report-clock.ts'

/** It is made for each report. */
const TOKEN_MS = 60_000

/** What `/v1/status` says of reporting. */
export interface ReportingStatus {
  readonly to: string
  /** For how long no report has arrived; null: they arrive. */
  readonly failingMs: number | null
  /** What was wrong with the last one that did not arrive; null: it did. */
  readonly error: string | null
}

export interface DemandReporterEnvironment {
  readonly edge: string
  readonly apps: Apps
  readonly tokens: Tokens
  readonly wheel: TimerWheel
  /** With where to report, if this edge does not scale by itself; null: it has not been started. */
  readonly settings: () => EdgeSettings | null
  readonly emit: (event: EdgeEvent) => void
}

/** Reports what this edge holds to the one that scales, on each change and each second. */
export class DemandReporter {
  readonly #env: DemandReporterEnvironment
  readonly #clock = new ReportClock()
  readonly #timer = new WheelTimer(() => void this.#report())
  /** Routes that the last report named: what has become nothing is said once more. */
  #named = new Set<string>()
  #error: string | null = null
  #isClosed = false
  #isDue = false

  constructor(env: DemandReporterEnvironment) {
    this.#env = env
  }

  /** Something may be different: requests that wait, instances. Also to be called when the configuration is in force. */
  changed(): void {
    if (this.#to === undefined) return
    this.#clock.changed()
    this.#arm()
  }

  status(): ReportingStatus | null {
    const to = this.#to
    if (to === undefined) return null
    const failingMs = this.#clock.failingMs(this.#env.wheel.now())
    return { to, failingMs: failingMs === null ? null : Math.round(failingMs), error: this.#error }
  }

  close(): void {
    this.#isClosed = true
    this.#env.wheel.clear(this.#timer)
  }

  /** Undefined: this edge scales by itself. */
  get #to(): string | undefined {
    return this.#env.settings()?.options.reportTo
  }

  #arm(): void {
    if (this.#isClosed || this.#isDue) return
    const { wheel } = this.#env
    const deadlineMs = this.#clock.nextDeadline()
    if (deadlineMs > wheel.now()) return wheel.set(this.#timer, deadlineMs)
    // At the end of this turn of the event loop: what else happens in it goes into the same report.
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      void this.#report()
    })
  }

  async #report(): Promise<void> {
    const { wheel, emit } = this.#env
    const to = this.#to
    if (to === undefined || this.#isClosed || this.#clock.nextDeadline() > wheel.now()) return
    this.#clock.sent(wheel.now())
    try {
      for (const apps of this.#parts(wheel.now())) await this.#post(to, { edge: this.#env.edge, apps })
      this.#error = null
    } catch (error) {
      this.#error = messageOf(error)
    }
    const news = this.#clock.answered(this.#error === null, wheel.now())
    if (news === 'lost') {
      const message = 'the edge that scales does not hear of what is held here; it goes on trying'
      emit({ type: 'scaler', level: 'warn', message, fields: { to, error: this.#error } })
    } else if (news === 'back') {
      emit({
        type: 'scaler',
        level: 'info',
        message: 'the edge that scales hears of what is held here again',
        fields: { to },
      })
    }
    this.#arm()
  }

  async #post(to: string, report: DemandReport): Promise<void> {
    const { apps, tokens, settings } = this.#env
    const token = await tokens.issueEdge(TOKEN_MS)
    const { status, body } = await postReport(demandUrl(to), JSON.stringify(report), {
      token,
      ca: settings()?.tls.reportCa ?? null,
    })
    if (status !== 200) throw new Error(`it answered ${status}: ${body.slice(0, 300)}`)
    const answered = new Map(parseAnswer(body).apps.map((answer) => [answer.route, answer]))
    for (const { route } of report.apps) apps.find(route)?.others.answered(answered.get(route) ?? null)
  }

  /** What there is to say, in reports that are not too long. At least one, for silence is a lease that ends. */
  #parts(nowMs: number): AppReport[][] {
    const parts: AppReport[][] = [[]]
    const named = new Set<string>()
    let instances = 0
    for (const app of this.#env.apps) {
      const report = reportOf(app, nowMs)
      const isQuiet = report.held === 0 && report.instances.length === 0
      if (isQuiet && !this.#named.has(app.route)) continue
      if (!isQuiet) named.add(app.route)
      const isFull = (parts.at(-1)?.length ?? 0) >= MAX_REPORTED_APPS
      if (isFull || instances + report.instances.length > MAX_REPORTED_INSTANCES) {
        parts.push([])
        instances = 0
      }
      instances += report.instances.length
      parts.at(-1)?.push(report)
    }
    this.#named = named
    return parts
  }
}

function reportOf(app: App, nowMs: number): AppReport {
  const { oldest, count } = app.broker.queue
  const instances = [...app.instances].slice(0, MAX_REPORTED_INSTANCES)
  return {
    route: app.route,
    held: count,
    oldestHeldMs: oldest === null ? 0 : Math.max(0, Math.round(nowMs - oldest.heldSinceMs)),
    instances: instances.map(([instance, { hello, phase, slots, busy, hasServed }]) => ({
      instance,
      ...(hello?.launch === undefined ? {} : { launch: hello.launch }),
      ...(hello?.platform === undefined ? {} : { platform: hello.platform }),
      phase: phase === 'starting' || phase === 'ready' || phase === 'parked' ? phase : 'going',
      slots,
      busy,
      served: hasServed,
    })),
  }
}

/** `ws://` and `wss://` are what an edge calls its tunnel, which is the port that takes reports. */
export function demandUrl(to: string): URL {
  const url = new URL(to.includes('://') ? to : `http://${to}`)
  url.protocol = url.protocol.replace(/^ws/, 'http')
  url.pathname = DEMAND_PATH
  return url
}
