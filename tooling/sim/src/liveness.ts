import type { Instance } from './actors/instance.ts'
import type { RequestRecord } from './chronicle.ts'
import type { Simulation } from './simulation.ts'

/** A request that was sent, and everything is healed, has so long to end: held, not begun, and then stuck (`streamIdle`). */
const REQUEST_MS = 400_000
/** Then slots have so long to be free again and sessions to be up ... */
const REST_MS = 120_000
/** Round trips of LEAVE and STAY against the time between two of them. */
const RESTLESS = 20
/** ... and instances that nobody needs to leave, one after another, and the platform to forget them. */
const ZERO_MS = 900_000

/**
 * What must come about in the end: every request ends, every slot is free and lent, and what nobody asks for goes. Three
 * things to wait for, one after another, each with a bound.
 */
export class Liveness {
  readonly #simulation: Simulation
  readonly #stages: readonly Stage[] = [
    { name: 'all requests end', boundMs: REQUEST_MS, missing: requestsLeft, sinceMs: unansweredSince },
    { name: 'slots are free and sessions up', boundMs: REST_MS, missing: unrest },
    { name: 'instances that nobody needs leave', boundMs: ZERO_MS, missing: remains },
  ]
  #at = 0
  #sinceMs: number

  constructor(simulation: Simulation) {
    this.#simulation = simulation
    this.#sinceMs = simulation.scenario.healAtMs
  }

  get isDone(): boolean {
    return this.#at === this.#stages.length
  }

  /**
   * To be asked after every step. Now and then is not enough: an instance that asks to leave as often as it is looked at is
   * seen with its slots at home each time, for the next step after a while is always the same one of its round.
   * @returns what has not come about in time; null while all is well
   */
  look(nowMs: number): { readonly name: string; readonly message: string } | null {
    if (nowMs < this.#sinceMs) return null
    for (let stage = this.#stages[this.#at]; stage !== undefined; stage = this.#stages[this.#at]) {
      const missing = stage.missing(this.#simulation)
      if (missing !== null) {
        const sinceMs = stage.sinceMs?.(this.#simulation) ?? this.#sinceMs
        if (nowMs - sinceMs <= stage.boundMs) return null
        return { name: stage.name, message: `after ${stage.boundMs / 1000} s: ${missing}` }
      }
      this.#at++
      this.#sinceMs = nowMs
    }
    return null
  }
}

interface Stage {
  readonly name: string
  readonly boundMs: number
  readonly missing: (simulation: Simulation) => string | null
  /** Where its time begins; left out: with the stage. */
  readonly sinceMs?: (simulation: Simulation) => number
}

function unansweredSince({ chronicle, scenario }: Simulation): number {
  return openSinceMs(chronicle.requests.values(), scenario.healAtMs)
}

/**
 * A client sends its requests one after another, so one may be sent minutes after its time has come. What waits for those
 * before it is not late: each request is promised an end (docs/reliability.md), and many in a row no time together.
 * @returns since when the request that is open for longest has been in a world without faults; infinity: none is open
 */
export function openSinceMs(
  requests: Iterable<Pick<RequestRecord, 'sentAtMs' | 'outcome'>>,
  healedAtMs: number,
): number {
  let earliestMs = Number.POSITIVE_INFINITY
  for (const { sentAtMs, outcome } of requests)
    if (outcome === null) earliestMs = Math.min(earliestMs, Math.max(sentAtMs, healedAtMs))
  return earliestMs
}

function requestsLeft({ openRequests, chronicle }: Simulation): string | null {
  if (openRequests === 0) return null
  const open = [...chronicle.requests.values()].filter(({ outcome }) => outcome === null)
  return `${openRequests} requests are open: ${open.map(({ plan }) => plan.id).join(', ')}`
}

function unrest(simulation: Simulation): string | null {
  for (const edge of simulation.edges) if (!edge.isListening) return `${edge.process.name} does not listen`
  return lendingUnrest(simulation) ?? sessionUnrest(simulation)
}

/** Every slot of an instance is lent to some edge, and nothing waits or runs. */
function lendingUnrest(simulation: Simulation): string | null {
  /** By app and launch: what all edges have of it. Those that were started by hand are told apart by their names. */
  const lent = new Map<string, { grants: number; isReady: boolean }>()
  for (const { app, held, instances } of simulation.statuses.current()) {
    if (held.count > 0) return `${app} holds ${held.count}`
    for (const { instance, launch, busy, grants, phase } of instances) {
      if (busy > 0) return `${instance} is busy with ${busy}`
      // An edge numbers the instances by itself, so one without a launch cannot be found at the other.
      if (launch === null && simulation.edges.length > 1) continue
      const key = launch ?? instance
      const { grants: others, isReady } = lent.get(key) ?? { grants: 0, isReady: true }
      lent.set(key, { grants: others + grants, isReady: isReady && phase === 'ready' })
    }
  }
  for (const instance of simulation.instances) {
    const { name, plan, launch, process, slotState } = instance
    if (launch === null || !process.isAlive || isShutOut(instance, simulation)) continue
    const { grants, isReady } = lent.get(launch) ?? { grants: 0, isReady: false }
    // One that asks to leave as soon as it was told to stay has its slots at home more often than not.
    const isRestless = plan.idleMs < simulation.scenario.network.maxDelayMs * RESTLESS
    // What the application wants now.
    const slots = slotState?.slots ?? plan.slots
    if (isReady && !isRestless && grants !== slots) return `${name} has lent ${grants} of ${slots} slots`
  }
  return null
}

/** Of two processes of one launch only one is let in, whatever the other one wants. */
function isShutOut(instance: Instance, { instances }: Simulation): boolean {
  if (instance.isConnected) return false
  return instances.some((other) => other.launch === instance.launch && other.isConnected)
}

/** Every instance has a session with every edge. */
function sessionUnrest(simulation: Simulation): string | null {
  const sessions = new Map<string | null, number>()
  for (const { instances } of simulation.statuses.current())
    for (const { launch } of instances) sessions.set(launch, (sessions.get(launch) ?? 0) + 1)
  for (const { name, process, application, launch } of simulation.instances) {
    if (!process.isAlive) continue
    const count = launch === null ? simulation.edges.length : (sessions.get(launch) ?? 0)
    // Of two processes of one launch only one is let in; the other one gives up when it has been lost long enough.
    if (count === 0 && application.isListening) return `${name} has no session`
    if (count > 0 && count !== simulation.edges.length)
      return `${name} has ${count} sessions with ${simulation.edges.length} edges`
    if (application.admitted > 0) return `${name} works on ${application.admitted}`
  }
  return null
}

function remains(simulation: Simulation): string | null {
  /** By app, for each edge has a list of its own. */
  const keptOf = new Map<string, number>()
  for (const { app, instances, launches } of simulation.statuses.current()) {
    const { min, platform } = simulation.plan(app)
    // Where the platform only removes the highest, one below another that stays is parked for as long as that one stays.
    const isStuck = (phase: string) => platform === 'ordered' && phase === 'parked'
    const there = instances.filter(({ phase }) => !isStuck(phase))
    keptOf.set(app, Math.max(keptOf.get(app) ?? 0, min + instances.length - there.length))
    if (there.length !== min)
      return `${app} has ${there.map((each) => `${each.instance} ${each.phase}`).join(', ')}, and needs ${min}`
    if (launches.length > 0) return `${app} is waiting for ${launches.length} launches`
  }
  const kept = [...keptOf.values()].reduce((sum, count) => sum + count, 0)
  const alive = simulation.instances.filter(({ process }) => process.isAlive)
  if (alive.length !== kept) return `${alive.map(({ name }) => name).join(', ')} run, and ${kept} are needed`
  const launched = alive.filter(({ launch, replica }) => launch !== null || replica !== null)
  const { size, stuckCount } = simulation.platform
  if (size - stuckCount !== launched.length)
    return `the platform has ${size} (${stuckCount} cannot be removed yet), and ${launched.length} run`
  const orphans = simulation.instances.filter(
    ({ process, application }) => !process.isAlive && application.process.isAlive,
  )
  if (orphans.length > 0)
    return `applications without a linker: ${orphans.map(({ name }) => name).join(', ')}`
  return null
}
