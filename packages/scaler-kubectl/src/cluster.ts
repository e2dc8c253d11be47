import { resolve } from 'node:path'
import type { Host } from '@brxy/scaler'
import { KubeClient, type KubeRequest } from './api/client.ts'
import { InCluster, isInCluster } from './api/in-cluster.ts'
import { KubectlProxy } from './api/proxy.ts'
import type { Transport } from './api/transport.ts'
import { Watch, type WatchEvents } from './api/watch.ts'
import { OWNER_LABEL, ownerLabel, ROUTE_ANNOTATION, selectorOf } from './names.ts'
import type { Metadata } from './objects.ts'
import type { KubectlOptions } from './options.ts'

/** The groups of the API in which the collections are. */
const PREFIXES: Readonly<Record<string, string>> = {
  pods: '/api/v1',
  events: '/api/v1',
  jobs: '/apis/batch/v1',
  deployments: '/apis/apps/v1',
  statefulsets: '/apis/apps/v1',
}

/** One namespace of one cluster: requests to it, and the watches over it. */
export class Cluster {
  readonly #transport: Transport
  readonly #client: KubeClient
  readonly #namespace: string | undefined
  readonly #host: Host
  readonly #watches = new Map<string, Promise<Watch>>()
  #isClosed = false

  /** No I/O. @param namespace undefined: the one that the transport stands for */
  constructor(options: KubectlOptions, namespace: string | undefined, host: Host) {
    this.#transport = transportOf(options, namespace)
    this.#client = new KubeClient(this.#transport)
    this.#namespace = namespace
    this.#host = host
  }

  /** @param path a collection, or an object of one: `pods`, `pods/x`, `deployments/x/scale` */
  async request<T>(path: string, request: KubeRequest, signal: AbortSignal): Promise<T> {
    return this.#client.request<T>(await this.#path(path, signal), request, signal)
  }

  /** Has changes of the owner's pods told to the host, from now on. */
  watch(signal: AbortSignal): void {
    const selector = selectorOf({ [OWNER_LABEL]: ownerLabel(this.#host.owner) })
    const routes = new Set<string>()
    this.watchPods(selector, signal, (metadata) => {
      const route = metadata?.annotations?.[ROUTE_ANNOTATION]
      if (route !== undefined) routes.add(route)
      for (const each of route === undefined ? routes : [route]) this.#host.changed(each)
    })
  }

  /** @param onChange with nothing: any of them may have changed. Nothing happens if they are watched already. */
  watchPods(selector: string, signal: AbortSignal, onChange: (pod: Metadata | undefined) => void): void {
    if (this.#watches.has(selector) || this.#isClosed) return
    const events: WatchEvents = {
      onChange,
      onGap: () => onChange(undefined),
      onError: (error) =>
        this.#host.log('warn', 'pods cannot be watched', { reason: String((error as Error).message) }),
    }
    const watch = this.#path('pods', signal).then((path) => new Watch(this.#client, path, selector, events))
    this.#watches.set(selector, watch)
    watch.catch(() => this.#watches.delete(selector))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#watches.values()].map(async (watch) => (await watch).close()))
    await this.#client.close()
  }

  async #path(path: string, signal: AbortSignal): Promise<string> {
    const namespace = this.#namespace ?? (await this.#transport.namespace(signal))
    const [collection = ''] = path.split('/', 1)
    return `${PREFIXES[collection]}/namespaces/${namespace}/${path}`
  }
}

function transportOf(options: KubectlOptions, namespace: string | undefined): Transport {
  const { transport, context, kubeconfig, binary, directory = '.' } = options
  const isAccount =
    transport === 'incluster' ||
    (transport === 'auto' && context === undefined && kubeconfig === undefined && isInCluster())
  if (isAccount) return new InCluster()
  const flags = [
    ...(context === undefined ? [] : ['--context', context]),
    ...(kubeconfig === undefined ? [] : ['--kubeconfig', resolve(directory, kubeconfig)]),
  ]
  // A name without a slash is looked up on PATH.
  const program = binary.includes('/') ? resolve(directory, binary) : binary
  return new KubectlProxy({ binary: program, flags }, namespace)
}
