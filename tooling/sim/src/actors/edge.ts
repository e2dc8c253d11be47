import { Edge, type EdgeEvent, type Status, Tokens } from '@brxy/edge'
import type { ScalerFactory } from '@brxy/scaler'
import type { Chronicle } from '../chronicle.ts'
import { SimProcess } from '../machine/process.ts'
import type { World } from '../machine/world.ts'
import type { AppPlan } from '../scenario/scenario.ts'

export const CLIENT_PORT = 80
export const TUNNEL_PORT = 9080
const ADMIN_PORT = 9081
const SECRET = 'the secret of all edges in this world'
const DRAIN_MS = 5_000

export interface EdgeEnvironment {
  readonly world: World
  readonly chronicle: Chronicle
  readonly apps: readonly AppPlan[]
  /** The platform's adapter. */
  readonly factory: ScalerFactory
  readonly rate: number
  /** Hosts of all edges; the first one scales, and the others report to it. */
  readonly hosts: readonly string[]
  readonly onEvent: (event: EdgeEvent) => void
}

/** A real edge in a process. What outlives it is its secret and the platform; another one may start in its place. */
export class EdgeProcess {
  readonly process: SimProcess
  readonly #edge: Edge
  readonly #world: World
  readonly #chronicle: Chronicle
  isListening = false
  /** It was told to stop. */
  isStopping = false

  constructor(name: string, host: string, env: EdgeEnvironment) {
    const { world, chronicle, apps, factory, rate, hosts } = env
    this.#world = world
    this.#chronicle = chronicle
    this.process = new SimProcess(name, host, rate)
    const config = {
      options: {
        listen: [{ bind: `${host}:${CLIENT_PORT}` }],
        tunnel: { bind: `${host}:${TUNNEL_PORT}`, peers: hosts.map(EdgeProcess.tunnelOf) },
        ...(host === hosts[0] ? {} : { reportTo: EdgeProcess.tunnelOf(hosts[0]) }),
        admin: { bind: `${host}:${ADMIN_PORT}` },
        secret: SECRET,
        onExit: 'keep' as const,
        timeouts: { drainMs: DRAIN_MS },
        apps: Object.fromEntries(apps.map((plan) => [plan.name, optionsOf(plan)])),
      },
      adapters: { platform: { factory, options: {}, isLocal: true } },
      stateDir: '/var/lib/brxy',
      version: '0.0.0',
      onEvent: (event: EdgeEvent) => env.onEvent(event),
      reportRequests: true,
    }
    this.#edge = world.within(this.process, () => new Edge(config))
    world.after(0, this.process, 'edge', () => {
      this.#edge.start().then(
        () => {
          this.isListening = true
        },
        (error: unknown) => chronicle.violated('no bug', `an edge does not start: ${error}`),
      )
    })
  }

  /** Where linkers find it. */
  static tunnelOf(host: string): string {
    return `ws://${host}:${TUNNEL_PORT}`
  }

  /** What `brxy token` prints. */
  token(route: string, lifeMs: number): Promise<string> {
    return this.#world.within(this.process, () => {
      const tokens = new Tokens(new TextEncoder().encode(SECRET))
      return tokens.issue({ routes: [route] }, lifeMs)
    })
  }

  status(): Status {
    return this.#world.within(this.process, () => this.#edge.status())
  }

  /** SIGTERM: it drains and exits. */
  stop(): void {
    if (this.isStopping) return
    this.isStopping = true
    this.#world.after(0, this.process, 'SIGTERM', () => {
      this.#edge.stop().then(
        () => this.#world.kill(this.process),
        (error: unknown) => this.#chronicle.violated('no bug', `an edge does not stop: ${error}`),
      )
    })
  }
}

function optionsOf(plan: AppPlan) {
  const { min, max, holdMs, patienceMs, startTimeoutMs, responseMs } = plan
  return {
    hosts: [plan.name],
    paths:
      plan.urgentMs === undefined ? [] : [{ prefix: '/' }, { prefix: '/urgent', priorityMs: plan.urgentMs }],
    scaler: { name: 'platform', options: {} },
    min,
    max,
    holdMs,
    patienceMs,
    startTimeoutMs,
    responseMs,
    backoff: { minMs: plan.backoffMinMs, maxMs: plan.backoffMaxMs },
    queue: { requests: plan.queueRequests },
  }
}
