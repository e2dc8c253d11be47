import type { Driver } from '@brxy/scaler/conformance'
import { IMAGE, type TestEngine, UNTIL_TOLD } from './engine.testkit.ts'

const body = (container: object = {}, template: object = {}) => ({
  task: {
    TaskTemplate: {
      ContainerSpec: { Image: IMAGE, Args: UNTIL_TOLD, ...container },
      Networks: [{ Target: 'host' }],
      ...template,
    },
  },
})

interface Service {
  readonly ID: string
  readonly Spec: {
    readonly Name: string
    readonly TaskTemplate: { ContainerSpec: { StopGracePeriod: number } }
  }
}

interface Task {
  readonly ID: string
  readonly Status: { readonly State: string; readonly ContainerStatus?: { readonly ContainerID: string } }
}

/** The conformance driver of one service of one task for each launch. */
export function taskDriver(engine: () => TestEngine): Driver {
  const api = () => engine().api
  const servicesOf = (route: string) => api().get<Service[]>('/services', { label: [`brxy.route=${route}`] })
  async function taskOf(name: string): Promise<Task | undefined> {
    const tasks = await api().get<Task[]>('/tasks', { service: [name] })
    return tasks.find(({ Status }) => Status.State === 'running')
  }
  const containerOf = async (name: string) => (await taskOf(name))?.Status.ContainerStatus?.ContainerID ?? ''
  return {
    name: 'docker task',
    launches: 'named',
    leaves: 'exit',
    removal: 'exact',
    badOptions: [
      { options: { task: { TaskTemplate: {} } }, path: 'task.TaskTemplate.ContainerSpec.Image' },
      {
        options: body({}, { RestartPolicy: { Condition: 'any' } }),
        path: 'task.TaskTemplate.RestartPolicy.Condition',
      },
      { options: { ...body(), service: 'x' }, path: 'docker' },
    ],
    make: (host) => engine().make(host),
    prepare: async () => body(),
    async list(route) {
      const found = await Promise.all(
        (await servicesOf(route)).map(async ({ Spec }) => ({
          id: Spec.Name,
          incarnation: (await taskOf(Spec.Name))?.ID ?? '',
        })),
      )
      return found.filter(({ incarnation }) => incarnation !== '')
    },
    leave: async (id) => api().signal(await containerOf(id), 'TERM'),
    kill: async (id) => api().signal(await containerOf(id), 'KILL'),
    async cleanUp(route) {
      for (const { ID } of await servicesOf(route)) await api().remove(`/services/${ID}`)
    },
    environment: async (id) => api().environment(await containerOf(id)),
    async refuse(launch, route) {
      const Labels = { 'brxy.owner': 'somebody else', 'brxy.route': route }
      const TaskTemplate = {
        ContainerSpec: { Image: IMAGE, Args: ['true'] },
        RestartPolicy: { Condition: 'none' },
      }
      const Mode = { Replicated: { Replicas: 0 } }
      await api().call('POST', '/services/create', { Name: `brxy-${launch}`, Labels, TaskTemplate, Mode })
    },
    async graceMs(id) {
      const { Spec } = await api().get<Service>(`/services/${id}`)
      return Spec.TaskTemplate.ContainerSpec.StopGracePeriod / 1e6
    },
    problems: {
      image: async () => ({
        options: body({ Image: 'nope.invalid/x' }),
        message: 'No such image: nope.invalid/x',
      }),
      invalid: async () => ({ options: body({ Args: ['/no-such-command'] }), message: '/no-such-command' }),
      crashed: async () => ({
        options: body({ Args: ['sh', '-c', 'echo out of luck >&2; exit 3'] }),
        message: /exit \(3\).*out of luck/s,
      }),
      unschedulable: async () => ({
        options: body({}, { Resources: { Reservations: { MemoryBytes: 999e9 } } }),
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
