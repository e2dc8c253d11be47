import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runningPid } from '../src/daemons.ts'
import { addBusybox, type Engine, engine, importNodeImage, isLacking, KubernetesApi } from '../src/index.ts'
import { processesBelow } from '../src/processes.ts'
import { containers, expectNothingBelow, node } from './traces.testkit.ts'

const PODS = '/api/v1/namespaces/default/pods'

describe.skipIf(await isLacking('kubernetes'))('kubernetes', () => {
  let dir: string
  let found: Engine
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'brxy-traces-'))
    found = (await engine('kubernetes')) as Engine
  })
  afterEach(async () => {
    await found.down(dir)
    rmSync(dir, { recursive: true, force: true })
  })

  /** With a pod that runs, and has a volume. */
  async function upWithPod(): Promise<void> {
    const env = await found.up(dir, () => {})
    await importNodeImage(dir, { name: 'brxy.test/box:1', fill: addBusybox })
    const api = new KubernetesApi(env.KUBECONFIG as string)
    try {
      const container = { name: 'box', image: 'brxy.test/box:1', command: ['/bin/sleep', '600'] }
      await api.create(PODS, {
        metadata: { name: 'box' },
        spec: { hostNetwork: true, containers: [container] },
      })
      await api.until('the pod runs', async () => (await api.get(`${PODS}/box`)).status.phase === 'Running')
    } finally {
      api.close()
    }
  }

  /** All of its daemons, at once. */
  function kill(): void {
    const daemons = join(dir, 'daemons')
    for (const file of readdirSync(daemons).filter((name) => name.endsWith('.pid')))
      process.kill(runningPid(join(daemons, file)) as number, 'SIGKILL')
  }

  it.each([
    ['comes, runs a pod, and goes', () => {}],
    ['goes after all of its daemons were killed, with the pod still there,', kill],
  ])('%s without a trace', async (_, befall) => {
    const [before, others] = [node(), containers()]
    await upWithPod()
    const own = containers().filter((each) => !others.includes(each))
    // That of the pod, and that of its sandbox.
    expect(own).toHaveLength(2)
    befall()
    expect(processesBelow(dir).length).toBeGreaterThan(0)
    await found.down(dir)
    expectNothingBelow(dir)
    expect(node()).toEqual(before)
    expect(containers().filter((each) => own.includes(each))).toEqual([])
  })
})
