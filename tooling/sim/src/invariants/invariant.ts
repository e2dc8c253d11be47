import type { Simulation } from '../simulation.ts'

/** Something that must hold after every step, whatever has gone wrong. */
export interface Invariant {
  /** A sentence that is true. */
  readonly name: string
  /** Once, before the first step: for what is judged when it is said and not when it is looked at. */
  watch?(simulation: Simulation, violated: (message: string) => void): void
  /** @returns what is wrong; null if nothing is */
  check?(simulation: Simulation): string | null
}
