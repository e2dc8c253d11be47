import { kubernetesProgram, restartDaemon, whyNot } from '@brxy-tooling/engines'
import { eventually, isRunning, markedProcesses } from '@brxy-tooling/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { APP, openRequest } from './workload.ts'
import { BUILD_MS, jobTemplate, type KubernetesEdge, KubernetesWorld, startEdge } from './world.ts'

const SLOW_MS = 90_000

const lack = await whyNot('kubernetes')
if (lack !== null) process.stderr.write(`SKIPPED: the tests against a real Kubernetes: ${lack}\n`)

describe.skipIf(lack !== null)(
  `an edge that is cut off from Kubernetes for a while${lack === null ? '' : ` (skipped: ${lack})`}`,
  () => {
    let kubernetes: KubernetesWorld
    let world: KubernetesEdge
    beforeAll(async () => {
      kubernetes = await KubernetesWorld.start('interrupted')
      world = await startEdge(kubernetes.options(), { [APP]: { kubectl: { template: jobTemplate() } } })
    }, BUILD_MS)
    afterAll(async () => {
      try {
        await world?.close()
      } finally {
        await kubernetes?.stop()
      }
    })
    // Whatever happened: nothing is left of an instance, and none has failed.
    afterEach(async () => {
      await eventually('no Job and no pod is left', async () => (await left()) === 0, SLOW_MS)
      expect(world.edge.matching('launch failed'), world.edge.output).toEqual([])
    })

    const ask = async () => (await world.edge.ask('/', { host: `${APP}.test` })).status
    const left = async () =>
      (await kubernetes.api.list(kubernetes.path('jobs', 'batch/v1'))).length +
      (await kubernetes.pods('brxy/owner')).length
    /** The one child of the edge, behind its guard. */
    const proxies = () => markedProcesses().filter(({ command }) => command.startsWith(kubectlProxy()))
    const kubectlProxy = () => `${kubernetesProgram('kubectl')} `

    it('starts another kubectl proxy when that is killed, and goes on', async () => {
      expect(await ask()).toBe(200)
      const [proxy, ...others] = proxies()
      expect(others).toEqual([])
      const pid = proxy?.pid as number
      process.kill(pid, 'SIGKILL')
      await eventually('it has ended', () => !isRunning(pid))
      expect(await ask()).toBe(200)
      expect(proxies().map((each) => each.pid)).not.toContain(pid)
    })

    it('serves on while the API server restarts, and starts and removes instances afterwards', async () => {
      const running = openRequest(world.edge.port)
      await running.pod
      await restartDaemon(`${kubernetes.engine.dir}/daemons`, 'apiserver')
      expect(await running.end()).toBe(true)
      await kubernetes.api.until('the API answers', () =>
        kubernetes.api.get('/api/v1/nodes').catch(() => false),
      )
      // One that ended in the meantime is removed, and another one is started.
      await eventually('no Job and no pod is left', async () => (await left()) === 0, SLOW_MS)
      expect(await ask()).toBe(200)
    })
  },
)
