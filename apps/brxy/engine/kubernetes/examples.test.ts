import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { kubernetesProgram, whyNot } from '@brxy-tooling/engines'
import { freePorts } from '@brxy-tooling/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exampleTemplate } from './template.ts'
import { BUILD_MS, examplePath, type KubernetesEdge, KubernetesWorld, startEdge } from './world.ts'

const lack = await whyNot('kubernetes')
if (lack !== null) process.stderr.write(`SKIPPED: the tests against a real Kubernetes: ${lack}\n`)

describe.skipIf(lack !== null)(
  `the examples for Kubernetes${lack === null ? '' : ` (skipped: ${lack})`}`,
  () => {
    let kubernetes: KubernetesWorld
    let world: KubernetesEdge
    beforeAll(async () => {
      kubernetes = await KubernetesWorld.start('examples')
      const [port = 0] = await freePorts(1)
      world = await startEdge(kubernetes.options(), {
        job: { kubectl: { template: exampleTemplate('job.yaml', port) } },
        sidecar: { kubectl: { template: exampleTemplate('sidecar.yaml', port) } },
      })
    }, BUILD_MS)
    afterAll(async () => {
      try {
        await world?.close()
      } finally {
        await kubernetes?.stop()
      }
    })

    it.each([
      'role-job.yaml',
      'role-pod.yaml',
      'role-deployment.yaml',
      'role-statefulset.yaml',
      'edge.yaml',
      'deployment.yaml',
    ])('%s is accepted without a warning', async (name) => {
      const { stdout, stderr } = await promisify(execFile)(
        kubernetesProgram('kubectl'),
        ['apply', '--validate=strict', '-n', kubernetes.namespace, '-f', examplePath(name)],
        { env: { ...process.env, ...kubernetes.engine.env } },
      )
      expect(stdout).toContain('created')
      expect(stderr).toBe('')
    })

    it.each(['job', 'sidecar'])('%s.yaml answers a request', async (name) => {
      const { status, text } = await world.edge.ask('/', { host: `${name}.test` })
      expect([status, world.edge.matching('launch failed')]).toEqual([200, []])
      expect(text).not.toBe('')
    })
  },
)
