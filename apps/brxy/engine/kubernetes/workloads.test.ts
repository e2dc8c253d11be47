import { isLacking } from '@brxy-tooling/engines'
import { eventually, freePorts } from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { APP, type OpenRequest, openRequest, Workload, type WorkloadKind } from './workload.ts'
import { shareEdge, startEdge } from './world.ts'

const SLOW_MS = 90_000

const KINDS = ['deployment', 'statefulset'] as const

// Each kind has a namespace and an edge of its own, so both are tried beside each other; the tests of one share its edge.
describe.skipIf(await isLacking('kubernetes')).concurrent('an edge with the replicas of', () => {
  describe.each(KINDS)('a %s', (kind: WorkloadKind) => {
    let workload: Workload
    let opened: OpenRequest[] = []
    const shared = shareEdge(`replicas-${kind}`, async (kubernetes) => {
      const [tunnel = 0] = await freePorts(1)
      workload = await Workload.apply(kubernetes, kind, tunnel)
      return startEdge(kubernetes.options(), { [APP]: { kubectl: { workload: `${kind}/${APP}` } } }, tunnel)
    })
    // As an operator applies it, it has one replica, which leaves when it is idle; and so do those of each test. One that the
    // platform is about to end might be recalled yet.
    beforeEach(async () => {
      await untilReplicas(0)
      const count = (msg: string) => shared.world.edge.matching(msg).length
      await eventually('no linker is connected', () => count('left') === count('connected'), SLOW_MS)
    })
    afterEach(async () => {
      await Promise.allSettled(opened.map((request) => request.end()))
      opened = []
    })

    const open = (query?: string): OpenRequest => {
      const request = openRequest(shared.world.edge.port, query)
      opened.push(request)
      return request
    }
    /** So many requests that run at once, each in a pod of its own; sorted by it. */
    const openAtOnce = async (count: number) => {
      const requests = Array.from({ length: count }, () => open())
      const found = await Promise.all(requests.map(async (request) => ({ request, pod: await request.pod })))
      return found.sort((a, b) => (a.pod < b.pod ? -1 : 1))
    }
    async function untilReplicas(count: number): Promise<void> {
      await eventually(
        `${count} replicas, in as many pods`,
        async () => (await workload.replicas()) === count && (await workload.pods()).length === count,
        SLOW_MS,
      )
    }
    const untilParked = (nth: number) => shared.world.edge.event('parked', undefined, nth, SLOW_MS)
    const parkedSoFar = () => shared.world.edge.matching('parked').length

    it.sequential('goes from nothing to four pods for four requests at once, and back to nothing', async () => {
      const serving = await openAtOnce(4)
      expect(new Set(serving.map(({ pod }) => pod)).size).toBe(4)
      expect(await workload.replicas(), shared.world.edge.stdout).toBe(4)
      for (const { request } of serving) expect(await request.end()).toBe(true)
      await untilReplicas(0)
      expect(shared.world.edge.matching('launch failed')).toEqual([])
    })

    it.sequential('removes the very pods that have left, while the others go on serving', async () => {
      const serving = await openAtOnce(3)
      // The highest ordinal; of a Deployment any one.
      const [last] = serving.splice(-1)
      expect(await last?.request.end()).toBe(true)
      await untilReplicas(2)
      expect(await workload.pods()).toEqual(serving.map(({ pod }) => pod))
      for (const { request } of serving) expect(await request.end()).toBe(true)
    })

    it.sequential('parks the one that left as long as the platform would remove another one, and recalls it before it starts any', async () => {
      // A Deployment's controller would prefer the pod that is not ready; a StatefulSet's the higher one.
      const first = open()
      const leaver = await first.pod
      const second = open(kind === 'deployment' ? 'unready' : '')
      const server = await second.pod
      expect(server).not.toBe(leaver)
      if (kind === 'deployment')
        await eventually('it is not ready', async () => !(await workload.isReady(server)), SLOW_MS)
      const before = parkedSoFar()
      expect(await first.end()).toBe(true)
      await untilParked(before + 1)
      // Its reason to stay is still there.
      const third = open()
      expect(await third.pod).toBe(leaver)
      expect(shared.world.edge.matching('recalled').length).toBeGreaterThan(0)
      expect(await workload.pods()).toEqual([leaver, server].sort())
      expect(await workload.replicas()).toBe(2)
      expect(await third.end()).toBe(true)
      expect(await second.end()).toBe(true)
    })
  })
})
