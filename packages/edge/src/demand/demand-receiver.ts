import type { IncomingMessage, ServerResponse } from 'node:http'
import { isBrxyError } from '@brxy/protocol'
import type { TimerWheel } from '@brxy/protocol/transport'
import type { Apps } from '../apps.ts'
import type { EdgeEvent } from '../event.ts'
import type { Tokens } from '../token/tokens.ts'
import { type AppAnswer, type DemandAnswer, MAX_REPORT_BYTES, parseReport } from './demand-report.ts'

/** Routes of which it was said that they are not served here. */
const MAX_UNKNOWN = 1_000

export interface DemandReceiverEnvironment {
  /** This edge's id. */
  readonly edge: string
  readonly apps: Apps
  readonly tokens: Tokens
  /** Whether this edge is the one that scales. */
  readonly isScaling: () => boolean
  readonly wheel: TimerWheel
  readonly emit: (event: EdgeEvent) => void
}

/** `POST /brxy/v1/demand` at the tunnel port: other edges say what they hold, and hear what cannot be started. */
export class DemandReceiver {
  readonly #env: DemandReceiverEnvironment
  readonly #unknown = new Set<string>()

  constructor(env: DemandReceiverEnvironment) {
    this.#env = env
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { status, body } = await this.#answer(request)
      // What is left of a body that is too long nobody reads.
      const close = request.complete ? {} : { connection: 'close' }
      response.writeHead(status, {
        'content-type': 'application/json',
        'cache-control': 'no-store',
        ...close,
      })
      response.end(JSON.stringify(body))
    } catch (error) {
      if (request.destroyed) return
      this.#env.emit({ type: 'bug', error })
      response.destroy()
    }
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; body: object }> {
    const refused = (status: number, code: string, message: string) => ({ status, body: { code, message } })
    if (request.method !== 'POST') return refused(405, 'edge/bad-report', 'demand is reported by POST')
    try {
      await this.#env.tokens.verifyEdge(bearer(request))
    } catch (error) {
      if (!isBrxyError(error)) throw error
      this.#env.emit({ type: 'rejected', code: error.code, message: error.message, route: null })
      return refused(error.code === 'token/not-an-edge' ? 403 : 401, error.code, error.message)
    }
    if (!this.#env.isScaling()) {
      const message = 'this edge does not scale: report to the one that does (reportTo, --report-to)'
      return refused(409, 'edge/not-scaling', message)
    }
    const text = await read(request)
    if (text === null)
      return refused(413, 'edge/bad-report', `a report has at most ${MAX_REPORT_BYTES} bytes; send several`)
    try {
      return { status: 200, body: this.#receive(text) }
    } catch (error) {
      if (!isBrxyError(error) || error.code !== 'edge/bad-report') throw error
      return refused(400, error.code, error.message)
    }
  }

  #receive(text: string): DemandAnswer {
    const { edge, apps: reports } = parseReport(text)
    const nowMs = this.#env.wheel.now()
    const apps: AppAnswer[] = []
    for (const report of reports) {
      // Nothing is made for an app of which there is nothing.
      const isQuiet = report.held === 0 && report.instances.length === 0
      const app = isQuiet ? this.#env.apps.find(report.route) : this.#env.apps.forRoute(report.route)
      if (app === undefined) continue
      if (typeof app === 'string') this.#leaveOut(report.route, app, edge)
      else apps.push({ route: app.route, ...app.others.received(edge, report, nowMs) })
    }
    return { edge: this.#env.edge, apps }
  }

  /** Said once: it is in each report. */
  #leaveOut(route: string, code: string, edge: string): void {
    if (this.#unknown.has(route) || this.#unknown.size >= MAX_UNKNOWN) return
    this.#unknown.add(route)
    const fields = { app: route, code, edge }
    this.#env.emit({
      type: 'scaler',
      level: 'warn',
      message: 'another edge holds an app that is not served here',
      fields,
    })
  }
}

/** @returns null if it is longer than a report may be. Rejects if it breaks off. */
async function read(request: IncomingMessage): Promise<string | null> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_REPORT_BYTES) return null
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request) {
    bytes += (part as Buffer).length
    if (bytes > MAX_REPORT_BYTES) return null
    parts.push(part as Buffer)
  }
  return Buffer.concat(parts).toString()
}

function bearer(request: IncomingMessage): string {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''
}
