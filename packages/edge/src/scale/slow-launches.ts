import type { Member, Members } from './members.ts'

/** After this time people are told that nobody has connected: mostly the command forgot the linker. */
const SLOW_MS = 10_000

/** Launches whose linker is long in coming, each told once. */
export const slowLaunches = {
  /** Those that are to be told now. */
  take(members: Members, nowMs: number): Member[] {
    const slow = [...members].filter((member) => nowMs >= tellAt(member))
    for (const member of slow) member.isSlowTold = true
    return slow
  },

  nextDeadline(members: Members): number {
    let deadline = Number.POSITIVE_INFINITY
    for (const member of members) deadline = Math.min(deadline, tellAt(member))
    return deadline
  },
}

function tellAt({ phase, isSlowTold, createdMs }: Member): number {
  return phase === 'asked' && !isSlowTold ? createdMs + SLOW_MS : Number.POSITIVE_INFINITY
}
