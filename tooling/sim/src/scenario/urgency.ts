import { Random } from '../random.ts'
import type { Scenario } from './scenario.ts'

/** Chance of its own: what else happens in a history does not depend on it. */
const SALT = 0x09_6e47
const HEAD_STARTS_MS = [200, 2_000, 20_000]

/** In some histories apps give a head start to requests below one path. */
export function withUrgency(scenario: Scenario): Scenario {
  const random = new Random(scenario.seed ^ SALT)
  if (!random.chance(0.25)) return scenario
  return {
    ...scenario,
    apps: scenario.apps.map((plan) => ({ ...plan, urgentMs: random.pick(HEAD_STARTS_MS) })),
    requests: scenario.requests.map((request) =>
      random.chance(0.3) ? { ...request, isUrgent: true } : request,
    ),
  }
}
