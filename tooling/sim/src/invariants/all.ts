import { admission } from './admission.ts'
import { answeredDemand } from './answered-demand.ts'
import { atMostOnce } from './at-most-once.ts'
import { bounds } from './bounds.ts'
import { causes } from './causes.ts'
import { dispatchOrder } from './dispatch-order.ts'
import { goodbye } from './goodbye.ts'
import { idleGrant } from './idle-grant.ts'
import { instances } from './instances.ts'
import type { Invariant } from './invariant.ts'
import { launches } from './launches.ts'
import { lending } from './lending.ts'
import { oneOutcome } from './one-outcome.ts'
import { redials } from './redials.ts'
import { removals } from './removals.ts'
import { removed } from './removed.ts'
import { stranded } from './stranded.ts'
import { successors } from './successors.ts'

/**
 * What is checked after every step. Some more is judged where it happens: bytes by clients and applications (chronicle.ts:
 * a prefix; complete only with END), stops when idle (actors/instance.ts), grants and RECLAIMs on the wire (wiretap.ts),
 * exceptions and `bug` events (simulation.ts: no bug), and in the end whether everything came to rest (liveness.ts).
 */
export const INVARIANTS: readonly Invariant[] = [
  admission,
  atMostOnce,
  oneOutcome,
  dispatchOrder,
  idleGrant,
  lending,
  bounds,
  instances,
  launches,
  causes,
  goodbye,
  redials,
  answeredDemand,
  removals,
  removed,
  successors,
  stranded,
]
