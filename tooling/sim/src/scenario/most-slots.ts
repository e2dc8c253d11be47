import type { AppPlan, Scenario } from './scenario.ts'

const KNOWN = new WeakMap<AppPlan, number>()

/** The most slots that an instance of the app can ever have: what is configured, or the application says. */
export function mostSlots({ requests, faults }: Scenario, plan: AppPlan): number {
  let most = KNOWN.get(plan)
  if (most === undefined) {
    const said = requests.map(({ app, slotsField = '' }) => (app === plan.name ? Number(slotsField) || 0 : 0))
    const put = faults.map((fault) => (fault.kind === 'put slots' ? fault.slots : 0))
    most = Math.max(plan.slots, ...said.filter((slots) => slots <= 65_535), ...put)
    KNOWN.set(plan, most)
  }
  return most
}
