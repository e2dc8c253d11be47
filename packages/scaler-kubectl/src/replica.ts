import type { Instance } from '@brxy/scaler'
import { sinceOfPod, stateOfPod } from './instances.ts'
import { conditionOf, type Pod } from './objects.ts'
import { problemOfPod } from './problem.ts'
import type { WorkloadPlace } from './workload.ts'

/** What a ReplicaSet removes first; the field is an int32 (KEP-2255). */
export const DELETION_COST = '-2147483648'
export const DELETION_COST_ANNOTATION = 'controller.kubernetes.io/pod-deletion-cost'

/**
 * What a replica is called here and in its linker's BRXY_INSTANCE: a Deployment's pod by its name, which is its own for
 * good; a StatefulSet's by its uid, for the next pod gets the same name.
 */
export function replicaId(kind: WorkloadPlace['kind'], { metadata }: Pod): string {
  return kind === 'deployment' ? metadata.name : (metadata.uid ?? metadata.name)
}

/** The field of the downward API that gives it. */
export const ID_FIELDS = { deployment: 'metadata.name', statefulset: 'metadata.uid' } as const

/** A pod of a workload as an instance. */
export function replicaInstance(kind: WorkloadPlace['kind'], pod: Pod): Instance {
  const problem = pod.metadata.deletionTimestamp === undefined ? problemOfPod(pod, true) : undefined
  return {
    id: replicaId(kind, pod),
    state: stateOfPod(pod),
    since: sinceOfPod(pod),
    ...(kind === 'statefulset' ? { order: ordinalOf(pod) } : {}),
    ...(problem === undefined ? {} : { problem }),
  }
}

/** Whether it counts among the replicas: it has neither ended nor is it being ended. */
export function isPresent(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp === undefined && stateOfPod(pod) !== 'ended'
}

/**
 * Whether it was told to end and has. That is no failure, and nothing that a launch could stand for: it is listed no more,
 * although the API has its record for another moment.
 */
export function isOver(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined && stateOfPod(pod) === 'ended'
}

export function isReady(pod: Pod): boolean {
  return conditionOf(pod.status?.conditions, 'Ready', 'True') !== undefined
}

/** Whether the annotation is there that makes a ReplicaSet prefer it. */
export function isMarked({ metadata }: Pod): boolean {
  return metadata.annotations?.[DELETION_COST_ANNOTATION] === DELETION_COST
}

/** The number at the end of the name of a StatefulSet's pod. */
export function ordinalOf({ metadata }: Pod): number {
  return Number(metadata.name.slice(metadata.name.lastIndexOf('-') + 1))
}

/**
 * Which of the leavers the platform would remove if the number fell by as many as there are.
 *
 * A ReplicaSet takes first what is not scheduled, pending or not ready, then what costs least: so all marked ones, but
 * only while no other is any of that. A StatefulSet takes the highest.
 *
 * @param present all replicas that are there
 * @param leavers those of them that are to be removed
 */
export function removableOf(
  kind: WorkloadPlace['kind'],
  present: readonly Pod[],
  leavers: ReadonlySet<Pod>,
): Pod[] {
  if (kind === 'deployment') {
    const isClear = present.every((pod) => leavers.has(pod) || isReady(pod))
    return isClear ? [...leavers].filter(isMarked) : []
  }
  const highest = [...present].sort((a, b) => ordinalOf(b) - ordinalOf(a))
  const staying = highest.findIndex((pod) => !leavers.has(pod))
  return staying < 0 ? highest : highest.slice(0, staying)
}
