import type { Instance, Problem } from '@brxy/scaler'
import { LAUNCH_ANNOTATION } from './names.ts'
import { conditionOf, type Job, type Metadata, type Pod } from './objects.ts'
import { problemOfJob, problemOfPod } from './problem.ts'

/** What is known of a launch: its Job, its pod, or both. Its name is the Job's, and the pod's where there never was one. */
export interface Seen {
  readonly job: Job | undefined
  readonly pod: Pod | undefined
}

/** Brings together the Jobs and pods of a route, by the launch that they are marked with. */
export function seenLaunches(jobs: readonly Job[], pods: readonly Pod[]): Map<string, Seen> {
  const seen = new Map<string, Seen>()
  for (const job of jobs) {
    const launch = launchOf(job.metadata)
    if (launch !== undefined) seen.set(launch, { job, pod: undefined })
  }
  for (const pod of pods) {
    const launch = launchOf(pod.metadata)
    if (launch === undefined) continue
    const before = seen.get(launch)
    // A pod that was evicted may stand beside the newer one.
    if (before?.pod === undefined || createdMs(before.pod.metadata) <= createdMs(pod.metadata))
      seen.set(launch, { job: before?.job, pod })
  }
  return seen
}

/** @param blocked why the platform could not create its pod, if it said so. @returns null if nothing is left of it */
export function instanceOf(launch: string, { job, pod }: Seen, blocked?: Problem): Instance | null {
  const state = pod === undefined ? undefined : stateOfPod(pod)
  // The record of an ended pod goes with its Job.
  if (job === undefined && (pod === undefined || (state === 'ended' && isOfJob(pod)))) return null
  const jobEnd =
    conditionOf(job?.status?.conditions, 'Complete', 'True') ??
    conditionOf(job?.status?.conditions, 'Failed', 'True')
  const metadata = (job ?? pod)?.metadata as Metadata
  const problem = (pod && problemOfPod(pod)) ?? (job && problemOfJob(job)) ?? blocked
  const id = job === undefined && pod !== undefined ? nameOfPod(pod) : metadata.name
  return {
    id,
    launch,
    // A launch that has failed is over, whatever the platform goes on trying.
    state: jobEnd === undefined && problem?.final !== true ? (state ?? 'starting') : 'ended',
    since: sinceMs(metadata, pod, jobEnd?.lastTransitionTime),
    ...(problem === undefined || pod?.metadata.deletionTimestamp !== undefined ? {} : { problem }),
  }
}

/** Where a pod is in its life. One that is being ended counts as running until it is gone. */
export function stateOfPod({ metadata, status }: Pod): Instance['state'] {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return 'ended'
  if (status?.phase === 'Running' || metadata.deletionTimestamp !== undefined) return 'running'
  return 'starting'
}

/** When a pod entered its state. */
export function sinceOfPod(pod: Pod): number {
  return sinceMs(pod.metadata, pod, undefined)
}

function sinceMs(metadata: Metadata, pod: Pod | undefined, ended: string | undefined): number {
  const states = pod?.status?.containerStatuses?.map(({ state }) => state) ?? []
  const finished = states.map((each) => each?.terminated?.finishedAt).find((each) => each !== undefined)
  const started = states.map((each) => each?.running?.startedAt).find((each) => each !== undefined)
  const time = ended ?? finished ?? started
  return time === undefined ? createdMs(metadata) : Date.parse(time)
}

/** Pods that a Job made carry its name in a label, and have names of their own. */
const JOB_NAME_LABEL = 'batch.kubernetes.io/job-name'

function isOfJob({ metadata }: Pod): boolean {
  return metadata.labels?.[JOB_NAME_LABEL] !== undefined
}

function nameOfPod({ metadata }: Pod): string {
  return metadata.labels?.[JOB_NAME_LABEL] ?? metadata.name
}

function launchOf({ annotations }: Metadata): string | undefined {
  return annotations?.[LAUNCH_ANNOTATION]
}

function createdMs({ creationTimestamp }: Metadata): number {
  return creationTimestamp === undefined ? 0 : Date.parse(creationTimestamp)
}
