import type { Driver, Provoked, Running } from '@brxy/scaler/conformance'
import type { ApiObject } from '@brxy-tooling/engines'
import kubectl from '../src/index.ts'
import { labelOf, nameOf, ROUTE_LABEL } from '../src/names.ts'
import { IMAGE, type TestKubernetes } from './kubernetes.testkit.ts'

export const NAMESPACE = 'default'
const CORE = `/api/v1/namespaces/${NAMESPACE}`
const BATCH = `/apis/batch/v1/namespaces/${NAMESPACE}`
const JOB_NAME = 'batch.kubernetes.io/job-name'

/** Kits run beside each other: twenty pods of each, on cores that are busy, take longer than the 30 s of the kit. A bound, not a pace. */
export const TIMES = { patienceMs: 120_000 }

/**
 * A container of the test's instance. Pods use the node's network, for there is no other, and have one process namespace: its
 * first process would ignore a SIGTERM that comes before its trap, and then be there for its whole grace.
 */
export const CONTAINER = { name: 'app', image: IMAGE, imagePullPolicy: 'Never' }
export const podSpec = (container: object = {}, spec: object = {}) => ({
  hostNetwork: true,
  shareProcessNamespace: true,
  // Nobody asks the API in it, and each would have a volume for its token.
  automountServiceAccountToken: false,
  containers: [{ ...CONTAINER, ...container }],
  ...spec,
})

/** A template as text: YAML is a superset of JSON. */
export function template(kind: 'Job' | 'Pod', spec: object): string {
  const object =
    kind === 'Pod'
      ? { apiVersion: 'v1', kind, spec }
      : { apiVersion: 'batch/v1', kind, spec: { template: { spec } } }
  return JSON.stringify(object)
}

/** The conformance driver of one Job, or one pod, for each launch. */
export function launchDriver(kubernetes: () => TestKubernetes, kind: 'Job' | 'Pod'): Driver {
  const api = () => kubernetes().api
  const selector = (route: string) =>
    `labelSelector=${encodeURIComponent(`${ROUTE_LABEL}=${labelOf(route)}`)}`
  const podsOf = (route: string): Promise<ApiObject[]> => api().list(`${CORE}/pods?${selector(route)}`)
  const podOf = async (id: string, route: string): Promise<ApiObject> => {
    const pod = (await podsOf(route)).find((each) => idOf(each) === id)
    if (pod === undefined) throw new Error(`there is no pod of ${id}`)
    return pod
  }
  const containerOf = async (id: string, route: string): Promise<string> =>
    (await podOf(id, route)).status.containerStatuses[0].containerID
  const provokes = (spec: object, message: string | RegExp) => async (): Promise<Provoked> => ({
    options: { template: template(kind, spec) },
    message,
  })
  return {
    name: `kubectl ${kind}`,
    launches: 'named',
    leaves: 'exit',
    removal: 'exact',
    badOptions: [
      { options: {}, path: 'template' },
      { options: { template: 'kind: Deployment\nspec: {}' }, path: 'template' },
      {
        options: { template: template(kind, { restartPolicy: 'Always', containers: [{}] }) },
        path: 'restartPolicy',
      },
      { options: { workload: 'replicaset/x' }, path: 'workload' },
      { options: { template: template(kind, podSpec()), container: 'other' }, path: 'other' },
    ],
    times: TIMES,
    make: (host) => kubectl(kubernetes().options(), host),
    prepare: async () => ({ template: template(kind, podSpec()) }),
    list: async (route) => (await podsOf(route)).filter(isRunning).map(running),
    leave: async (id, route) => kubernetes().containers.signal(await containerOf(id, route), 'SIGUSR1'),
    kill: async (id, route) => kubernetes().containers.signal(await containerOf(id, route), 'SIGHUP'),
    async cleanUp(route) {
      await api().delete(`${BATCH}/jobs?${selector(route)}`)
      await api().delete(`${CORE}/pods?${selector(route)}`)
    },
    environment: async (id, route) => kubernetes().containers.environment(await containerOf(id, route)),
    // Somebody else's object has the name that this launch's would have.
    async refuse(launch, route) {
      const metadata = { name: nameOf(launch), labels: { [ROUTE_LABEL]: labelOf(route) } }
      const spec = podSpec({}, { restartPolicy: 'Never', nodeSelector: { no: 'such-node' } })
      if (kind === 'Pod') await api().create(`${CORE}/pods`, { metadata, spec })
      else await api().create(`${BATCH}/jobs`, { metadata, spec: { template: { spec } } })
    },
    graceMs: async (id, route) => (await podOf(id, route)).spec.terminationGracePeriodSeconds * 1_000,
    problems: {
      image: provokes(podSpec({ image: 'brxy.test/none:1' }), 'brxy.test/none:1'),
      invalid: provokes(
        podSpec({ envFrom: [{ configMapRef: { name: 'none' } }] }),
        'configmap "none" not found',
      ),
      crashed: provokes(podSpec({ command: ['/bin/sh', '-c', 'echo boom >&2; exit 3'] }), /status 3.*boom/s),
      unschedulable: provokes(
        podSpec({ resources: { requests: { cpu: '1000' } } }),
        /0\/1 nodes are available.*Insufficient cpu/,
      ),
      denied: async () => ({
        options: { template: template(kind, podSpec()) },
        message: 'forbidden',
        make: async (host) => kubectl(kubernetes().options(await observerToken(kubernetes())), host),
      }),
    },
    outages: {
      refused: async () => kubernetes().relay.fail('refused'),
      silent: async () => kubernetes().relay.fail('silent'),
    },
    changedWithinMs: 10_000,
    loseWatch: async () => kubernetes().relay.cut(),
  }
}

/** A pod that runs by itself, or its Job. */
function idOf({ metadata }: ApiObject): string {
  return metadata.labels?.[JOB_NAME] ?? metadata.name
}

function isRunning({ status }: ApiObject): boolean {
  return status.containerStatuses?.some((each: ApiObject) => each.state.running !== undefined) === true
}

function running(pod: ApiObject): Running {
  return { id: idOf(pod), incarnation: `${pod.metadata.uid} ${pod.status.containerStatuses[0].containerID}` }
}

/** The token of a service account that may look at everything and make nothing. */
async function observerToken({ api }: TestKubernetes): Promise<string> {
  const name = 'observer'
  const rbac = '/apis/rbac.authorization.k8s.io/v1'
  await api.apply(`${CORE}/serviceaccounts`, { metadata: { name } })
  await api.apply(`${rbac}/clusterrolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    subjects: [{ kind: 'ServiceAccount', name, namespace: NAMESPACE }],
  })
  const { status } = await api.create(`${CORE}/serviceaccounts/${name}/token`, { spec: {} })
  return status.token
}
