import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { isLacking, kubernetesProgram } from '@brxy-tooling/engines'
import { freePorts } from '@brxy-tooling/testkit'
import { describe, expect, it } from 'vitest'
import { endingOnce, exampleTemplate } from './template.ts'
import { examplePath, shareEdge, startEdge } from './world.ts'

describe.skipIf(await isLacking('kubernetes'))('the examples for Kubernetes', () => {
  const shared = shareEdge('examples', async (kubernetes) => {
    const [port = 0, another = 0] = await freePorts(2)
    return startEdge(kubernetes.options(), {
      job: { kubectl: { template: exampleTemplate('job.yaml', port) } },
      sidecar: { kubectl: { template: exampleTemplate('sidecar.yaml', port) } },
      restarted: { kubectl: { template: endingOnce(exampleTemplate('sidecar.yaml', another)) } },
    })
  })

  it.each([
    'role-job.yaml',
    'role-pod.yaml',
    'role-deployment.yaml',
    'role-statefulset.yaml',
    'edge.yaml',
    'deployment.yaml',
  ])('%s is accepted without a warning', async (name) => {
    const { kubernetes } = shared
    const { stdout, stderr } = await promisify(execFile)(
      kubernetesProgram('kubectl'),
      ['apply', '--validate=strict', '-n', kubernetes.namespace, '-f', examplePath(name)],
      { env: { ...process.env, ...kubernetes.engine.env } },
    )
    expect(stdout).toContain('created')
    expect(stderr).toBe('')
  })

  it.each(['job', 'sidecar'])('%s.yaml answers a request', async (name) => {
    const { edge } = shared.world
    const { status, text } = await edge.ask('/', { host: `${name}.test` })
    expect([status, edge.matching('launch failed')]).toEqual([200, []])
    expect(text).not.toBe('')
  })

  it('sidecar.yaml answers a request also when its application ended badly once', async () => {
    const { kubernetes } = shared
    const { edge } = shared.world
    const { status } = await edge.ask('/', { host: 'restarted.test' })
    expect([status, edge.matching('launch failed')]).toEqual([200, []])
    const pods = await kubernetes.pods('brxy/owner')
    const restarts = pods
      .flatMap((pod) => pod.status.initContainerStatuses ?? [])
      .map((each) => each.restartCount)
    expect(restarts).toContain(1)
  })
})
