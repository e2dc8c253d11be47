import type { Instance } from './contract.ts'

/** What is known of a set of replicas that are alike when its number is decided, in one consistent look or as near as it gets. */
export interface CountedState {
  /** {@link Target.want}: a floor. */
  readonly want: number
  /** The number that the platform has been told. */
  readonly replicas: number
  /** Replicas that are there, whatever they do, without those that have ended or are ending. */
  readonly present: number
  /** Of those present, the ones in {@link Target.remove} that the platform would pick now if the number fell. */
  readonly removable: number
  /** Of those present, the ones in {@link Target.remove} that it would not pick yet. */
  readonly stuck: number
}

/** What to do about it. */
export interface CountedTarget {
  /** The number to write, on the condition that it is still the one that was read; equal to it: write nothing. */
  readonly replicas: number
  /**
   * How many removable ones are to be ended by themselves, each for the platform to start another in its place: the
   * number must not fall, because as many are wanted anew. 0 as long as the number falls or has just fallen, for then
   * the platform is about to pick them itself.
   */
  readonly recycle: number
  /** Whether nothing that is there is about to end, neither by this number nor by an earlier one (`Instance.kept`). */
  readonly keepsAll: boolean
}

/**
 * The number of replicas that an adapter for a counted platform (a Deployment, a service, a task group) writes.
 *
 * It never falls below `want`, falls only by what is removable, and is the same when it is asked again before the
 * platform has acted: `present - replicas` are removals that are under way. One write both raises and removes, for two
 * would race. Pure.
 */
export function countedTarget({ want, replicas, present, removable, stuck }: CountedState): CountedTarget {
  const underWay = Math.max(0, present - replicas)
  const lowered = replicas - Math.max(0, removable - underWay)
  // Whom it will pick no platform says until it has heeded the last number (Kubernetes: observedGeneration). What goes by that
  // one is of those that are to go, so it is enough as it is: raised again, it would replace one that was removed.
  const staying = Math.max(0, stuck - Math.max(0, present - lowered - removable))
  const next = lowered >= want + staying ? lowered : want + stuck
  const recycle = next === replicas && underWay === 0 ? removable : 0
  return { replicas: next, recycle, keepsAll: underWay === 0 && next >= present && recycle === 0 }
}

/** The answer of a call that kept them all. @param leavers ids of those in `remove` that are there and were not told to end */
export function keptInstances(instances: readonly Instance[], leavers: ReadonlySet<string>): Instance[] {
  return instances.map((each) => (leavers.has(each.id) ? { ...each, kept: true } : each))
}
