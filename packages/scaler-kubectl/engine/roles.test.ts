import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { AppScaler, Instance, Target } from '@brxy/scaler'
import { type ApiObject, whyNot } from '@brxy-tooling/engines'
import { loadAll } from 'js-yaml'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import kubectl from '../src/index.ts'
import { ID_FIELDS } from '../src/replica.ts'
import { podSpec, template } from './driver.testkit.ts'
import { TestKubernetes } from './kubernetes.testkit.ts'

const BUILD_MS = 3_600_000
/** What must work works within it; so long it is waited that something does not. */
const STEP_MS = 12_000
const NAMESPACE = 'least'
const CORE = `/api/v1/namespaces/${NAMESPACE}`
const RBAC = `/apis/rbac.authorization.k8s.io/v1/namespaces/${NAMESPACE}`
const APPS = `/apis/apps/v1/namespaces/${NAMESPACE}`
const EXAMPLES = new URL('../../../examples/kubernetes/', import.meta.url)
const ROUTE = 'shop'

/** What an access review asks about. */
interface Right {
  readonly group: string
  readonly resource: string
  readonly verb: string
}

type Mode = 'job' | 'pod' | 'deployment' | 'statefulset'
const MODES: readonly Mode[] = ['job', 'pod', 'deployment', 'statefulset']

/** The documents of an example. */
function example(name: string): ApiObject[] {
  return loadAll(readFileSync(fileURLToPath(new URL(name, EXAMPLES)), 'utf8'))
}

/** Each verb of each rule, alone: what can be taken away. */
function rulesOf(mode: Mode): { name: string; without: ApiObject[]; lost: Right }[] {
  const [role] = example(`role-${mode}.yaml`)
  return role.rules.flatMap((rule: ApiObject, index: number) =>
    rule.verbs.map((verb: string) => ({
      name: `${verb} ${rule.resources[0]}`,
      without: role.rules
        .map((each: ApiObject, at: number) =>
          at === index ? { ...each, verbs: rule.verbs.filter((other: string) => other !== verb) } : each,
        )
        .filter(({ verbs }: ApiObject) => verbs.length > 0),
      lost: { group: rule.apiGroups[0], resource: rule.resources[0], verb },
    })),
  )
}

const lack = await whyNot('kubernetes')
if (lack !== null) process.stderr.write(`SKIPPED: the tests against a real Kubernetes: ${lack}\n`)

describe.skipIf(lack !== null)(
  `the roles of the examples${lack === null ? '' : ` (skipped: ${lack})`}`,
  () => {
    let kubernetes: TestKubernetes
    let token = ''
    beforeAll(async () => {
      kubernetes = await TestKubernetes.start()
      const { api } = kubernetes
      await api.apply('/api/v1/namespaces', { metadata: { name: NAMESPACE } })
      await api.apply(`${CORE}/serviceaccounts`, { metadata: { name: 'brxy-edge' } })
      const made = await api.create(`${CORE}/serviceaccounts/brxy-edge/token`, { spec: {} })
      token = made.status.token
    }, BUILD_MS)
    afterAll(() => kubernetes?.stop())

    describe.each(MODES)('%s', (mode) => {
      it('is enough for all that the adapter does', async () => {
        await grant(mode)
        await lifeOf(mode)
      })

      it.each(rulesOf(mode))('has nothing that is not needed: $name', async ({ without }) => {
        await grant(mode, without)
        await expect(lifeOf(mode)).rejects.toThrow()
      })
    })

    /** Gives the service account this role, and takes every other one. */
    async function grant(mode: Mode, rules?: ApiObject[], lost?: Right): Promise<void> {
      const { api } = kubernetes
      await api.delete(`${RBAC}/rolebindings`)
      const [role, binding] = example(`role-${mode}.yaml`)
      // A name of its own: a rule that was taken away is not granted any more by what the API still remembers.
      const name = `role-${randomBytes(4).toString('hex')}`
      await api.create(`${RBAC}/roles`, { metadata: { name }, rules: rules ?? role.rules })
      const subjects = binding.subjects.map((each: ApiObject) => ({ ...each, namespace: NAMESPACE }))
      await api.create(`${RBAC}/rolebindings`, {
        metadata: { name },
        roleRef: { ...binding.roleRef, name },
        subjects,
      })
      // The API learns of its own rules a moment later.
      for (const { apiGroups, resources, verbs } of rules ?? role.rules)
        for (const verb of verbs) await isGranted({ group: apiGroups[0], resource: resources[0], verb }, true)
      if (lost !== undefined) await isGranted(lost, false)
    }

    async function isGranted({ group, resource: full, verb }: Right, wanted: boolean): Promise<void> {
      const [resource, subresource] = full.split('/')
      const resourceAttributes = { namespace: NAMESPACE, group, resource, subresource, verb }
      const spec = { user: `system:serviceaccount:${NAMESPACE}:brxy-edge`, resourceAttributes }
      const reviews = '/apis/authorization.k8s.io/v1/subjectaccessreviews'
      await kubernetes.api.until(`${verb} ${full}: ${wanted}`, async () => {
        const { status } = await kubernetes.api.create(reviews, { spec })
        return status.allowed === wanted
      })
    }

    /** All that the adapter does: starts, is told of changes, removes, replaces, meets a quota. @throws if a right lacks */
    async function lifeOf(mode: Mode): Promise<void> {
      const { api } = kubernetes
      const warnings: string[] = []
      let changes = 0
      const scaler = kubectl(
        { ...kubernetes.options(token), namespace: NAMESPACE },
        {
          owner: randomBytes(4).toString('hex'),
          stateDir: tmpdir(),
          changed: () => changes++,
          log: (_level, message, fields) => warnings.push(`${message}: ${JSON.stringify(fields)}`),
        },
      )
      const isCounted = mode === 'deployment' || mode === 'statefulset'
      const name = `${mode}-${randomBytes(4).toString('hex')}`
      try {
        if (isCounted) await makeWorkload(mode, name)
        const options = isCounted
          ? { workload: `${mode}/${name}` }
          : { template: template(mode === 'job' ? 'Job' : 'Pod', podSpec()) }
        const app = scaler.app(ROUTE, options)
        const start = [{ id: name, env: {} }]
        const [one] = await reach(app, { want: 1, start, remove: [] }, (all) => all[0]?.state === 'running')
        // Another edge of the same owner starts the same launch: it finds it there.
        if (!isCounted) await conflict(mode, name, options)
        const remove = [one as Instance]
        // As many are wanted anew: a replica that left is replaced.
        if (isCounted)
          await reach(
            app,
            { want: 1, start: [], remove },
            ([only]) => only !== undefined && only.id !== one?.id,
          )
        const left = isCounted ? await app.observe(signal()) : remove
        await reach(app, { want: 0, start: [], remove: left }, (all) => all.length === 0)
        if (mode !== 'pod') await meetsQuota(app)
        expect(warnings).toEqual([])
      } finally {
        await scaler.close()
        await api.delete(`${CORE}/resourcequotas`)
        await api.delete(`/apis/batch/v1/namespaces/${NAMESPACE}/jobs`)
        await api.delete(`${APPS}/deployments`)
        await api.delete(`${APPS}/statefulsets`)
        await api.delete(`${CORE}/pods`)
      }
    }

    async function conflict(mode: Mode, id: string, options: object): Promise<void> {
      const host = { owner: 'another', stateDir: tmpdir(), changed: () => {}, log: () => {} }
      const other = kubectl({ ...kubernetes.options(token), namespace: NAMESPACE }, host)
      try {
        const app = other.app(ROUTE, options)
        const [instance] = await app.scale({ want: 1, start: [{ id, env: {} }], remove: [] }, signal())
        expect(instance?.problem?.message, mode).toMatch(/belongs to somebody else/)
      } finally {
        await other.close()
      }
    }

    async function meetsQuota(app: AppScaler): Promise<void> {
      const { api } = kubernetes
      await api.create(`${CORE}/resourcequotas`, {
        metadata: { name: 'none' },
        spec: { hard: { pods: '0' } },
      })
      await api.until(
        'the quota counts',
        async () => (await api.get(`${CORE}/resourcequotas/none`)).status?.hard?.pods === '0',
      )
      const start = [{ id: randomBytes(4).toString('hex'), env: {} }]
      const failed = (all: readonly Instance[]) => all.some(({ problem }) => problem?.code === 'quota')
      const remove = await reach(app, { want: 1, start, remove: [] }, failed)
      await reach(app, { want: 0, start: [], remove }, (all) => all.length === 0)
    }

    async function makeWorkload(kind: 'deployment' | 'statefulset', name: string): Promise<void> {
      const labels = { app: name }
      const env = [{ name: 'BRXY_INSTANCE', valueFrom: { fieldRef: { fieldPath: ID_FIELDS[kind] } } }]
      const spec = podSpec({ env }, { terminationGracePeriodSeconds: 45 })
      await kubernetes.api.create(`${APPS}/${kind}s`, {
        metadata: { name },
        spec: {
          replicas: 0,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec },
          ...(kind === 'statefulset' ? { serviceName: 'none', podManagementPolicy: 'Parallel' } : {}),
        },
      })
    }
  },
)

function signal(): AbortSignal {
  return AbortSignal.timeout(STEP_MS)
}

/** Asks for the target until what is there is as expected. */
async function reach(
  app: AppScaler,
  target: Target,
  isReached: (instances: readonly Instance[]) => boolean,
): Promise<readonly Instance[]> {
  const endMs = performance.now() + STEP_MS
  for (;;) {
    const instances = await app.scale(target, signal())
    if (isReached(instances)) return instances
    const denied = instances.find(({ problem }) => problem?.code === 'denied')
    if (denied !== undefined) throw new Error(denied.problem?.message)
    if (performance.now() > endMs) throw new Error(`not reached: ${JSON.stringify(instances)}`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
