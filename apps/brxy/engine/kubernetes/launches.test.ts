import { isLacking } from '@brxy-tooling/engines'
import { eventually } from '@brxy-tooling/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { APP, type OpenRequest, openRequest } from './workload.ts'
import { jobTemplate, shareEdge, startEdge } from './world.ts'

const SLOW_MS = 60_000
/** The application says which pod it is in. */
const POD = { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }

describe.skipIf(await isLacking('kubernetes'))('an edge with a Job for each launch', () => {
  const shared = shareEdge('launches', (kubernetes) =>
    startEdge(kubernetes.options(), { [APP]: { kubectl: { template: jobTemplate({ env: [POD] }) } } }),
  )
  let opened: OpenRequest[] = []
  // Whatever happened, all that was started leaves, and nothing of it is left.
  afterEach(async () => {
    await Promise.allSettled(opened.map((request) => request.end()))
    opened = []
    await untilJobs(0)
  })

  /** So many requests that run at once, each in a pod of its own. */
  const openAtOnce = async (count: number) => {
    opened = Array.from({ length: count }, () => openRequest(shared.world.edge.port))
    return Promise.all(opened.map(async (request) => ({ request, pod: await request.pod })))
  }
  const jobs = () => shared.kubernetes.api.list(shared.kubernetes.path('jobs', 'batch/v1'))
  const pods = async () => (await shared.kubernetes.pods('brxy/owner')).map(({ metadata }) => metadata)
  const untilJobs = (count: number) =>
    eventually(
      `${count} Jobs, and as many pods`,
      async () => (await jobs()).length === count && (await pods()).length === count,
      SLOW_MS,
    )

  it('goes from nothing to four pods for four requests at once, and back to nothing', async () => {
    const { edge } = shared.world
    const serving = await openAtOnce(4)
    expect(new Set(serving.map(({ pod }) => pod)).size).toBe(4)
    for (const { request } of serving) expect(await request.end()).toBe(true)
    await untilJobs(0)
    expect(edge.matching('launching')).toHaveLength(4)
    expect(edge.matching('launch failed')).toEqual([])
  })

  it('removes the very Job whose instance has left, while the others go on serving', async () => {
    const [first, leaver, last] = await openAtOnce(3)
    expect(await leaver?.request.end()).toBe(true)
    await untilJobs(2)
    const [staying, names] = [[first?.pod, last?.pod].sort(), (await pods()).map(({ name }) => name).sort()]
    expect(names).toEqual(staying)
    const labels = (await pods()).map((each) => each.labels['batch.kubernetes.io/job-name']).sort()
    expect((await jobs()).map(({ metadata }) => metadata.name).sort()).toEqual(labels)
    for (const each of [first, last]) expect(await each?.request.end()).toBe(true)
    expect(shared.world.edge.matching('launch failed')).toEqual([])
  })
})
