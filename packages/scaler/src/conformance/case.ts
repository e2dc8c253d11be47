import type { Driver } from './driver.ts'
import type { Stage } from './stage.ts'

/** One thing that every adapter has to do. */
export interface Case {
  /** A sentence of behaviour. */
  readonly name: string
  /** Why it cannot be tried with a driver; undefined: it can. */
  lacks?(driver: Driver): string | undefined
  /** @throws (rejects) with what was expected and what was seen */
  run(stage: Stage): Promise<void>
}

/** For cases that only make sense where each launch is known by name. */
export function unlessNamed({ launches }: Driver): string | undefined {
  return launches === 'named' ? undefined : 'its replicas are counted: none is known by name'
}

/** For cases that need something of the driver. */
export function without(member: keyof Driver): (driver: Driver) => string | undefined {
  return (driver) => (driver[member] === undefined ? `its driver has no ${member}` : undefined)
}
