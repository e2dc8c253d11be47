import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Engine, engine, isLacking } from '../src/index.ts'
import { nomadGroups } from '../src/nomad/cgroup.ts'
import { processesBelow } from '../src/processes.ts'
import { expectNothingBelow } from './traces.testkit.ts'

const POLL_MS = 100
const PATIENCE_MS = 30_000

interface Allocation {
  readonly ID: string
  readonly ClientStatus: string
}

describe.skipIf(await isLacking('nomad'))('nomad', () => {
  let dir: string
  let nomad: Engine
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'brxy-traces-'))
    nomad = (await engine('nomad')) as Engine
  })
  afterEach(async () => {
    await nomad.down(dir)
    rmSync(dir, { recursive: true, force: true })
  })

  /** With a task, which has a directory of secrets that is a file system, and control groups. @returns its allocation */
  async function upWithTask(): Promise<string> {
    const env = await nomad.up(dir, () => {})
    const Tasks = [{ Name: 'box', Driver: 'raw_exec', Config: { command: '/bin/sleep', args: ['600'] } }]
    const Job = { ID: 'box', Datacenters: ['dc1'], TaskGroups: [{ Name: 'box', Tasks }] }
    await ask(env, 'POST', '/v1/jobs', { Job })
    const endMs = performance.now() + PATIENCE_MS
    let seen: Allocation | undefined
    for (; seen?.ClientStatus !== 'running'; seen = await first(env)) {
      if (performance.now() > endMs) throw new Error('the task does not run')
      await sleep(POLL_MS)
    }
    expect(groupsOfTask(seen.ID)).not.toEqual([])
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).toContain(dir)
    return seen.ID
  }

  /** Agents of a machine share the groups around it. */
  const groupsOfTask = (allocation: string) => nomadGroups().filter((group) => group.includes(allocation))

  it('comes, runs a task, and goes without a trace', async () => {
    const allocation = await upWithTask()
    await nomad.down(dir)
    expect(groupsOfTask(allocation)).toEqual([])
    expectNothingBelow(dir)
  })

  it('goes without a trace after it was killed, with its task still there', async () => {
    const allocation = await upWithTask()
    const [pid] = readFileSync(join(dir, 'nomad.pid'), 'utf8').split(' ')
    process.kill(Number(pid), 'SIGKILL')
    expect(processesBelow(dir).length).toBeGreaterThan(0)
    await nomad.down(dir)
    expect(groupsOfTask(allocation)).toEqual([])
    expectNothingBelow(dir)
  })

  it('can be taken down where it never was', async () => {
    await nomad.down(dir)
    await nomad.down(dir)
    expectNothingBelow(dir)
  })
})

async function ask<T>(
  env: Readonly<Record<string, string>>,
  method: string,
  path: string,
  body?: object,
): Promise<T> {
  const answer = await fetch(`${env.NOMAD_ADDR}${path}`, {
    method,
    headers: { 'x-nomad-token': env.NOMAD_TOKEN ?? '' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as T
}

const first = async (env: Readonly<Record<string, string>>) =>
  (await ask<Allocation[]>(env, 'GET', '/v1/allocations'))[0]
