import { isLacking } from '@brxy-tooling/engines'
import { eventually } from '@brxy-tooling/testkit'
import { describe, expect, it } from 'vitest'
import { jobTemplate, shareEdge, startEdge } from './world.ts'

const SLOW_MS = 60_000

describe.skipIf(await isLacking('kubernetes'))('an edge with a Job for each launch', () => {
  const shared = shareEdge('launches', (kubernetes) =>
    startEdge(kubernetes.options(), {
      shop: { kubectl: { template: jobTemplate() } },
    }),
  )

  it('goes from nothing to four pods for four requests at once, and back to nothing', async () => {
    const { kubernetes } = shared
    const { edge } = shared.world
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
})
