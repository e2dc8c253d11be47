import type { Driver } from '@brxy/scaler/conformance'
import { IMAGE, type TestEngine, UNTIL_TOLD } from './engine.testkit.ts'

const body = (more: object = {}) => ({
  container: { Image: IMAGE, Cmd: UNTIL_TOLD, HostConfig: { NetworkMode: 'host' }, ...more },
})

interface Listed {
  readonly Id: string
  readonly Names: readonly string[]
  readonly State: string
}

/** The conformance driver of one container for each launch. */
export function containerDriver(engine: () => TestEngine): Driver {
  const api = () => engine().api
  const containersOf = (route: string, all = 0) =>
    api().get<Listed[]>(`/containers/json?all=${all}`, { label: [`brxy.route=${route}`] })
  return {
    name: 'docker container',
    launches: 'named',
    leaves: 'exit',
    removal: 'exact',
    badOptions: [
      { options: {}, path: 'docker' },
      { options: body({ Image: undefined, image: IMAGE }), path: 'container.Image' },
      { options: body({ HostConfig: { AutoRemove: true } }), path: 'container.HostConfig.AutoRemove' },
      { options: { ...body(), pull: 'sometimes' }, path: 'pull' },
    ],
    make: (host) => engine().make(host),
    prepare: async () => body(),
    async list(route) {
      const running = (await containersOf(route)).filter(({ State }) => State === 'running')
      return Promise.all(
        running.map(async ({ Id, Names }) => {
          const { State } = await api().get<{ State: { StartedAt: string } }>(`/containers/${Id}/json`)
          return { id: Names[0].slice(1), incarnation: `${Id.slice(0, 12)} ${State.StartedAt}` }
        }),
      )
    },
    leave: (id) => api().signal(id, 'TERM'),
    kill: (id) => api().signal(id, 'KILL'),
    async cleanUp(route) {
      for (const { Id } of await containersOf(route, 1)) await api().remove(`/containers/${Id}?force=1`)
    },
    environment: (id) => api().environment(id),
    async refuse(launch, route) {
      // The name belongs to somebody else, who has this route, too, so that it is cleaned up.
      const Labels = { 'brxy.owner': 'somebody else', 'brxy.route': route }
      await api().call('POST', `/containers/create?name=brxy-${launch}`, {
        Image: IMAGE,
        Cmd: ['true'],
        Labels,
      })
    },
    async graceMs(id) {
      const { Config } = await api().get<{ Config: { StopTimeout?: number } }>(`/containers/${id}/json`)
      return (Config.StopTimeout ?? 10) * 1000
    },
    problems: {
      image: async () => ({
        options: body({ Image: 'nope.invalid/x' }),
        message: /nope\.invalid.*(no such host|lookup|dial)/,
      }),
      invalid: async () => ({ options: body({ Cmd: ['/no-such-command'] }), message: '/no-such-command' }),
      crashed: async () => ({
        options: body({ Cmd: ['sh', '-c', 'echo out of luck >&2; exit 3'] }),
        message: /status 3.*out of luck/s,
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
