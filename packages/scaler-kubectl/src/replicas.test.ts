import type { Host } from '@brxy/scaler'
import { expect, it } from 'vitest'
import type { KubeRequest } from './api/client.ts'
import { Cluster } from './cluster.ts'
import { Replicas } from './replicas.ts'
import { parseWorkload } from './workload.ts'

const HOST: Host = { owner: 'me', stateDir: '/nonexistent', changed() {}, log() {} }

/** A namespace whose quota takes no pod: it remembers the number of the Deployment, and nothing else. */
class FullNamespace extends Cluster {
  replicas = 0
  isDown = false

  constructor() {
    const none = { context: undefined, kubeconfig: undefined, namespace: undefined, directory: undefined }
    super({ ...none, transport: 'proxy', binary: 'kubectl' }, 'default', HOST)
  }

  override async request<T>(path: string, { method = 'GET', body }: KubeRequest): Promise<T> {
    const { replicas } = this
    switch (`${method} ${path}`) {
      case 'GET pods':
        return { items: [] } as T
      case 'GET deployments/web':
        return {
          metadata: { name: 'web', generation: 1 },
          spec: { replicas, selector: {}, template: { spec: { containers: [{ name: 'app' }] } } },
          status: {
            conditions: [{ type: 'ReplicaFailure', status: 'True', message: 'forbidden: exceeded quota' }],
          },
        } as T
      case 'PUT deployments/web/scale':
        if (this.isDown) throw new Error('the server is currently unable to handle the request')
        this.replicas = (body as { spec: { replicas: number } }).spec.replicas
        return {} as T
      default:
        throw new Error(`nobody asks ${method} ${path}`)
    }
  }

  override watchPods(): void {}
}

it('what cannot be created keeps its id, unless it was removed: then what is wanted in its place has another one', async () => {
  const cluster = new FullNamespace()
  const app = new Replicas(parseWorkload('deployment/web', 'workload'), undefined, 'shop', cluster, HOST)
  const { signal } = new AbortController()
  const [first, ...others] = await app.scale({ want: 1, start: [], remove: [] }, signal)
  expect([first.problem?.code, others]).toEqual(['quota', []])
  cluster.isDown = true
  await expect(app.scale({ want: 0, start: [], remove: [first] }, signal)).rejects.toThrow('unable')
  expect(await app.observe(signal)).toMatchObject([{ id: first.id }])
  cluster.isDown = false
  const [second] = await app.scale({ want: 1, start: [], remove: [first] }, signal)
  expect(second.id).not.toBe(first.id)
  expect([cluster.replicas, second.problem?.code]).toEqual([1, 'quota'])
  expect(await app.scale({ want: 0, start: [], remove: [second] }, signal)).toEqual([])
  expect(cluster.replicas).toBe(0)
})
