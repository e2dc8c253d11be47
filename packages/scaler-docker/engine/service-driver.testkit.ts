import { createHash } from 'node:crypto'
import type { Driver } from '@brxy/scaler/conformance'
import { IMAGE, type TestEngine, UNTIL_TOLD } from './engine.testkit.ts'

interface Task {
  readonly ID: string
  readonly DesiredState: string
  readonly Status: { readonly State: string; readonly ContainerStatus?: { readonly ContainerID: string } }
}

const nameOf = (route: string) => `kit-${createHash('sha256').update(route).digest('hex').slice(0, 20)}`

/** The conformance driver of the replicas of one service for each route. */
export function serviceDriver(engine: () => TestEngine): Driver {
  const api = () => engine().api
  /** Somebody's service, without replicas. */
  async function deploy(
    route: string,
    container: object = {},
    template: object = {},
  ): Promise<{ service: string }> {
    const Name = nameOf(route)
    await api().call('POST', '/services/create', {
      Name,
      Mode: { Replicated: { Replicas: 0 } },
      TaskTemplate: {
        ContainerSpec: { Image: IMAGE, Args: UNTIL_TOLD, Init: true, StopGracePeriod: 45e9, ...container },
        RestartPolicy: { Condition: 'none' },
        Networks: [{ Target: 'host' }],
        ...template,
      },
    })
    return { service: Name }
  }
  async function tasksOf(route: string): Promise<readonly Task[]> {
    const tasks = await api()
      .get<Task[]>('/tasks', { service: [nameOf(route)] })
      .catch(() => [])
    return tasks.filter(
      ({ DesiredState, Status }) => DesiredState === 'running' && Status.State === 'running',
    )
  }
  async function signal(id: string, name: 'TERM' | 'KILL'): Promise<void> {
    const { Status } = await api().get<Task>(`/tasks/${id}`)
    await api().signal(Status.ContainerStatus?.ContainerID ?? '', name)
  }
  return {
    name: 'docker service',
    launches: 'counted',
    leaves: 'exit',
    // On one node the very task can be told to end; on others Swarm chooses.
    removal: 'exact',
    badOptions: [{ options: { service: ['x'] }, path: 'service' }],
    make: (host) => engine().make(host),
    prepare: (route) => deploy(route),
    list: async (route) => (await tasksOf(route)).map(({ ID }) => ({ id: ID, incarnation: ID })),
    leave: (id) => signal(id, 'TERM'),
    kill: (id) => signal(id, 'KILL'),
    cleanUp: (route) => api().remove(`/services/${nameOf(route)}`),
    async graceMs(_id, route) {
      const path = `/services/${nameOf(route)}`
      const { Spec } = await api().get<{
        Spec: { TaskTemplate: { ContainerSpec: { StopGracePeriod: number } } }
      }>(path)
      return Spec.TaskTemplate.ContainerSpec.StopGracePeriod / 1e6
    },
    problems: {
      image: async (route) => ({
        options: await deploy(route, { Image: 'nope.invalid/x' }),
        message: 'No such image: nope.invalid/x',
      }),
      invalid: async (route) => ({
        options: await deploy(route, { Args: ['/no-such-command'] }),
        message: '/no-such-command',
      }),
      crashed: async (route) => ({
        options: await deploy(route, { Args: ['sh', '-c', 'echo out of luck >&2; exit 3'] }),
        message: /exit \(3\).*out of luck/s,
      }),
      unschedulable: async (route) => ({
        options: await deploy(route, {}, { Resources: { Reservations: { MemoryBytes: 999e9 } } }),
        message: 'insufficient resources',
      }),
    },
    outages: {
      refused: () => engine().proxy.outage('refused'),
      silent: () => engine().proxy.outage('silent'),
    },
    changedWithinMs: 10_000,
    loseWatch: async () => engine().proxy.cut(),
  }
}
