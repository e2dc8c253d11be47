import { conformance, type Driver } from '@brxy/scaler/conformance'
import { overlapping, whyNot } from '@brxy-tooling/engines'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { IMAGE, TestEngine, UNTIL_TOLD } from './engine.testkit.ts'

const missing = await whyNot('docker')
if (missing !== null) console.warn(`SKIPPED: containers on a real dockerd: ${missing}`)

let engine: TestEngine

const body = (more: object = {}) => ({
  container: { Image: IMAGE, Cmd: UNTIL_TOLD, HostConfig: { NetworkMode: 'host' }, ...more },
})

interface Listed {
  readonly Id: string
  readonly Names: readonly string[]
  readonly State: string
}

const containersOf = (route: string, all = 0) =>
  engine.api.get<Listed[]>(`/containers/json?all=${all}`, { label: [`brxy.route=${route}`] })

const driver: Driver = {
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
  make: (host) => engine.make(host),
  prepare: async () => body(),
  async list(route) {
    const running = (await containersOf(route)).filter(({ State }) => State === 'running')
    return Promise.all(
      running.map(async ({ Id, Names }) => {
        const { State } = await engine.api.get<{ State: { StartedAt: string } }>(`/containers/${Id}/json`)
        return { id: Names[0].slice(1), incarnation: `${Id.slice(0, 12)} ${State.StartedAt}` }
      }),
    )
  },
  leave: (id) => engine.api.signal(id, 'TERM'),
  kill: (id) => engine.api.signal(id, 'KILL'),
  async cleanUp(route) {
    for (const { Id } of await containersOf(route, 1)) await engine.api.remove(`/containers/${Id}?force=1`)
  },
  environment: (id) => engine.api.environment(id),
  async refuse(launch, route) {
    // The name belongs to somebody else, who has this route, too, so that it is cleaned up.
    const Labels = { 'brxy.owner': 'somebody else', 'brxy.route': route }
    await engine.api.call('POST', `/containers/create?name=brxy-${launch}`, {
      Image: IMAGE,
      Cmd: ['true'],
      Labels,
    })
  },
  async graceMs(id) {
    const { Config } = await engine.api.get<{ Config: { StopTimeout?: number } }>(`/containers/${id}/json`)
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
    refused: () => engine.proxy.outage('refused'),
    silent: () => engine.proxy.outage('silent'),
  },
  changedWithinMs: 10_000,
  loseWatch: async () => engine.proxy.cut(),
}

describe.skipIf(missing !== null)('containers', () => {
  beforeAll(async () => {
    engine = await TestEngine.start('docker')
  })
  afterAll(() => engine?.stop())
  overlapping(it, (test) => conformance(driver, { test }))
})
