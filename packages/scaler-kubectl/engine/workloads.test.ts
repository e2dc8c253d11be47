import { conformance } from '@brxy/scaler/conformance'
import { overlapping, whyNot } from '@brxy-tooling/engines'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { TestKubernetes } from './kubernetes.testkit.ts'
import { workloadDriver } from './workload-driver.testkit.ts'

/** The first run on a machine builds Kubernetes. */
const BUILD_MS = 3_600_000

const lack = await whyNot('kubernetes')
if (lack !== null) process.stderr.write(`SKIPPED: the tests against a real Kubernetes: ${lack}\n`)

describe.skipIf(lack !== null)(`on a real Kubernetes${lack === null ? '' : ` (skipped: ${lack})`}`, () => {
  let kubernetes: TestKubernetes
  beforeAll(async () => {
    kubernetes = await TestKubernetes.start()
  }, BUILD_MS)
  afterAll(() => kubernetes?.stop())

  overlapping(it, (test) => {
    conformance(
      workloadDriver(() => kubernetes, 'deployment'),
      { test },
    )
    conformance(
      workloadDriver(() => kubernetes, 'statefulset'),
      { test },
    )
  })
})
