import type { ApiObject } from '@brxy-tooling/engines'
import { begin } from '@brxy-tooling/testkit'
import { example, IMAGE, type KubernetesWorld, LINKED, tokenFor } from './world.ts'

export type WorkloadKind = 'deployment' | 'statefulset'

/** The name of the app, of its workload, and of its host before `.test`. */
export const APP = 'shop'

/** A Deployment or a StatefulSet whose replicas are the instances of an app, as its operator applies it. */
export class Workload {
  readonly #world: KubernetesWorld
  readonly #path: string

  private constructor(world: KubernetesWorld, kind: WorkloadKind) {
    this.#world = world
    this.#path = world.path(`${kind}s/${APP}`, 'apps/v1')
  }

  /**
   * examples/kubernetes/deployment.yaml, with a token of an edge of this machine. It says no number, so one replica is made.
   *
   * @param tunnel the edge's port
   * @param command instead of the linker's
   */
  static async apply(
    world: KubernetesWorld,
    kind: WorkloadKind,
    tunnel: number,
    command: readonly string[] = LINKED,
  ): Promise<Workload> {
    const token = Buffer.from(await tokenFor(APP)).toString('base64')
    await world.api.apply(world.path('secrets'), { metadata: { name: `${APP}-brxy` }, data: { token } })
    return Workload.applyAlone(world, kind, tunnel, command)
  }

  /** The same where the secret with the token is there already. */
  static async applyAlone(
    world: KubernetesWorld,
    kind: WorkloadKind,
    tunnel: number,
    command: readonly string[] = LINKED,
  ): Promise<Workload> {
    await world.api.create(world.path(`${kind}s`, 'apps/v1'), here(kind, tunnel, command))
    return new Workload(world, kind)
  }

  /** The number that the edge has set. */
  async replicas(): Promise<number> {
    return (await this.#world.api.get(this.#path)).spec.replicas
  }

  async isReady(pod: string): Promise<boolean> {
    const { status } = await this.#world.api.get(this.#world.path(`pods/${pod}`))
    return status.conditions.some((each: ApiObject) => each.type === 'Ready' && each.status === 'True')
  }

  /** The names of its pods that are there and not being ended. */
  async pods(): Promise<string[]> {
    const pods = await this.#world.pods(`app=${APP}`)
    return pods
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ metadata }) => metadata.name)
      .sort()
  }
}

/** The example with the image of the tests, and with the node's network, for there is no other: so ports differ. */
function here(kind: WorkloadKind, tunnel: number, command: readonly string[]): ApiObject {
  const [object] = example('deployment.yaml')
  const pod = object.spec.template.spec
  const [container] = pod.containers
  pod.hostNetwork = true
  container.image = IMAGE
  container.command = command
  container.readinessProbe = {
    exec: { command: ['test', '-f', '/tmp/ready'] },
    periodSeconds: 1,
    failureThreshold: 1,
  }
  const variable = (name: string) => container.env.find((each: ApiObject) => each.name === name)
  variable('BRXY_EDGE').value = `ws://127.0.0.1:${tunnel}`
  container.env.push({ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } })
  if (kind === 'deployment') return object
  variable('BRXY_INSTANCE').valueFrom.fieldRef.fieldPath = 'metadata.uid'
  const spec = { ...object.spec, serviceName: 'none', podManagementPolicy: 'Parallel' }
  return { ...object, kind: 'StatefulSet', spec }
}

/** A request that runs until the test ends it. */
export interface OpenRequest {
  /** The name of the pod that it is in, as soon as it is in one. */
  readonly pod: Promise<string>
  /** @returns whether it was answered to its end */
  end(): Promise<boolean>
}

/** @param query `unready`: its pod is not ready as long as it runs */
export function openRequest(port: number, query = ''): OpenRequest {
  const request = begin(port, `/until?${query}`, { method: 'POST', host: `${APP}.test` })
  let ended: Promise<boolean> | undefined
  const pod = new Promise<string>((resolve, reject) => {
    request.on('error', reject).on('response', (response) => {
      response.on('error', reject)
      response.once('data', (data) => resolve(`${data}`))
      ended = new Promise((done) => response.once('close', () => done(response.complete)))
    })
  })
  pod.catch(() => {})
  request.write('x')
  return {
    pod,
    async end() {
      await pod
      request.end()
      return (await ended) === true
    },
  }
}
