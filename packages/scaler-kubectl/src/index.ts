import { OptionsError, resolveConfig } from '@brxy/options'
import { LaunchMemories, type Scaler, ScalerError, type ScalerFactory } from '@brxy/scaler'
import { Cluster } from './cluster.ts'
import { Launches } from './launches.ts'
import { isObjectName } from './names.ts'
import { APP_OPTIONS, KUBECTL_OPTIONS } from './options.ts'
import { Replicas } from './replicas.ts'
import { readTemplate } from './template.ts'
import { parseWorkload } from './workload.ts'

/** Starts instances on Kubernetes: a Job or a pod for each launch, or replicas of a Deployment or a StatefulSet. */
const kubectl = ((options, host): Scaler => {
  const own = resolveConfig(KUBECTL_OPTIONS, options, { path: 'kubectl' })
  checkNamespace(own.namespace, 'kubectl')
  const clusters = new Map<string | undefined, Cluster>()
  const launches = new LaunchMemories(host)
  let isClosed = false
  return {
    app(route, options) {
      if (isClosed) throw new ScalerError('scaler/closed', 'the kubectl scaler was closed')
      const path = `apps.${route}.scaler.kubectl`
      const app = resolveConfig(APP_OPTIONS, options, { path })
      const { template, workload, container } = app
      checkNamespace(app.namespace, path)
      const namespace = app.namespace ?? own.namespace
      const cluster = () => entryOf(clusters, namespace, () => new Cluster(own, namespace, host))
      if ((template === undefined) === (workload === undefined)) {
        const detail =
          template === undefined ? 'is required; or give "workload"' : 'excludes "workload"; give one of both'
        throw new OptionsError('options/missing', `${path}.template`, detail)
      }
      if (workload !== undefined) {
        const place = parseWorkload(workload, `${path}.workload`)
        return new Replicas(place, container, route, cluster(), host)
      }
      const place = { path: `${path}.template`, container, namespace }
      const read = readTemplate(template as string, own.directory ?? '.', place)
      return new Launches(read, { owner: host.owner, route }, cluster(), launches.of(route))
    },
    async close() {
      isClosed = true
      await Promise.all([...clusters.values()].map((cluster) => cluster.close()))
    },
  }
}) satisfies ScalerFactory

export default kubectl

// For docs.
export { APP_OPTIONS, KUBECTL_OPTIONS } from './options.ts'

function checkNamespace(namespace: string | undefined, path: string): void {
  if (namespace === undefined || isObjectName(namespace)) return
  const detail = `${JSON.stringify(namespace)} is no namespace; one is lower case letters, digits and hyphens`
  throw new OptionsError('options/invalid', `${path}.namespace`, detail)
}

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
