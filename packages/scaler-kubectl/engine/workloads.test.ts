import { conformance } from '@brxy/scaler/conformance'
import { isLacking, overlapping } from '@brxy-tooling/engines'
import { describe, it } from 'vitest'
import { shareKubernetes } from './kubernetes.testkit.ts'
import { workloadDriver } from './workload-driver.testkit.ts'

describe.skipIf(await isLacking('kubernetes'))('on a real Kubernetes', () => {
  const kubernetes = shareKubernetes()
  overlapping(it, (test) => {
    for (const kind of ['deployment', 'statefulset'] as const)
      conformance(workloadDriver(kubernetes, kind), { test })
  })
})
