import { isLacking } from '@brxy-tooling/engines'
import { describe, expect, it } from 'vitest'
import { ClusterEdge } from './cluster-edge.ts'
import { Steps } from './steps.ts'
import { exampleTemplate } from './template.ts'
import { Workload } from './workload.ts'
import { shareEdge } from './world.ts'

/** Of the app with a Job for each launch, and of the one of examples/kubernetes/deployment.yaml. */
const JOB_HOST = 'job.example.com'
const SHOP_HOST = 'shop.example.com'
const DEPLOYMENT = new Steps('Replicas of a Deployment')

describe.skipIf(await isLacking('kubernetes'))('an edge in a pod, as the examples have it', () => {
  const shared = shareEdge('in-cluster', (kubernetes) =>
    ClusterEdge.start(kubernetes, {
      roles: ['role-job.yaml', 'role-deployment.yaml'],
      templates: { 'job.yaml': exampleTemplate('job.yaml', 0, 1) },
      apps: ({ shop }) => ({
        job: { ...shop, hosts: [JOB_HOST] },
        shop: { ...shop, scaler: DEPLOYMENT.scaler },
      }),
    }),
  )

  it('goes from nothing to three pods for three requests at once, and back to nothing, as its service account', async () => {
    const { kubernetes, world: edge } = shared
    const answers = await Promise.all([1, 2, 3].map(() => edge.ask('/?ms=4000', JOB_HOST)))
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

  it('scales a Deployment whose token was made in its pod, by the steps of the README', async () => {
    const { kubernetes, world: edge } = shared
    const status = async () => (await edge.ask('/', SHOP_HOST)).status
    await DEPLOYMENT.take(kubernetes, / rollout | exec | create secret /)
    const workload = await Workload.applyAlone(kubernetes, 'deployment', edge.tunnel)
    expect(await status(), edge.log).toBe(200)
    await kubernetes.api.until('no replica is left', async () => (await workload.replicas()) === 0)
    expect(await status(), edge.log).toBe(200)
  })
})
