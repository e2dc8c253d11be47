// What `node:crypto` is inside a simulation.
export * from 'node:crypto'

import * as real from 'node:crypto'
import { theWorld } from '../machine/globals.ts'

/** Of the world's chance, so that ids are the same in each run. */
export function randomBytes(size: number): Buffer {
  const { current, random } = theWorld()
  if (current === null) return real.randomBytes(size)
  return Buffer.from(Array.from({ length: size }, () => random.below(256)))
}
