import type { Case } from '../case.ts'
import { ADAPTERS } from './adapters.ts'
import { END_TO_END } from './end-to-end.ts'
import { HINTS } from './hints.ts'
import { OPTIONS } from './options.ts'
import { PROBLEMS } from './problems.ts'
import { REMOVING } from './removing.ts'
import { SECRETS } from './secrets.ts'
import { STARTING } from './starting.ts'

/** Every case of the contract, in the order in which a new adapter comes to pass them. */
export const CASES: readonly Case[] = [
  ...OPTIONS,
  ...STARTING,
  ...REMOVING,
  ...PROBLEMS,
  ...ADAPTERS,
  ...HINTS,
  ...SECRETS,
  ...END_TO_END,
]
