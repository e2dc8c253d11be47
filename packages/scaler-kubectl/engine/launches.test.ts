import { conformance } from '@brxy/scaler/conformance'
import { isLacking, overlapping } from '@brxy-tooling/engines'
import { describe, it } from 'vitest'
import { launchDriver } from './driver.testkit.ts'
import { shareKubernetes } from './kubernetes.testkit.ts'

describe.skipIf(await isLacking('kubernetes'))('on a real Kubernetes', () => {
  const kubernetes = shareKubernetes()
  overlapping(it, (test) => {
    for (const kind of ['Job', 'Pod'] as const) conformance(launchDriver(kubernetes, kind), { test })
  })
})
