import type { EdgeEvent } from '@brxy/edge'
import type { LinkerEvent } from '@brxy/linker'
import type { Launch, Target } from '@brxy/scaler'
import { Application } from './actors/application.ts'
import { Client } from './actors/client.ts'
import { CLIENT_PORT, EdgeProcess, TUNNEL_PORT } from './actors/edge.ts'
import { Instance } from './actors/instance.ts'
import { Platform } from './actors/platform.ts'
import { Chronicle } from './chronicle.ts'
import { Faults } from './faults.ts'
import { enter } from './machine/globals.ts'
import type { SimProcess } from './machine/process.ts'
import { World } from './machine/world.ts'
import type { Connection } from './network/network.ts'
import type { AppPlan, RequestPlan, Scenario } from './scenario/scenario.ts'
import { Statuses } from './statuses.ts'
import { tap } from './wiretap.ts'

/** How wrong a clock may go: a second in twenty minutes. */
const DRIFT = 0.0008
/** Where the machines of edges are. */
const EDGES = '10.0.0.'
/** Of one that was started by hand. */
const HAND_TOKEN_MS = 30 * 24 * 3_600_000

/** Everything that there is in one history: a world, and who lives in it. */
export class Simulation {
  readonly scenario: Scenario
  readonly world: World
  readonly chronicle = new Chronicle()
  readonly platform: Platform
  readonly clients: readonly Client[]
  /** Those that were ever started; see `process.isAlive`. */
  readonly instances: Instance[] = []
  /** By number; the one that is or was there last. */
  readonly edges: EdgeProcess[] = []
  readonly statuses = new Statuses(() => this.edges.filter(({ process }) => process.isAlive))
  readonly #requests: ReadonlyMap<number, RequestPlan>
  #copies = 0

  constructor(scenario: Scenario) {
    this.scenario = scenario
    const { chronicle } = this
    this.world = new World(scenario.seed, scenario.network, (process, error) => {
      const text = error instanceof Error ? `${error.stack}` : `${error}`
      chronicle.violated('no bug', `${process?.name ?? 'the world'} ends by an exception: ${text}`)
    })
    const { world } = this
    // Before anybody is born: what they are made of takes the time, and chance.
    enter(world)
    world.network.onConnection = (connection) => {
      if (isTunnel(connection)) tap(connection, world, chronicle)
    }
    this.#requests = new Map(scenario.requests.map((request) => [request.id, request]))
    this.platform = new Platform({
      world,
      chronicle,
      start: (route, launch, crashes) => this.#startInstance(route, launch, crashes),
      startReplica: (...replica) => this.#startReplica(...replica),
      kindOf: (route) => this.plan(route).platform ?? 'named',
      onTarget: (route, target) => {
        for (const watch of this.onTarget) watch(route, target)
      },
      onTargetFailed: (route, target) => {
        for (const watch of this.onTargetFailed) watch(route, target)
      },
    })
    for (let at = 0; at < scenario.edges; at++) this.edges.push(this.#makeEdge(at))
    new Faults(scenario.faults, scenario.healAtMs, {
      world,
      chronicle,
      platform: this.platform,
      instances: () => this.instances.filter(({ process }) => process.isAlive),
      edges: () => this.edges.filter(({ process }) => process.isAlive),
      tunnels: () => this.tunnels(),
      replaceEdge: (edge, afterMs) => this.#replaceEdge(edge, afterMs),
      startByHand: (app) => this.#startByHand(app),
    })
    const numbers = [...new Set(scenario.requests.map(({ client }) => client))]
    this.clients = numbers.map(
      (number) =>
        new Client(
          number,
          scenario.requests.filter(({ client }) => client === number),
          { world, chronicle, hostOf, port: CLIENT_PORT },
        ),
    )
  }

  /** Requests that have not ended, also those that are to come. */
  get openRequests(): number {
    return this.clients.reduce((sum, client) => sum + client.open, 0)
  }

  /** Those that are in use at both ends. */
  tunnels(): Connection[] {
    return [...this.world.network.connections()].filter(isTunnel)
  }

  isEdge(process: SimProcess): boolean {
    return this.edges.some((edge) => edge.process === process)
  }

  plan(app: string): AppPlan {
    const plan = this.scenario.apps.find(({ name }) => name === app)
    if (plan === undefined) throw new Error(`the scenario has no app ${app}`)
    return plan
  }

  /** What an exception in a promise was: nobody has caught it. */
  rejected(error: unknown): void {
    const text = error instanceof Error ? `${error.stack}` : `${error}`
    this.chronicle.violated('no bug', `an unhandled rejection: ${text}`)
  }

  #makeEdge(at: number): EdgeProcess {
    const { world, chronicle, scenario, platform } = this
    const edge: EdgeProcess = new EdgeProcess(`edge-${at + 1}`, hostOf(at), {
      world,
      chronicle,
      apps: scenario.apps,
      factory: platform.factory,
      rate: this.#rate(),
      hosts: Array.from({ length: scenario.edges }, (_, other) => hostOf(other)),
      onEvent: (event) => this.#onEdgeEvent(edge, event),
    })
    return edge
  }

  #onEdgeEvent(edge: EdgeProcess, event: EdgeEvent): void {
    const { world, chronicle } = this
    chronicle.edgeEvent(event)
    // Of two edges the first scales; the other one only says whether its reports arrive.
    if (event.type === 'scaler' && edge !== this.edges[0])
      chronicle.count(`edge: reports ${event.level === 'warn' ? 'lost' : 'arrive again'}`)
    if (event.type === 'launching' && event.held === 0 && this.plan(event.app).min === 0)
      chronicle.count('edge: launches for another edge')
    world.note(edge.process.name, () => describe(event))
    if (event.type === 'bug') chronicle.violated('no bug', `${edge.process.name}: ${stackOf(event.error)}`)
    for (const watch of this.onEdgeEvent) watch(edge, event)
  }

  /** Invariants that are about what edges say. */
  readonly onEdgeEvent: ((edge: EdgeProcess, event: EdgeEvent) => void)[] = []

  /** Invariants that are about what linkers say. */
  readonly onLinkerEvent: ((instance: Instance, event: LinkerEvent) => void)[] = []

  /** Invariants that are about what edges want of the platform, told when they say so. */
  readonly onTarget: ((route: string, target: Target) => void)[] = []

  /** The same, told when an edge hears that the call failed. */
  readonly onTargetFailed: ((route: string, target: Target) => void)[] = []

  #replaceEdge(edge: EdgeProcess, afterMs: number): void {
    const at = this.edges.indexOf(edge)
    edge.process.onGone.push(() => {
      this.world.after(afterMs, null, 'edge again', () => {
        this.edges[at] = this.#makeEdge(at)
      })
    })
  }

  #startInstance(route: string, { id, env }: Launch, crashes: boolean): Instance {
    return this.#makeInstance(this.plan(route), env.BRXY_TOKEN, { launch: id }, crashes)
  }

  #startReplica(
    route: string,
    replica: string,
    crashes: boolean,
    onStarted: (instance: Instance) => void,
  ): void {
    void this.edges[0].token(route, HAND_TOKEN_MS).then((token) => {
      onStarted(this.#makeInstance(this.plan(route), token, { replica }, crashes))
    })
  }

  #startByHand(app: string): void {
    // What `brxy token` prints.
    void this.edges[0].token(app, HAND_TOKEN_MS).then((token) => {
      this.#makeInstance(this.plan(app), token, {}, false)
    })
  }

  #makeInstance(
    plan: AppPlan,
    token: string,
    { launch = null, replica = null }: { launch?: string | null; replica?: string | null },
    crashes: boolean,
  ): Instance {
    const { world, chronicle } = this
    const number = ++this.#copies
    const name = `${plan.name}-${number}`
    const host = `10.1.${number >> 8}.${number & 255}`
    const start = (startMs: number) =>
      new Application(`${name}-app`, host, { world, chronicle, plan, requests: this.#requests, startMs })
    const application = start(crashes ? -plan.startMs : plan.startMs)
    const instance: Instance = new Instance(name, {
      world,
      chronicle,
      plan,
      // As BRXY_EDGE says; of the others WELCOME does.
      edges: [EdgeProcess.tunnelOf(hostOf(0))],
      token,
      launch,
      replica,
      startAgain: () => {
        chronicle.count('application: started again')
        return start(plan.startMs)
      },
      rate: this.#rate(),
      application,
      onEvent: (event) => this.#onLinkerEvent(instance, event),
    })
    world.note('world', () => `${name} starts${launch === null && replica === null ? ' by hand' : ''}`)
    this.instances.push(instance)
    return instance
  }

  #onLinkerEvent(instance: Instance, event: LinkerEvent): void {
    const { world, chronicle } = this
    const { name } = instance
    chronicle.count(event.type === 'phase' ? `phase: ${event.phase}` : `linker: ${event.type}`)
    if (event.type === 'phase' && event.phase === 'draining' && event.reason === 'replaced') {
      chronicle.count('linker: replaced')
      if ((chronicle.mayGo.get(name)?.size ?? 0) === 0)
        chronicle.violated('no successor, no leave', `${name} drains, and no edge has said GO`)
    }
    if (event.type === 'notice' && event.message.startsWith('this instance stays'))
      chronicle.count('linker: stays without a successor')
    world.note(name, () => describe(event))
    if (event.type === 'bug') chronicle.violated('no bug', `${name}: ${stackOf(event.error)}`)
    for (const watch of this.onLinkerEvent) watch(instance, event)
  }

  #rate(): number {
    return 1 + (this.world.randomOf('clocks').next() * 2 - 1) * DRIFT
  }
}

function hostOf(edge: number): string {
  return `${EDGES}${edge + 1}`
}

function isEdgeHost(host: string): boolean {
  return host.startsWith(EDGES)
}

/** Edges connect to that port as well, to report what they hold. */
function isTunnel({ address, near, far }: Connection): boolean {
  return (
    address.endsWith(`:${TUNNEL_PORT}`) && !(isEdgeHost(near.process.host) && isEdgeHost(far.process.host))
  )
}

/** One line for people. */
function describe(event: EdgeEvent | LinkerEvent): string {
  const { type, ...rest } = event
  const fields = Object.entries(rest)
    .filter(([name, value]) => name !== 'app' && value !== null && typeof value !== 'object')
    .map(([name, value]) => `${name}=${typeof value === 'number' ? Math.round(value) : value}`)
  return `* ${type} ${fields.join(' ')}`
}

function stackOf(error: unknown): string {
  return error instanceof Error ? `${error.stack}` : `${error}`
}
