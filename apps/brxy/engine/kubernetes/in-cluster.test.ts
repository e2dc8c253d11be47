import { whyNot } from '@brxy-tooling/engines'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ClusterEdge } from './cluster-edge.ts'
import { exampleTemplate } from './template.ts'
import { BUILD_MS, KubernetesWorld } from './world.ts'

const HOST = 'shop.example.com'

const lack = await whyNot('kubernetes')
if (lack !== null) process.stderr.write(`SKIPPED: the tests against a real Kubernetes: ${lack}\n`)

describe.skipIf(lack !== null)(
  `an edge in a pod, as the examples have it${lack === null ? '' : ` (skipped: ${lack})`}`,
  () => {
    let kubernetes: KubernetesWorld
    let edge: ClusterEdge
    beforeAll(async () => {
      kubernetes = await KubernetesWorld.start('in-cluster')
      const templates = { 'job.yaml': exampleTemplate('job.yaml', 0, 1) }
      edge = await ClusterEdge.start(kubernetes, 'role-job.yaml', templates)
    }, BUILD_MS)
    afterAll(async () => {
      try {
        await edge?.stop()
      } finally {
        await kubernetes?.stop()
      }
    })

    it('goes from nothing to three pods for three requests at once, and back to nothing, as its service account', async () => {
      const answers = await Promise.all([1, 2, 3].map(() => edge.ask('/?ms=4000', HOST)))
      expect(
        answers.map(({ status }) => status),
        edge.log,
      ).toEqual([200, 200, 200])
      const launched = async () => [
        ...(await kubernetes.pods('brxy/owner')),
        ...(await kubernetes.api.list(kubernetes.path('jobs', 'batch/v1'))),
      ]
      expect((await launched()).length).toBeGreaterThanOrEqual(6)
      await kubernetes.api.until('no Job and no pod is left', async () => (await launched()).length === 0)
      expect(edge.log).not.toMatch(/failed to start|cannot be watched/)
      // Nothing is there that could have been a kubectl.
      expect(edge.log).not.toMatch(/kubectl proxy/)
    })
  },
)
