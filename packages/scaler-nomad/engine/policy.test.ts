import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AppScaler, Instance, Launch } from '@brxy/scaler'
import { isLacking } from '@brxy-tooling/engines'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import nomad from '../src/index.ts'
import { counted, parameterized } from './jobs.ts'
import { Platform } from './platform.ts'

const PATIENCE_MS = 30_000
const JOB = 'policy-job'

/** A policy that users start from, as it is shipped. */
const shipped = (name: string) =>
  readFileSync(new URL(`../../../examples/nomad/${name}.policy.hcl`, import.meta.url), 'utf8')

const capabilitiesOf = (rules: string) =>
  (/capabilities = \[(.*)\]/.exec(rules)?.[1] ?? '').split(',').map((each) => each.trim().replaceAll('"', ''))

const without = (rules: string, capability: string) => rules.replace(new RegExp(`"${capability}"(, )?`), '')

let platform: Platform
let dir = ''
let close = async () => {}

describe.skipIf(await isLacking('nomad'))('the shipped ACL policies', () => {
  beforeAll(async () => {
    platform = await Platform.up()
  })
  afterAll(() => platform?.down())
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'brxy-policy-'))
  })
  afterEach(async () => {
    await close()
    rmSync(dir, { recursive: true })
    await platform.agent.purge(JOB)
  })

  describe('for dispatch', () => {
    const rules = shipped('edge-dispatch')

    it('allow all that the adapter does', async () => {
      await platform.agent.register(parameterized(JOB))
      await startAndRemove(await scalerWith(rules, { job: JOB }))
    })

    it.each(capabilitiesOf(rules))('are not enough without %s', async (capability) => {
      await platform.agent.register(parameterized(JOB))
      const app = await scalerWith(without(rules, capability), { job: JOB })
      await expect(startAndRemove(app)).rejects.toThrow(/Permission denied/)
    })
  })

  describe('for count', () => {
    const rules = shipped('edge-count')

    it('allow all that the adapter does', async () => {
      await platform.agent.register(counted(JOB))
      await raiseReplaceAndLower(await scalerWith(rules, { job: JOB, mode: 'count' }))
    })

    it.each(capabilitiesOf(rules))('are not enough without %s', async (capability) => {
      await platform.agent.register(counted(JOB))
      const app = await scalerWith(without(rules, capability), { job: JOB, mode: 'count' })
      await expect(raiseReplaceAndLower(app)).rejects.toThrow(/Permission denied/)
    })
  })
})

async function scalerWith(rules: string, options: object): Promise<AppScaler> {
  const token = await platform.agent.token('edge', rules)
  const host = { owner: 'policy', stateDir: dir, changed() {}, log() {} }
  const scaler = nomad({ address: platform.env.NOMAD_ADDR, token }, host)
  close = () => scaler.close()
  return scaler.app('shop', options)
}

const signal = () => AbortSignal.timeout(PATIENCE_MS)

/** All that a life takes. @throws with what Nomad refuses, also when the adapter makes a launch's problem of it */
async function startAndRemove(app: AppScaler): Promise<void> {
  const launch: Launch = {
    id: 'policy-launch',
    env: { ROUTE: 'shop', BRXY_ROUTE: 'shop', BRXY_EDGE: 'e', BRXY_TOKEN: 't', BRXY_LAUNCH: 'policy-launch' },
  }
  await app.scale({ want: 1, start: [launch], remove: [] }, signal())
  const remove = await until(app, (seen) => seen.some(({ state }) => state === 'running'))
  await app.scale({ want: 0, start: [], remove }, signal())
  const ended = await until(app, (seen) => seen.every(({ state }) => state === 'ended'))
  await app.scale({ want: 0, start: [], remove: ended }, signal())
  await until(app, (seen) => seen.length === 0)
}

async function raiseReplaceAndLower(app: AppScaler): Promise<void> {
  await app.scale({ want: 1, start: [{ id: 'x', env: {} }], remove: [] }, signal())
  const first = await until(app, (seen) => seen.some(({ state }) => state === 'running'))
  // One that left, and another one is wanted in its place.
  await app.scale({ want: 1, start: [], remove: first }, signal())
  const ids = new Set(first.map(({ id }) => id))
  const second = await until(app, (seen) => seen.some(({ id, state }) => state === 'running' && !ids.has(id)))
  await app.scale({ want: 0, start: [], remove: second }, signal())
  await until(app, (seen) => seen.every(({ state }) => state === 'ended'))
}

async function until(
  app: AppScaler,
  isThere: (seen: readonly Instance[]) => boolean,
): Promise<readonly Instance[]> {
  const endMs = performance.now() + PATIENCE_MS
  for (;;) {
    const seen = await app.observe(signal())
    const denied = seen.find(({ problem }) => problem?.code === 'denied')
    if (denied !== undefined) throw new Error(denied.problem?.message)
    if (isThere(seen)) return seen
    if (performance.now() > endMs) throw new Error(`in vain: ${JSON.stringify(seen)}`)
    await sleep(100)
  }
}
