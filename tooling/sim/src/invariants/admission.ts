import type { Invariant } from './invariant.ts'

/** DESIGN 5: the linker admits a request only against a slot, whatever was lent, lost, written off or abandoned. */
export const admission: Invariant = {
  name: 'an application never has more requests than its instance has slots',
  check({ instances }) {
    for (const { name, plan, application } of instances) {
      if (!application.process.isAlive) continue
      const { admitted } = application
      if (admitted > plan.slots) return `${name} has ${admitted} requests in ${plan.slots} slots`
    }
    return null
  },
}
