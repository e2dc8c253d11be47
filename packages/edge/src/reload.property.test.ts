import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { RawClient } from './client.testkit.ts'
import { Edge, type EdgeConfiguration } from './edge.ts'
import type { EdgeEvent } from './event.ts'
import { eventually } from './eventually.testkit.ts'
import { freePorts, isOpen } from './port.testkit.ts'
import { FakePlatform } from './scaler.testkit.ts'

const RUNS = 25
const APPS = ['a', 'b', 'c'] as const
const SCALERS = ['one', 'two'] as const

/** One configuration, by numbers: which of the known ports are open, and what apps there are. */
interface Model {
  readonly clients: readonly number[]
  readonly tunnel: number
  readonly admin: number
  readonly apps: readonly AppModel[]
  /** Whether something is wrong with it, so that it must not take effect. */
  readonly fault: 'none' | 'route' | 'port' | 'scaler'
}

interface AppModel {
  readonly name: (typeof APPS)[number]
  readonly scaler: (typeof SCALERS)[number] | null
  readonly min: number
  readonly perHost: boolean
  readonly keepWarm: boolean
  /** Whether somebody asks for it once the configuration is in force. */
  readonly isAsked: boolean
}

const app = fc.record<AppModel>({
  name: fc.constantFrom(...APPS),
  scaler: fc.constantFrom(...SCALERS, null),
  min: fc.constantFrom(0, 0, 1, 2),
  perHost: fc.constantFrom(false, false, true),
  keepWarm: fc.boolean(),
  isAsked: fc.boolean(),
})
const model = fc.record<Model>({
  clients: fc.uniqueArray(fc.constantFrom(0, 1, 2), { minLength: 1 }),
  tunnel: fc.constantFrom(3, 4),
  admin: fc.constantFrom(5, 6),
  apps: fc.uniqueArray(app, { selector: ({ name }) => name }),
  fault: fc.constantFrom('none', 'none', 'none', 'route', 'port', 'scaler'),
})

let stateDir: string
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'brxy-reload-'))
})
afterEach(() => rm(stateDir, { recursive: true, force: true }))

it('leaves no listener, app, instance, timer or handle behind, whatever the sequence of configurations', async () => {
  const counts = { reloads: 0, faults: 0, launches: 0, removals: 0, rehomed: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(model, { minLength: 2, maxLength: 6 }), (models) => run(models, counts)),
    { numRuns: RUNS },
  )
  // Otherwise it shows nothing.
  for (const [what, count] of Object.entries(counts)) expect(count, what).toBeGreaterThan(0)
}, 120_000)

async function run([first, ...others]: readonly Model[], counts: Record<string, number>): Promise<void> {
  const ports = await freePorts(7)
  const before = handles()
  const platforms = { one: new FakePlatform(), two: new FakePlatform() }
  const adapters = { one: platforms.one.choice, two: platforms.two.choice }
  const bugs: unknown[] = []
  const onEvent = (event: EdgeEvent) => {
    if (event.type === 'bug') bugs.push(event.error)
    if (event.type === 'launching') counts.launches++
  }
  const start = { ...first, fault: 'none' } as const
  const edge = new Edge({ ...configurationOf(start, ports), adapters, stateDir, version: '0', onEvent })
  const clients: RawClient[] = []
  await edge.start()
  try {
    let inForce: Model = start
    for (const next of [start, ...others]) {
      if (next !== start) {
        counts.reloads++
        const reloaded = edge.reload({ ...configurationOf(next, ports), adapters })
        if (next.fault === 'none') await reloaded
        else await expect(reloaded).rejects.toThrow()
        if (next.fault === 'none') inForce = next
        else counts.faults++
      }
      await expectInForce(edge, inForce, ports)
      for (const { name, isAsked } of inForce.apps)
        if (isAsked) clients.push(new RawClient(ports[inForce.clients[0]]).get('/', '', name))
    }
    counts.rehomed += clients.filter(({ text }) => text.includes('edge/no-app')).length
  } finally {
    await edge.stop()
    for (const client of clients) client.close()
  }
  expect(bugs).toEqual([])
  for (const [name, { instances, removed, isClosed, started }] of Object.entries(platforms)) {
    expect([name, [...instances.keys()]]).toEqual([name, []])
    if (started.length > 0) expect(isClosed).toBe(true)
    counts.removals += removed.length
  }
  for (const port of ports) expect(await isOpen(port)).toBe(false)
  await eventually('the end of all handles', () => handles() <= before)
}

async function expectInForce(
  edge: Edge,
  { clients, tunnel, admin, apps }: Model,
  ports: readonly number[],
): Promise<void> {
  const open = new Set([...clients, tunnel, admin])
  for (const [at, port] of ports.entries()) expect([at, await isOpen(port)]).toEqual([at, open.has(at)])
  const known = new Set(apps.map(({ name }) => name as string))
  for (const { app } of edge.status().apps) expect(known).toContain(app)
}

function configurationOf(
  { clients, tunnel, admin, apps, fault }: Model,
  ports: readonly number[],
): EdgeConfiguration {
  const bind = (at: number) => ({ bind: `127.0.0.1:${ports[at]}` })
  const listen = clients.map(bind)
  return {
    options: {
      // The admin port is open already, or is about to be.
      listen: fault === 'port' ? [...listen, bind(tunnel), bind(admin)] : listen,
      tunnel: bind(tunnel),
      admin: bind(admin),
      secret: 'a secret for tests only',
      timeouts: { drainMs: 0 },
      apps: {
        ...Object.fromEntries(apps.map(appOptions)),
        ...(fault === 'route' ? { x: { hosts: ['x'] }, y: { hosts: ['x'] } } : {}),
        ...(fault === 'scaler' ? { x: { hosts: ['x'], scaler: { name: 'nobody', options: {} } } } : {}),
      },
    },
  }
}

function appOptions({ name, scaler, min, perHost, keepWarm }: AppModel) {
  const options = {
    hosts: [name],
    perHost,
    min,
    ...(scaler === null ? {} : { scaler: { name: scaler, options: {} } }),
    ...(keepWarm ? { keepWarm: [{ cron: '* * * * *', forMs: 60_000, min: 1 }] } : {}),
  }
  return [name, options] as const
}

/** What keeps this process alive, and what it listens on. */
function handles(): number {
  return process.getActiveResourcesInfo().filter((name) => /TCP|Timeout|Immediate/.test(name)).length
}
