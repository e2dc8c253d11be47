import type { Problem } from '@brxy/scaler'
import { isStatus } from '@brxy/scaler/api'
import type { Cluster } from './cluster.ts'
import type { List, PlatformEvent } from './objects.ts'
import { problemOfEvents } from './problem.ts'

/**
 * Why a controller could not create a pod for an object, by the events of the object: there is no pod to look at.
 *
 * @param sinceMs events that were last seen before are over
 * @returns undefined if it did not say so, or this adapter may not read events: that is worth no failure
 */
export async function createFailure(
  cluster: Cluster,
  kind: 'Job' | 'StatefulSet',
  name: string,
  sinceMs: number,
  signal: AbortSignal,
): Promise<Problem | undefined> {
  const fieldSelector = `involvedObject.kind=${kind},involvedObject.name=${name},reason=FailedCreate`
  try {
    const { items } = await cluster.request<List<PlatformEvent>>(
      'events',
      { query: { fieldSelector } },
      signal,
    )
    return problemOfEvents(items.filter((event) => lastMs(event) >= sinceMs))
  } catch (error) {
    if (isStatus(error, 403)) return undefined
    throw error
  }
}

function lastMs({ lastTimestamp, eventTime, metadata }: PlatformEvent): number {
  return Date.parse(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '')
}
