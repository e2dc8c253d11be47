import type { Patch } from '../machine/hooks.ts'
import { EDGE_MUTANTS } from './edge-mutants.ts'
import { LINKER_MUTANTS } from './linker-mutants.ts'
import { PROTOCOL_MUTANTS } from './protocol-mutants.ts'

/** A bug that is planted to see that it is found. */
export interface Mutant extends Patch {
  readonly name: string
  /** What is wrong with it. */
  readonly what: string
  /** How many edges it takes; absent: as the seeds say. */
  readonly edges?: number
  /** Left out as well: another rule that repairs most of what the bug does. */
  readonly also?: Patch
}

/** All that it changes. */
export function patchesOf(mutant: Mutant): readonly Patch[] {
  return mutant.also === undefined ? [mutant] : [mutant, mutant.also]
}

/**
 * Mistakes that somebody could make: a check that is left out, a case that is forgotten, a count that is wrong. A proof
 * that does not find them proves nothing. They are changes to the text of the packages as they are built; a text that has
 * gone is an error, and the mutant has to follow.
 */
export const MUTANTS: readonly Mutant[] = [...PROTOCOL_MUTANTS, ...LINKER_MUTANTS, ...EDGE_MUTANTS]

/** @throws if there is none of that name */
export function findMutant(name: string): Mutant {
  const mutant = MUTANTS.find((each) => each.name === name)
  if (mutant === undefined)
    throw new Error(`no mutant "${name}"; there are ${MUTANTS.map((each) => each.name).join(', ')}`)
  return mutant
}
