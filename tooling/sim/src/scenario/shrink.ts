import type { RequestPlan, Scenario } from './scenario.ts'

/** A scenario that still fails is looked for so often at most. */
const MAX_ATTEMPTS = 400

/** Whether a scenario fails, and in the same way. */
export type Fails = (scenario: Scenario) => Promise<boolean>

/**
 * Leaves things out of a scenario as long as it goes on failing: faults first, then requests, then what is special about
 * those that are left, and about the network. What remains is mostly short enough to be read.
 */
export async function shrink(scenario: Scenario, fails: Fails): Promise<Scenario> {
  let left = MAX_ATTEMPTS
  const stillFails: Fails = async (candidate) => left-- > 0 && (await fails(candidate))
  let best = scenario
  let before: Scenario
  do {
    before = best
    best = await without(best, stillFails, (faults) => ({ ...best, faults }), best.faults)
    best = await without(best, stillFails, (requests) => ({ ...best, requests }), best.requests)
    best = await simpler(best, stillFails)
  } while (best !== before && left > 0)
  return best
}

/** Leaves out halves, quarters, and at last single items. */
async function without<T>(
  scenario: Scenario,
  fails: Fails,
  make: (items: readonly T[]) => Scenario,
  all: readonly T[],
): Promise<Scenario> {
  let best = scenario
  let items = all
  for (let size = Math.ceil(items.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < items.length; ) {
      const fewer = [...items.slice(0, at), ...items.slice(at + size)]
      const candidate = make(fewer)
      if (await fails(candidate)) {
        best = candidate
        items = fewer
      } else at += size
    }
  }
  return best
}

const PLAIN: Partial<RequestPlan> = {
  isChunked: false,
  uploadPauseMs: 0,
  responsePauseMs: 0,
  framing: 'length',
  dawdleMs: 0,
  leaveAfterMs: -1,
}

/** Each request without what is special about it, the network without surprises, apps that nobody asks for left out. */
async function simpler(scenario: Scenario, fails: Fails): Promise<Scenario> {
  let best = scenario
  const attempt = async (candidate: Scenario) => {
    if (await fails(candidate)) best = candidate
  }
  const { network } = best
  if (network.fragments > 0 || network.maxDelayMs !== 1)
    await attempt({ ...best, network: { ...network, minDelayMs: 1, maxDelayMs: 1, fragments: 0 } })
  const used = best.apps.filter(({ name }) => best.requests.some(({ app }) => app === name))
  if (used.length > 0 && used.length < best.apps.length) await attempt({ ...best, apps: used })
  for (const { id } of best.requests) {
    const simplify = (change: Partial<RequestPlan>): Scenario => ({
      ...best,
      requests: best.requests.map((request) => (request.id === id ? { ...request, ...change } : request)),
    })
    const request = best.requests.find((each) => each.id === id) as RequestPlan
    const isPlain = Object.entries(PLAIN).every(([key, value]) => request[key as keyof RequestPlan] === value)
    if (!isPlain) await attempt(simplify(PLAIN))
    if (request.bodyBytes > 0) await attempt(simplify({ bodyBytes: 0 }))
    if (request.responseBytes > 1) await attempt(simplify({ responseBytes: 1 }))
  }
  return best
}
