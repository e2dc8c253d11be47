import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Outcome } from './run.ts'
import { plainRequest } from './scenario/plain-request.ts'
import type { AppPlan, Fault, Scenario } from './scenario/scenario.ts'
import { sim } from './sim.testkit.ts'

vi.setConfig({ testTimeout: 300_000 })

const INSTANCES = 120
const LOST_AT_MS = 30_000

const app: AppPlan = {
  name: 'shop',
  slots: 1,
  threads: 1,
  min: INSTANCES,
  max: 2 * INSTANCES,
  holdMs: 50_000,
  patienceMs: 100,
  startTimeoutMs: 120_000,
  backoffMinMs: 1_000,
  backoffMaxMs: 60_000,
  queueRequests: 10_000,
  responseMs: 60_000,
  idleMs: 60_000,
  drainMs: 5_000,
  lostMs: 300_000,
  abortLingerMs: 1_000,
  startMs: 500,
  keepAliveMs: 5_000,
  ignoresClose: false,
  ignoresTerm: false,
}

/** Many instances, of which the edge loses all, and somebody who asks while they come back. */
function losing(fault: Fault, forMs: number): Scenario {
  const backMs = LOST_AT_MS + forMs
  const requests = Array.from({ length: 20 }, (_, at) =>
    plainRequest({ id: at + 1, app: app.name, atMs: backMs + 100 * (at + 1), edge: 0, serviceMs: 10 }),
  )
  const network = {
    minDelayMs: 20,
    maxDelayMs: 100,
    fragments: 0.1,
    minBufferBytes: 8_192,
    maxBufferBytes: 524_288,
  }
  return { seed: 1, edges: 1, network, apps: [app], requests, faults: [fault], healAtMs: backMs + 10_000 }
}

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'brxy-sim-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const atMs = LOST_AT_MS
it.each<[string, Fault, number]>([
  ['is killed and away for a second', { atMs, kind: 'kill edge', which: 0, downMs: 1_000 }, 1_000],
  ['is killed and away for half a minute', { atMs, kind: 'kill edge', which: 0, downMs: 30_000 }, 30_000],
  ['is stopped for a minute', { atMs, kind: 'pause', whom: 'edge', which: 0, forMs: 60_000 }, 60_000],
])('an edge of many instances that %s launches none of them again', async (_, fault, forMs) => {
  const path = join(directory, 'scenario.json')
  writeFileSync(path, JSON.stringify({ invariant: '', message: '', scenario: losing(fault, forMs) }))
  const { result, said } = await sim<Outcome>('--replay', path)
  expect(result.failure, said).toBeNull()
  const { counts } = result as unknown as { counts: Record<string, number> }
  expect(counts['client: answered']).toBe(20)
  expect(counts['edge: connected']).toBeGreaterThanOrEqual(2 * INSTANCES)
  expect(counts['edge: launching']).toBe(INSTANCES)
})
