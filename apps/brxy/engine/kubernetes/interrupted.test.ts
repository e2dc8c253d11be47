import { isLacking, kubernetesProgram, restartDaemon } from '@brxy-tooling/engines'
import { eventually, isRunning, markedProcesses } from '@brxy-tooling/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { APP, openRequest } from './workload.ts'
import { jobTemplate, shareEdge, startEdge } from './world.ts'

const SLOW_MS = 90_000

describe.skipIf(await isLacking('kubernetes'))('an edge that is cut off from Kubernetes for a while', () => {
  const shared = shareEdge('interrupted', (kubernetes) =>
    startEdge(kubernetes.options(), { [APP]: { kubectl: { template: jobTemplate() } } }),
  )
  // Whatever happened: nothing is left of an instance, and none has failed.
  afterEach(async () => {
    await eventually('no Job and no pod is left', async () => (await left()) === 0, SLOW_MS)
    expect(shared.world.edge.matching('launch failed'), shared.world.edge.output).toEqual([])
  })

  const ask = async () => (await shared.world.edge.ask('/', { host: `${APP}.test` })).status
  const left = async () =>
    (await shared.kubernetes.api.list(shared.kubernetes.path('jobs', 'batch/v1'))).length +
    (await shared.kubernetes.pods('brxy/owner')).length
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
    const running = openRequest(shared.world.edge.port)
    await running.pod
    await restartDaemon(`${shared.kubernetes.engine.dir}/daemons`, 'apiserver')
    expect(await running.end()).toBe(true)
    await shared.kubernetes.api.until('the API answers', () =>
      shared.kubernetes.api.get('/api/v1/nodes').catch(() => false),
    )
    // One that ended in the meantime is removed, and another one is started.
    await eventually('no Job and no pod is left', async () => (await left()) === 0, SLOW_MS)
    expect(await ask()).toBe(200)
  })
})
