import type { AppPlan, Scenario } from './scenario.ts'

/** By scenario: a smaller one has the same plans, and fewer requests and faults that bring more slots. */
const KNOWN = new WeakMap<Scenario, Map<AppPlan, number>>()

/** The most slots that an instance of the app can ever have: what is configured, or the application says. */
export function mostSlots(scenario: Scenario, plan: AppPlan): number {
  let known = KNOWN.get(scenario)
  if (known === undefined) {
    known = new Map()
    KNOWN.set(scenario, known)
  }
  let most = known.get(plan)
  if (most === undefined) {
    const { requests, faults } = scenario
    const said = requests.map(({ app, slotsField = '' }) => (app === plan.name ? Number(slotsField) || 0 : 0))
    const put = faults.map((fault) => (fault.kind === 'put slots' ? fault.slots : 0))
    most = Math.max(plan.slots, ...said.filter((slots) => slots <= 65_535), ...put)
    known.set(plan, most)
  }
  return most
}
