import { Random } from '../random.ts'
import { makeDispute } from './dispute.ts'
import { makeEarlyAnswers } from './early-answer.ts'
import { makeFarewell } from './farewell.ts'
import { makeRecalls, parkingApp } from './recall.ts'
import type { AppPlan, Fault, RequestPlan, Scenario } from './scenario.ts'

/** Chance of its own: what else happens in a history does not depend on it. */
const SALT = 0xd15_b07e
const RECALLS_SALT = 0x9a_4ced
/** Of histories with several edges. */
const DISPUTES = 0.25
const FAREWELLS = 0.1
const EARLY_ANSWERS = 0.1
const RECALLS = 0.1
/** Longer than it takes until the next request. */
const KEEP_ALIVE_MS = 5_000
/** Requests and clients from here on: far beyond the others. */
const FIRST_ID = 1_000

/** What is added to a history. */
export interface Crossing {
  readonly requests: readonly RequestPlan[]
  readonly faults: readonly Fault[]
}

/**
 * Adds to some histories in which things go wrong what takes several events in the right order, with little time between
 * them: what crosses something else on its way, and means another thing where it arrives.
 */
export function withCrossings(scenario: Scenario): Scenario {
  const { seed, apps, edges, network, faults, healAtMs } = scenario
  if (faults.length === 0) return scenario
  const random = new Random(seed ^ SALT)
  // With those that leave sooner there is nothing for a frame to cross.
  const app = apps.reduce((best, each) => (each.idleMs > best.idleMs ? each : best))
  if (edges > 1 && random.chance(DISPUTES))
    return add(scenario, makeDispute(random, app, edges, healAtMs, FIRST_ID))
  if (random.chance(FAREWELLS)) {
    const slow = { ...app, ignoresTerm: true }
    return add(instead(scenario, app, slow), makeFarewell(random, slow, network, healAtMs, FIRST_ID))
  }
  if (random.chance(EARLY_ANSWERS)) {
    const kept = { ...app, keepAliveMs: KEEP_ALIVE_MS }
    return add(instead(scenario, app, kept), makeEarlyAnswers(random, kept, healAtMs, FIRST_ID))
  }
  const ofRecalls = new Random(seed ^ RECALLS_SALT)
  if (!ofRecalls.chance(RECALLS)) return scenario
  const parks = parkingApp(app, `app${apps.length + 1}`)
  return add({ ...scenario, apps: [...apps, parks] }, makeRecalls(ofRecalls, parks, healAtMs, FIRST_ID))
}

function instead(scenario: Scenario, app: AppPlan, other: AppPlan): Scenario {
  return { ...scenario, apps: scenario.apps.map((each) => (each === app ? other : each)) }
}

function add(scenario: Scenario, { requests, faults }: Crossing): Scenario {
  // From there on nothing goes wrong any more.
  const inTime = faults.filter(({ atMs }) => atMs < scenario.healAtMs)
  return {
    ...scenario,
    requests: [...scenario.requests, ...requests],
    faults: [...scenario.faults, ...inTime].sort((a, b) => a.atMs - b.atMs),
  }
}
