// What `node:crypto` is inside a simulation.
export * from 'node:crypto'

import * as real from 'node:crypto'
import { theWorld } from '../machine/globals.ts'

/** Of the world's chance, so that ids are the same in each run. */
export function randomBytes(size: number): Buffer {
  const world = theWorld()
  if (world.current === null) return real.randomBytes(size)
  const random = world.randomOf(world.current.name)
  return Buffer.from(Array.from({ length: size }, () => random.below(256)))
}
