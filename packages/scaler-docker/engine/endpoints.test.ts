import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Driver } from '@brxy/scaler/conformance'
import { isLacking } from '@brxy-tooling/engines'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { containerDriver } from './container-driver.testkit.ts'
import { TestEngine } from './engine.testkit.ts'
import { Life, type Part } from './life.testkit.ts'
import { type Endpoints, NarrowProxy, namesOf } from './narrow-proxy.testkit.ts'
import { serviceDriver } from './service-driver.testkit.ts'
import { taskDriver } from './task-driver.testkit.ts'

/** So long it is waited that something is not told. */
const VAIN_MS = 12_000

const FOR_ALL: Endpoints = { '/_ping': [], '/events': [] }
/** What a proxy in front of the socket has to let through for each mode, as docs/scalers.md says it. */
const MODES: Readonly<Record<string, Endpoints>> = {
  container: {
    '/images': ['create'],
    '/containers': ['list', 'create', 'inspect', 'start', 'stop', 'logs', 'delete'],
  },
  task: { '/services': ['list', 'create', 'inspect', 'delete'], '/tasks': ['list', 'logs'] },
  service: {
    '/services': ['inspect', 'update'],
    '/tasks': ['list', 'logs'],
    '/containers': ['inspect', 'stop'],
  },
}
const DRIVERS: Readonly<Record<string, (engine: () => TestEngine) => Driver>> = {
  container: containerDriver,
  task: taskDriver,
  service: serviceDriver,
}
/** All that each mode does: Swarm's nodes pull by themselves. */
const PARTS: Readonly<Record<string, readonly Part[]>> = {
  container: ['runs', 'crashed', 'image'],
  task: ['runs', 'crashed'],
  service: ['runs', 'crashed'],
}
/** Where an endpoint is needed that is not needed for one that runs. */
const NEEDED_FOR: Readonly<Record<string, Part>> = {
  '/containers logs': 'crashed',
  '/tasks logs': 'crashed',
  '/images create': 'image',
}
/** What cannot be read of these is not complained of. */
const SILENT: Readonly<Record<string, string>> = {
  '/events': 'in vain: it is told of an end',
  '/containers logs': 'in vain: its last words',
  '/tasks logs': 'in vain: its last words',
}

describe.skipIf(await isLacking('swarm'))('a proxy that lets through what docs/scalers.md says', () => {
  let engine: TestEngine
  beforeAll(async () => {
    engine = await TestEngine.start('swarm')
  })
  afterAll(() => engine?.stop())

  // Each has an owner and names of its own, so they are tried beside each other.
  describe.concurrent.each(Object.keys(MODES))('for a %s', (mode) => {
    const names = namesOf({ ...FOR_ALL, ...MODES[mode] })

    it('is enough for all that the adapter does', async () => {
      await lifeThrough(mode, names, PARTS[mode])
    })

    it.each(names)('lets through nothing that is not needed: %s', async (name) => {
      const others = names.filter((other) => other !== name)
      const said = SILENT[name] ?? `not let through: ${name}`
      await expect(lifeThrough(mode, others, [NEEDED_FOR[name] ?? 'runs'], VAIN_MS)).rejects.toThrow(said)
    })
  })

  async function lifeThrough(
    mode: string,
    allowed: readonly string[],
    parts: readonly Part[],
    toldMs?: number,
  ): Promise<void> {
    const path = engine.path(`${randomBytes(4).toString('hex')}.sock`)
    const proxy = await NarrowProxy.open(path, engine.api.socket, allowed)
    await new Life(
      DRIVERS[mode](() => engine),
      proxy,
      toldMs,
    ).live(parts)
  }

  it('is what the docs say', () => {
    const docs = readFileSync(new URL('../../../docs/scalers.md', import.meta.url), 'utf8')
    const cell = (endpoints: Endpoints) =>
      Object.entries(endpoints)
        .map(([folder, kinds]) =>
          kinds.length === 0 ? `\`${folder}\`` : `\`${folder}\` (${kinds.join(', ')})`,
        )
        .join(', ')
    for (const [mode, endpoints] of Object.entries({ 'for all': FOR_ALL, ...MODES }))
      expect(docs).toContain(
        `  | ${MODES[mode] === undefined ? mode : `\`${mode}\``} | ${cell(endpoints)} |\n`,
      )
  })
})
