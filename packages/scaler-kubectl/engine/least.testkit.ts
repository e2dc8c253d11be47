import { randomBytes } from 'node:crypto'
import type { ApiObject } from '@brxy-tooling/engines'
import type { TestKubernetes } from './kubernetes.testkit.ts'

/** Of a service account, as the examples have it. */
const ACCOUNT = 'brxy-edge'
const REVIEWS = '/apis/authorization.k8s.io/v1/subjectaccessreviews'

/** A namespace with a service account that has the rights of one role, and no other. */
export class Least {
  readonly kubernetes: TestKubernetes
  readonly namespace = `least-${randomBytes(4).toString('hex')}`
  token = ''

  private constructor(kubernetes: TestKubernetes) {
    this.kubernetes = kubernetes
  }

  /** @param role and `binding`: as the examples have them. @param rules instead of the role's own */
  static async make(
    kubernetes: TestKubernetes,
    [role, binding]: readonly ApiObject[],
    rules: ApiObject[] = role.rules,
  ): Promise<Least> {
    const least = new Least(kubernetes)
    const { api } = kubernetes
    const { name } = role.metadata
    await api.create('/api/v1/namespaces', { metadata: { name: least.namespace } })
    await api.create(least.path('serviceaccounts'), { metadata: { name: ACCOUNT } })
    await api.create(least.path('roles', 'rbac.authorization.k8s.io/v1'), { metadata: { name }, rules })
    await api.create(least.path('rolebindings', 'rbac.authorization.k8s.io/v1'), {
      metadata: { name },
      roleRef: binding.roleRef,
      subjects: binding.subjects.map((each: ApiObject) => ({ ...each, namespace: least.namespace })),
    })
    const { status } = await api.create(least.path(`serviceaccounts/${ACCOUNT}/token`), { spec: {} })
    least.token = status.token
    // The API learns of its own rules a moment later.
    for (const { apiGroups, resources, verbs } of rules)
      for (const verb of verbs) await least.#isGranted(apiGroups[0], resources[0], verb)
    return least
  }

  /** Of a collection in the namespace, or of an object of one. @param group `apps/v1`; none: the core's */
  path(collection: string, group?: string): string {
    const prefix = group === undefined ? '/api/v1' : `/apis/${group}`
    return `${prefix}/namespaces/${this.namespace}/${collection}`
  }

  /** The options of an adapter that has this account. */
  options(): object {
    return { ...this.kubernetes.options(this.token), namespace: this.namespace }
  }

  /** With all that is in it. */
  async remove(): Promise<void> {
    const { api } = this.kubernetes
    for (const kind of ['deployments', 'statefulsets']) await api.delete(this.path(kind, 'apps/v1'))
    await api.delete(this.path('jobs', 'batch/v1'))
    await api.delete(this.path('pods'))
    await api.delete(`/api/v1/namespaces/${this.namespace}`)
  }

  async #isGranted(group: string, full: string, verb: string): Promise<void> {
    const [resource, subresource] = full.split('/')
    const resourceAttributes = { namespace: this.namespace, group, resource, subresource, verb }
    const spec = { user: `system:serviceaccount:${this.namespace}:${ACCOUNT}`, resourceAttributes }
    const { api } = this.kubernetes
    await api.until(`${verb} ${full}`, async () => (await api.create(REVIEWS, { spec })).status.allowed)
  }
}
