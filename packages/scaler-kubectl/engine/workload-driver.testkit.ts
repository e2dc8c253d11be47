import type { Driver, Provoked } from '@brxy/scaler/conformance'
import type { ApiObject } from '@brxy-tooling/engines'
import kubectl from '../src/index.ts'
import { labelOf, nameOf, ROUTE_LABEL } from '../src/names.ts'
import { ID_FIELDS } from '../src/replica.ts'
import type { WorkloadPlace } from '../src/workload.ts'
import { NAMESPACE, podSpec, TIMES } from './driver.testkit.ts'
import type { TestKubernetes } from './kubernetes.testkit.ts'

const CORE = `/api/v1/namespaces/${NAMESPACE}`
const APPS = `/apis/apps/v1/namespaces/${NAMESPACE}`

/** The conformance driver of the replicas of one Deployment, or StatefulSet, for each route. */
export function workloadDriver(kubernetes: () => TestKubernetes, kind: WorkloadPlace['kind']): Driver {
  const api = () => kubernetes().api
  const selector = (route: string) =>
    `labelSelector=${encodeURIComponent(`${ROUTE_LABEL}=${labelOf(route)}`)}`
  const podsOf = (route: string): Promise<ApiObject[]> => api().list(`${CORE}/pods?${selector(route)}`)
  const idOf = ({ metadata }: ApiObject): string => (kind === 'deployment' ? metadata.name : metadata.uid)
  const podOf = async (id: string, route: string): Promise<ApiObject> => {
    const pod = (await podsOf(route)).find((each) => idOf(each) === id)
    if (pod === undefined) throw new Error(`there is no pod ${id}`)
    return pod
  }
  const signal = async (id: string, route: string, name: NodeJS.Signals) => {
    const pod = await podOf(id, route)
    await kubernetes().containers.signal(pod.status.containerStatuses[0].containerID, name)
  }
  const make = async (route: string, container: object) => {
    const labels = { [ROUTE_LABEL]: labelOf(route) }
    const spec = podSpec({ ...CONTAINER, ...container }, { terminationGracePeriodSeconds: 45 })
    const object = {
      metadata: { name: nameOf(route), labels },
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec },
        ...(kind === 'statefulset' ? { serviceName: 'none', podManagementPolicy: 'Parallel' } : {}),
      },
    }
    await api().create(`${APPS}/${kind}s`, object)
    return { workload: `${kind}/${nameOf(route)}` }
  }
  const CONTAINER = {
    env: [{ name: 'BRXY_INSTANCE', valueFrom: { fieldRef: { fieldPath: ID_FIELDS[kind] } } }],
    readinessProbe: {
      exec: { command: ['test', '-f', '/tmp/ready'] },
      periodSeconds: 1,
      failureThreshold: 1,
    },
  }
  const provokes =
    (container: object, message: string | RegExp) =>
    async (route: string): Promise<Provoked> => ({ options: await make(route, container), message })
  return {
    name: `kubectl ${kind}`,
    launches: 'counted',
    leaves: 'park',
    removal: kind === 'deployment' ? 'exact' : 'ordered',
    badOptions: [{ options: { workload: `${kind}/` }, path: 'workload' }],
    times: TIMES,
    make: (host) => kubectl(kubernetes().options(), host),
    prepare: (route) => make(route, {}),
    list: async (route) =>
      (await podsOf(route))
        .filter(({ status }) => status.containerStatuses?.[0]?.state.running !== undefined)
        .map((pod) => ({ id: idOf(pod), incarnation: pod.status.containerStatuses[0].containerID })),
    async leave(id, route) {
      await signal(id, route, 'SIGUSR2')
      await api().until(`${id} is not ready`, async () => {
        const { status } = await podOf(id, route)
        return status.conditions.find((each: ApiObject) => each.type === 'Ready').status === 'False'
      })
    },
    kill: (id, route) => signal(id, route, 'SIGHUP'),
    async cleanUp(route) {
      await api().delete(`${APPS}/${kind}s/${nameOf(route)}`)
      await api().delete(`${CORE}/pods?${selector(route)}`)
    },
    graceMs: async (id, route) => (await podOf(id, route)).spec.terminationGracePeriodSeconds * 1_000,
    problems: {
      image: provokes({ image: 'brxy.test/none:1' }, 'brxy.test/none:1'),
      invalid: provokes({ envFrom: [{ configMapRef: { name: 'none' } }] }, 'configmap "none" not found'),
      unschedulable: provokes({ resources: { requests: { cpu: '1000' } } }, /Insufficient cpu/),
    },
    outages: {
      refused: async () => kubernetes().relay.fail('refused'),
      silent: async () => kubernetes().relay.fail('silent'),
    },
    changedWithinMs: 10_000,
    loseWatch: async () => kubernetes().relay.cut(),
  }
}
