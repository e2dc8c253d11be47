import { conformance } from '@brxy/scaler/conformance'
import { isLacking, overlapping } from '@brxy-tooling/engines'
import { describe, it } from 'vitest'
import { launchDriver } from './driver.testkit.ts'
import { shareKubernetes } from './kubernetes.testkit.ts'

describe.skipIf(await isLacking('kubernetes'))('on a real Kubernetes', () => {
  const drivers = (['Job', 'Pod'] as const).map((kind) => launchDriver(shareKubernetes(), kind))
  const areApart = true
  overlapping(it, (test) => drivers.forEach((driver) => void conformance(driver, { test })), areApart)
})
