import { LEAST_STOP_GRACE_S } from '@brxy/scaler'
import type { Workload } from './objects.ts'
import { ID_FIELDS } from './replica.ts'
import type { WorkloadPlace } from './workload.ts'

/** What is wrong in a workload that somebody else wrote, and goes wrong later: for the log. */
export function workloadAdvice(
  kind: WorkloadPlace['kind'],
  { spec }: Workload,
  container: string | undefined,
): string[] {
  const advice: string[] = []
  const { terminationGracePeriodSeconds: grace = 30, containers } = spec.template.spec
  if (grace < LEAST_STOP_GRACE_S)
    advice.push(
      `terminationGracePeriodSeconds is ${grace}: a linker needs ${LEAST_STOP_GRACE_S} to drain, and requests are cut with less`,
    )
  const linker = containers.find(({ name }) => name === container) ?? containers[0]
  const field = linker?.env?.find(({ name }) => name === 'BRXY_INSTANCE')?.valueFrom?.fieldRef?.fieldPath
  if (field !== ID_FIELDS[kind])
    advice.push(
      `BRXY_INSTANCE of container "${linker?.name}" is not taken from the field ${ID_FIELDS[kind]}: the edge cannot tell which pod a linker is in`,
    )
  // kubernetes.io/docs/concepts/workloads/controllers/statefulset: Deployment and Scaling Guarantees.
  if (kind === 'statefulset' && spec.podManagementPolicy !== 'Parallel')
    advice.push(
      'podManagementPolicy is not Parallel: a parked pod is not ready, and Kubernetes starts and removes no higher one meanwhile',
    )
  return advice
}
