import { conformance } from '@brxy/scaler/conformance'
import { isLacking, overlapping } from '@brxy-tooling/engines'
import { describe, it } from 'vitest'
import { shareKubernetes } from './kubernetes.testkit.ts'
import { workloadDriver } from './workload-driver.testkit.ts'

describe.skipIf(await isLacking('kubernetes'))('on a real Kubernetes', () => {
  const drivers = (['deployment', 'statefulset'] as const).map((kind) =>
    workloadDriver(shareKubernetes(), kind),
  )
  const areApart = true
  overlapping(it, (test) => drivers.forEach((driver) => void conformance(driver, { test })), areApart)
})
