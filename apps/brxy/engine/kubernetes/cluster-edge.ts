import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ApiObject, addBrxy, addBusybox, addNode, importNodeImage } from '@brxy-tooling/engines'
import { type Answer, ask, freePorts } from '@brxy-tooling/testkit'
import { dump, load } from 'js-yaml'
import { example, type KubernetesWorld } from './world.ts'

/** The edge's command, and no kubectl. */
const EDGE_IMAGE = 'brxy.test/edge:1'
/** What examples/kubernetes/edge.yaml calls itself. */
const NAME = 'brxy-edge'
const RBAC = 'rbac.authorization.k8s.io/v1'
const COLLECTIONS: Readonly<Record<string, readonly [string, string?]>> = {
  ServiceAccount: ['serviceaccounts'],
  ConfigMap: ['configmaps'],
  Service: ['services'],
  PersistentVolumeClaim: ['persistentvolumeclaims'],
  Deployment: ['deployments', 'apps/v1'],
  Role: ['roles', RBAC],
  RoleBinding: ['rolebindings', RBAC],
}

/** The ports of the one network that all share here. */
interface Ports {
  readonly clients: number
  readonly tunnel: number
  readonly admin: number
}

/** What differs from the example. */
export interface ClusterEdgeOptions {
  /** Files of the roles that it has. */
  readonly roles: readonly string[]
  /** What the ConfigMap with templates has, by file names. */
  readonly templates: Readonly<Record<string, string>>
  /** Its apps, made of the example's. */
  apps(apps: ApiObject): object
}

/** The edge of examples/kubernetes/edge.yaml: in a pod, as its own service account, with roles of the examples. */
export class ClusterEdge {
  readonly #world: KubernetesWorld
  readonly #ports: Ports

  private constructor(world: KubernetesWorld, ports: Ports) {
    this.#world = world
    this.#ports = ports
  }

  static async start(world: KubernetesWorld, options: ClusterEdgeOptions): Promise<ClusterEdge> {
    await importNodeImage(world.engine.dir, {
      name: EDGE_IMAGE,
      fill(rootfs) {
        addBusybox(rootfs)
        addNode(rootfs)
        addBrxy(rootfs)
      },
      config: { Env: ['PATH=/bin'] },
    })
    const [clients = 0, tunnel = 0, admin = 0] = await freePorts(3)
    await world.api.apply('/api/v1/persistentvolumes', volume(world))
    await world.api.apply(world.path('configmaps'), {
      metadata: { name: 'brxy-templates' },
      data: options.templates,
    })
    const ports = { clients, tunnel, admin }
    for (const object of [...options.roles, 'edge.yaml'].flatMap(example)) {
      here(object, ports, world, options)
      const [collection, group] = COLLECTIONS[object.kind] as readonly [string, string?]
      await world.api.create(world.path(collection, group), object)
    }
    const edge = new ClusterEdge(world, ports)
    await edge.#untilReady()
    return edge
  }

  ask(path: string, host: string): Promise<Answer> {
    return ask(this.#ports.clients, path, { host })
  }

  /** Where linkers dial. */
  get tunnel(): number {
    return this.#ports.tunnel
  }

  /** What it has written. The kubelet keeps it in files; asking the API would need another certificate. */
  get log(): string {
    const logs = join(this.#world.engine.dir, 'pod-logs')
    const pod = readdirSync(logs).find((name) => name.startsWith(`${this.#world.namespace}_${NAME}-`))
    return pod === undefined ? '' : readFileSync(join(logs, pod, 'edge', '0.log'), 'utf8')
  }

  async close(): Promise<void> {
    const { api } = this.#world
    const path = this.#world.path(`deployments/${NAME}`, 'apps/v1')
    await api.patch(path, { spec: { replicas: 0 } })
    await api.until('the edge has ended', async () => (await this.#world.pods(`app=${NAME}`)).length === 0)
    await api.delete(`/api/v1/persistentvolumes/${volume(this.#world).metadata.name}`)
  }

  async #untilReady(): Promise<void> {
    const path = this.#world.path(`deployments/${NAME}`, 'apps/v1')
    try {
      await this.#world.api.until(
        'the edge is ready',
        async () => (await this.#world.api.get(path)).status?.readyReplicas === 1,
      )
    } catch (cause) {
      throw new Error(`the edge in the cluster does not start:\n${this.log}`, { cause })
    }
  }
}

/** The example with this cluster's image, network and ports. */
function here(object: ApiObject, ports: Ports, world: KubernetesWorld, { apps }: ClusterEdgeOptions): void {
  if (object.kind === 'ConfigMap')
    object.data['brxy.yaml'] = configuration(object.data['brxy.yaml'], ports, apps)
  if (object.kind !== 'Deployment') return
  const { spec } = object.spec.template
  spec.hostNetwork = true
  const [container] = spec.containers
  container.image = EDGE_IMAGE
  container.ports = [{ containerPort: ports.clients }, { containerPort: ports.tunnel }]
  container.readinessProbe.tcpSocket.port = ports.clients
  container.readinessProbe.periodSeconds = 1
  // No proxy makes the API's service address work here.
  const { hostname, port } = new URL(world.api.server)
  container.env = [
    { name: 'KUBERNETES_SERVICE_HOST', value: hostname },
    { name: 'KUBERNETES_SERVICE_PORT', value: port },
  ]
}

function configuration(
  text: string,
  { clients, tunnel, admin }: Ports,
  apps: ClusterEdgeOptions['apps'],
): string {
  // biome-ignore lint/suspicious/noExplicitAny: a configuration, in its own words.
  const config: any = load(text)
  config.listen = [`127.0.0.1:${clients}`]
  config.tunnel = { bind: `127.0.0.1:${tunnel}`, advertise: `ws://127.0.0.1:${tunnel}` }
  config.admin = { bind: `127.0.0.1:${admin}` }
  config.apps = apps(config.apps)
  return dump(config)
}

/** What the claim of the example is bound to; a cluster makes one by itself. */
function volume({ engine, namespace }: KubernetesWorld): ApiObject {
  return {
    metadata: { name: `${namespace}-state` },
    spec: {
      capacity: { storage: '10Mi' },
      accessModes: ['ReadWriteOnce'],
      hostPath: { path: join(engine.dir, 'volumes', namespace), type: 'DirectoryOrCreate' },
    },
  }
}
