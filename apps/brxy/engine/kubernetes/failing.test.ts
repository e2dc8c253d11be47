import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isLacking } from '@brxy-tooling/engines'
import { eventually } from '@brxy-tooling/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Workload } from './workload.ts'
import {
  BUILD_MS,
  example,
  jobTemplate,
  type KubernetesEdge,
  KubernetesWorld,
  LINKED,
  startEdge,
} from './world.ts'

/** A back-off of the kubelet takes 10 s, and a busy machine its time. */
const SLOW_MS = 120_000
/** Of a request that fails for a reason, with a back-off in it: a hold ends after 50 s. */
const FAST_MS = 25_000
const CRASH = ['sh', '-c', 'echo no database >&2; exit 3']
const RBAC = 'rbac.authorization.k8s.io/v1'

describe.skipIf(await isLacking('kubernetes'))('what Kubernetes refuses', () => {
  let kubernetes: KubernetesWorld
  /** Its pods are started again and again, from before there is an edge. */
  let workload: Workload
  const edges: KubernetesEdge[] = []
  const byApp = new Map<string, KubernetesEdge>()

  /** An edge for these apps, as somebody. */
  async function serve(kubeconfig: string | undefined, apps: Parameters<typeof startEdge>[1]) {
    const edge = await startEdge(kubernetes.options(kubeconfig), apps)
    edges.push(edge)
    for (const app of Object.keys(apps)) byApp.set(app, edge)
  }

  beforeAll(async () => {
    kubernetes = await KubernetesWorld.start('failing')
    const { api } = kubernetes
    await api.apply('/api/v1/namespaces', { metadata: { name: 'full' } })
    const quota = { metadata: { name: 'none' }, spec: { hard: { pods: '0' } } }
    await api.apply('/api/v1/namespaces/full/resourcequotas', quota)
    workload = await Workload.apply(kubernetes, 'deployment', 1, CRASH)
    const hungry = { resources: { requests: { cpu: '1000' } } }
    await serve(undefined, {
      unpullable: { kubectl: { template: jobTemplate({ image: 'images.invalid/none:1' }) } },
      quota: { kubectl: { template: jobTemplate(), namespace: 'full' } },
      roomless: { kubectl: { template: jobTemplate(hungry) }, startTimeout: '4s' },
      crashing: { kubectl: { template: jobTemplate({ command: CRASH }) } },
      looping: { kubectl: { workload: 'deployment/shop' } },
      missing: { kubectl: { workload: 'deployment/none' } },
    })
    await serve(await asAccount(), {
      allowed: { kubectl: { template: jobTemplate({ command: LINKED }) } },
      elsewhere: { kubectl: { template: jobTemplate(), namespace: 'full' } },
    })
    await serve(asUser('nobody', 'a token that the API does not know'), {
      unknown: { kubectl: { template: jobTemplate() } },
    })
  }, BUILD_MS)
  afterAll(async () => {
    try {
      for (const edge of edges) await edge.close()
    } finally {
      await kubernetes?.stop()
    }
  })

  // Each app is one's own, and most of the time is a back-off of the kubelet.
  it.concurrent.each([
    ['unpullable', 'image', /images\.invalid\/none:1/],
    ['quota', 'quota', /exceeded quota: none/],
    ['crashing', 'crashed', /status 3: no database/],
    ['looping', 'crashed', /exited with status 3/],
    ['elsewhere', 'denied', /forbidden: .*cannot \w+ resource "(jobs|pods)".*in the namespace "full"/],
    // What it waited for did not come: the class is the reason, and the time is that of a start.
    ['roomless', 'unschedulable', /0\/1 nodes are available.*Insufficient cpu/],
  ])(
    '%s: held requests fail with the class "%s", and the operator reads what Kubernetes says',
    async (app, code, message) => {
      await expectProblem(app, code)
      const { edge } = byApp.get(app) as KubernetesEdge
      const failed = await edge.event('launch failed', (event) => event.app === app)
      expect(failed.problem).toMatchObject({ code, message: expect.stringMatching(message) })
    },
    SLOW_MS,
  )

  it.concurrent.each([
    ['unknown', 'denied', /401 Unauthorized/],
    ['missing', 'invalid', /deployments\.apps \\"none\\" not found/],
  ])(
    '%s: where every call fails, held requests do with the class "%s", and the operator reads why',
    async (app, code, message) => {
      await expectProblem(app, code)
      const { edge } = byApp.get(app) as KubernetesEdge
      expect(edge.output).toMatch(message)
    },
    SLOW_MS,
  )

  it(
    'a workload that crashes is scaled to zero, and started anew for whoever asks after the pause',
    async () => {
      const { edge } = byApp.get('looping') as KubernetesEdge
      const failed = () => edge.matching('launch failed', ({ app }) => app === 'looping').length
      await eventually('there are no replicas', async () => (await workload.replicas()) === 0, SLOW_MS)
      const before = failed()
      await eventually(
        'another start has failed',
        async () => {
          // At once as long as the pause lasts, else when that start fails.
          await expectProblem('looping', 'crashed')
          return failed() > before
        },
        SLOW_MS,
      )
    },
    SLOW_MS,
  )

  it('an account with the role of the examples, which may do nothing elsewhere, starts what it may', async () => {
    const { edge } = byApp.get('allowed') as KubernetesEdge
    expect((await edge.ask('/', { host: 'allowed.test' })).status).toBe(200)
  })

  async function expectProblem(app: string, code: string): Promise<void> {
    const { edge } = byApp.get(app) as KubernetesEdge
    const since = performance.now()
    const { status, text } = await edge.ask('/', { host: `${app}.test`, headers: { accept: '*/*' } })
    const tookMs = performance.now() - since
    expect(status, edge.output).toBe(503)
    expect(tookMs, edge.output).toBeLessThan(FAST_MS)
    expect(JSON.parse(text)).toMatchObject({ code: 'edge/cannot-start', problem: code })
    // Clients get a text for the class, and nothing of what the platform said.
    expect(text).not.toMatch(/registry\.|quota: |status \d:|nodes|namespace|Unauthorized|deployments/)
  }

  /** The kubeconfig of the service account of examples/kubernetes, with the role for Jobs, in this namespace. */
  async function asAccount(): Promise<string> {
    const { api } = kubernetes
    const account = { metadata: { name: 'brxy-edge' } }
    await api.apply(kubernetes.path('serviceaccounts'), account)
    const [role, binding] = example('role-job.yaml')
    await api.apply(kubernetes.path('roles', RBAC), role)
    await api.apply(kubernetes.path('rolebindings', RBAC), binding)
    const path = kubernetes.path('serviceaccounts/brxy-edge/token')
    const { status } = await api.create(path, { spec: {} })
    return asUser('brxy-edge', status.token)
  }

  function asUser(name: string, token: string): string {
    const { server, ca } = kubernetes.api
    const cluster = { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') }
    const file = join(kubernetes.engine.dir, `kubeconfig-${name}`)
    const content = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name, cluster }],
      users: [{ name, user: { token } }],
      contexts: [{ name, context: { cluster: name, user: name } }],
      'current-context': name,
    }
    writeFileSync(file, JSON.stringify(content), { mode: 0o600 })
    return file
  }
})
