import { createHash } from 'node:crypto'
import type { Host } from '@brxy/scaler'
import { conformance, type Driver, type Provoked } from '@brxy/scaler/conformance'
import { isLacking, overlapping } from '@brxy-tooling/engines'
import { afterAll, beforeAll, describe, it } from 'vitest'
import nomad from '../src/index.ts'
import { Front } from './front.ts'
import { counted, parameterized, type TaskChanges } from './jobs.ts'
import { environmentOf, Platform } from './platform.ts'

/** What the kit hands to a launch beside its own variables. */
const ODD = ['QUOTES', 'LINES', 'SPACE', 'UNICODE', 'EMPTY', 'LONG'].map((name) => `ODD_${name}`)
/** May see jobs and dispatch none. */
const ONLY_LOOKS = 'namespace "default" { capabilities = ["list-jobs", "read-job"] }'

let platform: Platform
let front: Front

describe.skipIf(await isLacking('nomad'))('on Nomad', () => {
  beforeAll(async () => {
    platform = await Platform.up()
    front = await Front.open(platform.env.NOMAD_ADDR ?? '')
  })
  afterAll(async () => {
    front?.close()
    await platform?.down()
  })

  overlapping(it, (test) => {
    conformance(dispatching(), { test })
    conformance(counting(), { test })
  })
})

function dispatching(): Driver {
  const prepare =
    (changes: TaskChanges = {}) =>
    async (route: string) => {
      await platform.agent.register(parameterized(jobOf(route), changes, ODD))
      return { job: jobOf(route) }
    }
  return {
    ...common(),
    name: 'nomad dispatch',
    launches: 'named',
    leaves: 'exit',
    removal: 'exact',
    prepare: prepare(),
    list: async (route) =>
      (await running(route)).map(({ ID, JobID, TaskStates }) => ({
        id: JobID,
        incarnation: `${ID} ${TaskStates?.app?.StartedAt}`,
      })),
    leave: (id) => signal(id, 'SIGUSR1'),
    kill: (id) => signal(id, 'SIGUSR2'),
    environment: async (id) => {
      const [allocation] = await platform.agent.allocations(id)
      return environmentOf(allocation?.ID ?? '') ?? {}
    },
    refuse: async (launch) => void front.refused.add(`idempotency_token=${launch}`),
    problems: {
      ...problems(prepare),
      crashed: async (route) => ({
        options: await prepare({ Config: { command: '/bin/sh', args: ['-c', 'exit 3'] } })(route),
        message: 'Exit Code: 3',
      }),
      denied: async (route): Promise<Provoked> => {
        const options = await prepare()(route)
        const token = await platform.agent.token('only-looks', ONLY_LOOKS)
        return { options, message: 'Permission denied', make: (host) => make(host, token) }
      },
    },
  }
}

function counting(): Driver {
  const prepare =
    (changes: TaskChanges = {}) =>
    async (route: string) => {
      await platform.agent.register(counted(jobOf(route), changes))
      return { job: jobOf(route), mode: 'count' }
    }
  return {
    ...common(),
    name: 'nomad count',
    launches: 'counted',
    leaves: 'park',
    removal: 'ordered',
    prepare: prepare(),
    list: async (route) =>
      (await running(route)).map(({ ID, TaskStates }) => ({
        id: ID,
        incarnation: `${TaskStates?.app?.StartedAt}`,
      })),
    // It is parked, and waits to be removed.
    leave: async () => {},
    kill: (id) => platform.agent.signal(id, 'SIGUSR2'),
    problems: problems(prepare),
  }
}

/** What both ways have in common. */
function common() {
  return {
    badOptions: [
      { options: {}, path: 'job' },
      { options: { job: 'x', mode: 'kill' }, path: 'mode' },
    ],
    make,
    cleanUp: (route: string) => platform.agent.purge(jobOf(route)),
    graceMs: async (_: string, route: string) => platform.agent.killTimeoutMs(jobOf(route)),
    outages: {
      refused: () => front.outage('refused'),
      silent: () => front.outage('silent'),
    },
    changedWithinMs: 10_000,
    loseWatch: async () => front.cut(),
  }
}

/** What is wrong with a job whichever way it is started. */
function problems(prepare: (changes: TaskChanges) => (route: string) => Promise<unknown>) {
  return {
    unschedulable: async (route: string): Promise<Provoked> => ({
      options: await prepare({ Resources: { CPU: 20, MemoryMB: 99_000_000 } })(route),
      message: 'memory exhausted',
    }),
    invalid: async (route: string): Promise<Provoked> => ({
      options: await prepare({ Config: { command: '/nonexistent/program' } })(route),
      message: '/nonexistent/program',
    }),
    image: async (route: string): Promise<Provoked> => ({
      options: await prepare({ Artifacts: [{ GetterSource: 'http://127.0.0.1:1/image.tar.gz' }] })(route),
      message: '127.0.0.1:1',
    }),
  }
}

function make(host: Host, token = platform.env.NOMAD_TOKEN) {
  return nomad({ address: front.address, token }, host)
}

function jobOf(route: string): string {
  return `kit-${createHash('sha256').update(route).digest('hex').slice(0, 12)}`
}

async function running(route: string) {
  const all = await platform.agent.allocations(jobOf(route))
  return all.filter(({ ClientStatus }) => ClientStatus === 'running')
}

async function signal(child: string, name: string): Promise<void> {
  for (const { ID, ClientStatus } of await platform.agent.allocations(child))
    if (ClientStatus === 'running') await platform.agent.signal(ID, name)
}
