import { isLacking } from '@brxy-tooling/engines'
import { describe, expect, it } from 'vitest'
import { ClusterEdge } from './cluster-edge.ts'
import { exampleTemplate } from './template.ts'
import { shareEdge } from './world.ts'

const HOST = 'shop.example.com'

describe.skipIf(await isLacking('kubernetes'))('an edge in a pod, as the examples have it', () => {
  const shared = shareEdge('in-cluster', async (kubernetes) => {
    const templates = { 'job.yaml': exampleTemplate('job.yaml', 0, 1) }
    return ClusterEdge.start(kubernetes, 'role-job.yaml', templates)
  })

  it('goes from nothing to three pods for three requests at once, and back to nothing, as its service account', async () => {
    const { kubernetes, world: edge } = shared
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
})
