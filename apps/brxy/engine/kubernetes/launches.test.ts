import { whyNot } from '@brxy-tooling/engines'
import { eventually } from '@brxy-tooling/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BUILD_MS, jobTemplate, type KubernetesEdge, KubernetesWorld, startEdge } from './world.ts'

const SLOW_MS = 60_000

const lack = await whyNot('kubernetes')
if (lack !== null) process.stderr.write(`SKIPPED: the tests against a real Kubernetes: ${lack}\n`)

describe.skipIf(lack !== null)(
  `an edge with a Job for each launch${lack === null ? '' : ` (skipped: ${lack})`}`,
  () => {
    let kubernetes: KubernetesWorld
    let world: KubernetesEdge
    beforeAll(async () => {
      kubernetes = await KubernetesWorld.start('launches')
      world = await startEdge(kubernetes.options(), {
        shop: { kubectl: { template: jobTemplate() } },
      })
    }, BUILD_MS)
    afterAll(async () => {
      try {
        await world?.close()
      } finally {
        await kubernetes?.stop()
      }
    })

    it('goes from nothing to four pods for four requests at once, and back to nothing', async () => {
      const { edge } = world
      const answers = await Promise.all([1, 2, 3, 4].map(() => edge.ask('/?ms=5000', { host: 'shop.test' })))
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
      expect(new Set(edge.matching('ready').map(({ instance }) => instance)).size).toBe(4)
      await eventually(
        'no Job and no pod is left',
        async () =>
          (await kubernetes.api.list(kubernetes.path('jobs', 'batch/v1'))).length === 0 &&
          (await kubernetes.pods('brxy/owner')).length === 0,
        SLOW_MS,
      )
      expect(edge.matching('launch failed')).toEqual([])
    })
  },
)
