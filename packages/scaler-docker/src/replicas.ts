import { type CountedState, countedTarget } from '@brxy/scaler'

/** What is known of a Swarm service that never restarts a task. */
export interface ReplicaState extends Omit<CountedState, 'replicas' | 'present'> {
  /** As the service says. Slots whose task is over count, for they are not filled again. */
  readonly replicas: number
  /** Tasks that run or are to run. */
  readonly active: number
  /** Of those, the ones that do not run yet. */
  readonly starting: number
  /** Slots whose task is over. */
  readonly done: number
}

/**
 * The number of replicas to write.
 *
 * A finished slot is part of the number until the number falls, and Swarm, asked for fewer, takes slots that do not run
 * before those that do: finished ones and those that are starting alike. So the number is raised beside finished slots, and
 * falls by them only when nothing is starting. Pure.
 */
export function replicasOf(state: ReplicaState): number {
  const { want, replicas, active, starting, removable, stuck } = state
  // More slots than replicas: Swarm has yet to carry out the last fall, which takes finished ones.
  const done = Math.max(0, Math.min(state.done, replicas - active))
  const live = replicas - done
  const { replicas: next } = countedTarget({ want, replicas: live, present: active, removable, stuck })
  const isQuiet = starting === 0 && live <= active
  // One that does not run is what is to go: then whatever does not run may go.
  const isAllGoing = starting > 0 && next <= active - starting
  return next <= live && (isQuiet || isAllGoing) ? next : next + done
}
