import type { Random } from '../random.ts'
import type { Fault, RequestPlan } from './scenario.ts'

/** What applications say of how many requests they want; the last three are ignored. */
const FIELDS = ['1', '1', '2', '3', '5', '0', '70000', 'many']
const COUNTS = [0, 1, 1, 2, 4, 8]

/** In some histories applications say in their responses how many requests they want. */
export function sayWishes(random: Random, requests: readonly RequestPlan[]): RequestPlan[] {
  if (!random.chance(0.2)) return [...requests]
  return requests.map((request) =>
    random.chance(0.2) ? { ...request, slotsField: random.pick(FIELDS) } : request,
  )
}

/** Instances that are to be replaced, and applications that say on their control socket how many requests they want. */
export function makeWishes(random: Random, requests: readonly RequestPlan[], lengthMs: number): Fault[] {
  const wishes: Fault[] = []
  const which = () => random.below(8)
  if (random.chance(0.35))
    for (let left = 1 + random.below(4); left > 0; left--)
      wishes.push({ atMs: random.below(lengthMs), kind: 'hang up', which: which() })
  if (random.chance(0.25))
    for (let left = 1 + random.below(3); left > 0; left--)
      wishes.push({
        atMs: random.below(lengthMs),
        kind: 'put slots',
        which: which(),
        slots: random.pick(COUNTS),
      })
  // Fewer just when some requests come, and more again: one of them alone does no harm.
  if (random.chance(0.05))
    for (let left = 12; left > 0; left--) {
      const atMs = random.pick(requests).atMs + random.below(500)
      const slots = left % 2 === 0 ? 4 : random.pick([0, 1, 2])
      wishes.push({ atMs, kind: 'put slots', which: random.below(3), slots })
    }
  return wishes
}
