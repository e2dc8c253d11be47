import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  type ApiObject,
  add,
  addBusybox,
  addLinker,
  addNode,
  importNodeImage,
  KubernetesApi,
  kubernetesProgram,
  type StartedEngine,
  sharedEngine,
} from '@brxy-tooling/engines'
import { EdgeProcess, freePorts } from '@brxy-tooling/testkit'
import { loadAll } from 'js-yaml'
import { afterAll, beforeAll } from 'vitest'
import { ConfigFile } from '../../e2e/config-file.ts'

/** Node, the linker's command and an application. */
export const IMAGE = 'brxy.test/app:1'
/** The first run on a machine builds Kubernetes. */
export const BUILD_MS = 3_600_000
const SECRET = 'a secret that signs tokens'

/** Once, for what runs beside each other in a file. */
let imported: Promise<void> | undefined

function importImage(dir: string): Promise<void> {
  return importNodeImage(dir, {
    name: IMAGE,
    fill: (rootfs) => {
      addBusybox(rootfs)
      addNode(rootfs)
      addLinker(rootfs)
      add(rootfs, fileURLToPath(new URL('app.mjs', import.meta.url)), '/app.mjs')
    },
    config: { Env: ['PATH=/bin'] },
  })
}

/** A namespace of a real Kubernetes with an image, and edges of this machine that start instances in it. */
export class KubernetesWorld {
  readonly engine: StartedEngine
  readonly api: KubernetesApi
  readonly namespace: string

  private constructor(engine: StartedEngine, namespace: string) {
    this.engine = engine
    this.api = new KubernetesApi(engine.env.KUBECONFIG as string)
    this.namespace = namespace
  }

  /** @param namespace of this file alone, for several share the engine */
  static async start(namespace: string): Promise<KubernetesWorld> {
    const engine = await sharedEngine('kubernetes')
    imported ??= importImage(engine.dir)
    await imported
    const world = new KubernetesWorld(engine, namespace)
    await world.api.apply('/api/v1/namespaces', { metadata: { name: namespace } })
    return world
  }

  /** Removes all that is in the namespace. */
  async stop(): Promise<void> {
    for (const kind of ['deployments', 'statefulsets']) await this.api.delete(this.path(kind, 'apps/v1'))
    await this.api.delete(this.path('jobs', 'batch/v1'))
    await this.api.delete(this.path('pods'))
    await this.api.delete(`/api/v1/namespaces/${this.namespace}`)
    this.api.close()
    await this.engine.stop()
  }

  /** Of a collection in the namespace, or of an object of one. @param group `apps/v1`; none: the core's */
  path(collection: string, group?: string): string {
    const prefix = group === undefined ? '/api/v1' : `/apis/${group}`
    return `${prefix}/namespaces/${this.namespace}/${collection}`
  }

  /** The adapter's own options. @param kubeconfig whose, instead of the administrator's */
  options(kubeconfig = this.engine.env.KUBECONFIG as string): object {
    const binary = kubernetesProgram('kubectl')
    return { kubeconfig, transport: 'proxy', binary, namespace: this.namespace }
  }

  pods(label: string): Promise<ApiObject[]> {
    return this.api.list(`${this.path('pods')}?labelSelector=${encodeURIComponent(label)}`)
  }
}

/** An edge of this machine whose apps run in Kubernetes. */
export interface KubernetesEdge {
  readonly edge: EdgeProcess
  readonly file: ConfigFile
  close(): Promise<void>
}

/**
 * @param apps by their names, which are also their hosts: options of the kubectl scaler, and others of the app
 * @param tunnel its port, where somebody has to know it before
 */
export async function startEdge(
  scaler: object,
  apps: Readonly<Record<string, { kubectl: object; [option: string]: unknown }>>,
  tunnel?: number,
): Promise<KubernetesEdge> {
  const file = new ConfigFile()
  const port = tunnel ?? (await freePorts(1))[0]
  const configured = Object.entries(apps).map(([name, { kubectl, ...more }]) => [
    name,
    { hosts: [`${name}.test`], scaler: { kubectl }, ...more },
  ])
  file.set(Object.fromEntries(configured), {
    tunnel: { bind: `127.0.0.1:${port}`, advertise: `ws://127.0.0.1:${port}` },
    secret: SECRET,
    scalers: { kubectl: scaler },
  })
  const edge = await EdgeProcess.start({ file: file.path })
  const close = async () => {
    await edge.close()
    file.remove()
  }
  return { edge, file, close }
}

/** What the tests of a file share. Empty until they run. */
export interface Shared<T> {
  readonly kubernetes: KubernetesWorld
  readonly world: T
}

/**
 * Declares what is before and after all tests of a file, or of a `describe`: a namespace of their own, with an edge.
 *
 * @param start what there is to start, in that namespace
 */
export function shareEdge<T extends { close(): Promise<void> }>(
  namespace: string,
  start: (kubernetes: KubernetesWorld) => Promise<T>,
): Shared<T> {
  const shared = {} as { kubernetes: KubernetesWorld; world: T }
  beforeAll(async () => {
    shared.kubernetes = await KubernetesWorld.start(namespace)
    shared.world = await start(shared.kubernetes)
  }, BUILD_MS)
  afterAll(async () => {
    try {
      await shared.world?.close()
    } finally {
      await shared.kubernetes?.stop()
    }
  })
  return shared
}

/** A token for linkers that no launch gives one, of any edge here. */
export async function tokenFor(route: string): Promise<string> {
  const file = new ConfigFile()
  try {
    const words = ['token', '--route', route, '--state-dir', file.directory]
    const { stdout } = await file.run(words, { BRXY_SECRET: SECRET })
    return stdout.trim()
  } finally {
    file.remove()
  }
}

/** The path of an example. */
export function examplePath(name: string): string {
  return fileURLToPath(new URL(`../../../../examples/kubernetes/${name}`, import.meta.url))
}

/** The documents of an example. */
export function example(name: string): ApiObject[] {
  return loadAll(readFileSync(examplePath(name), 'utf8'))
}

/** A Job as a template. Pods use the node's network, for there is no other. */
export function jobTemplate(container: object = {}, spec: object = {}): string {
  const containers = [{ name: 'app', image: IMAGE, command: LINKED, ...container }]
  const pod = { spec: { hostNetwork: true, automountServiceAccountToken: false, containers, ...spec } }
  return JSON.stringify({ apiVersion: 'batch/v1', kind: 'Job', spec: { template: pod } })
}

/** The application behind a linker that leaves after a second without work. */
export const LINKED = ['brxy-link', '--idle', '1s', '--', 'node', '/app.mjs']
