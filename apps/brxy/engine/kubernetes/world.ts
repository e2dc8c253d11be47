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
  startEngine,
} from '@brxy-tooling/engines'
import { EdgeProcess, freePorts } from '@brxy-tooling/testkit'
import { ConfigFile } from '../../e2e/config-file.ts'

/** Node, the linker's command and an application. */
export const IMAGE = 'brxy.test/app:1'
export const NAMESPACE = 'default'

/** A real Kubernetes with an image, and edges of this machine that start instances in it. */
export class KubernetesWorld {
  readonly engine: StartedEngine
  readonly api: KubernetesApi

  private constructor(engine: StartedEngine) {
    this.engine = engine
    this.api = new KubernetesApi(engine.env.KUBECONFIG as string)
  }

  static async start(): Promise<KubernetesWorld> {
    const engine = await startEngine('kubernetes')
    await importNodeImage(engine.dir, {
      name: IMAGE,
      fill: (rootfs) => {
        addBusybox(rootfs)
        addNode(rootfs)
        addLinker(rootfs)
        add(rootfs, fileURLToPath(new URL('app.mjs', import.meta.url)), '/app.mjs')
      },
      config: { Env: ['PATH=/bin'] },
    })
    return new KubernetesWorld(engine)
  }

  async stop(): Promise<void> {
    this.api.close()
    await this.engine.stop()
  }

  /** The adapter's own options. @param token whose, instead of the administrator's */
  options(kubeconfig = this.engine.env.KUBECONFIG as string): object {
    return { kubeconfig, transport: 'proxy', binary: kubernetesProgram('kubectl') }
  }

  pods(label: string): Promise<ApiObject[]> {
    return this.api.list(`/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=${encodeURIComponent(label)}`)
  }
}

/** An edge of this machine whose apps run in Kubernetes. */
export interface KubernetesEdge {
  readonly edge: EdgeProcess
  readonly file: ConfigFile
  close(): Promise<void>
}

/** @param apps by their names, which are also their hosts: options of the kubectl scaler, and others of the app */
export async function startEdge(
  scaler: object,
  apps: Readonly<Record<string, { kubectl: object; [option: string]: unknown }>>,
): Promise<KubernetesEdge> {
  const file = new ConfigFile()
  const [tunnel] = await freePorts(1)
  const configured = Object.entries(apps).map(([name, { kubectl, ...more }]) => [
    name,
    { hosts: [`${name}.test`], scaler: { kubectl }, ...more },
  ])
  file.set(Object.fromEntries(configured), {
    tunnel: { bind: `127.0.0.1:${tunnel}`, advertise: `ws://127.0.0.1:${tunnel}` },
    scalers: { kubectl: scaler },
  })
  const edge = await EdgeProcess.start({ file: file.path })
  const close = async () => {
    await edge.close()
    file.remove()
  }
  return { edge, file, close }
}

/** A Job as a template. Pods use the node's network, for there is no other. */
export function jobTemplate(container: object = {}, spec: object = {}): string {
  const containers = [{ name: 'app', image: IMAGE, command: LINKED, ...container }]
  const pod = { spec: { hostNetwork: true, containers, ...spec } }
  return JSON.stringify({ apiVersion: 'batch/v1', kind: 'Job', spec: { template: pod } })
}

/** The application behind a linker that leaves after a second without work. */
export const LINKED = ['brxy-link', '--idle', '1s', '--', 'node', '/app.mjs']
