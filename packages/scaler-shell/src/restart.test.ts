import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fixture, isRunning, launch, never, node, remove, start } from './fixture.testkit.ts'
import { Journal } from './journal.ts'

let fixture: Fixture
beforeEach(() => {
  fixture = new Fixture()
})
afterEach(() => fixture.clean())

const COMMAND = { command: node('setInterval(() => {}, 1e6)') }
const ROUTE = 'shop.example.com'

async function startedAndClosed(...ids: string[]): Promise<number[]> {
  const scaler = fixture.scaler()
  await start(scaler.app(ROUTE, COMMAND), ...ids.map((id) => launch(id)))
  await scaler.close()
  return fixture.pids()
}

describe('close', () => {
  it('leaves the launches running and tells of nothing any more', async () => {
    const [pid] = await startedAndClosed('l1')
    expect(isRunning(pid)).toBe(true)
    const told = fixture.logs.length
    process.kill(-pid, 'SIGKILL')
    await fixture.until('its end', () => !isRunning(pid))
    expect([fixture.logs.length, fixture.changed]).toEqual([told, []])
  })
})

describe('an adapter after a restart', () => {
  it('adopts what runs, starts none of it again, and sees its end', async () => {
    const pids = await startedAndClosed('l1', 'l2')
    const app = fixture.app(COMMAND)
    expect(await start(app, launch('l1'), launch('l2'))).toMatchObject([
      { state: 'running' },
      { state: 'running' },
    ])
    expect(fixture.pids()).toEqual(pids)
    process.kill(-pids[0], 'SIGKILL')
    await fixture.until('the end to be told', () => fixture.changed.length > 0)
    // Whether that was a failure only its parent could have told: it is absent.
    expect((await app.observe(never())).map(({ id }) => id)).toEqual(['l2'])
    expect(await start(app, launch('l1'))).toHaveLength(1)
  })

  it('removes what it adopted', async () => {
    const [pid] = await startedAndClosed('l1')
    const app = fixture.app(COMMAND)
    expect(await remove(app, 'l1')).toHaveLength(1)
    await fixture.until('it to go', async () => (await app.observe(never())).length === 0)
    expect(isRunning(pid)).toBe(false)
  })

  it('remembers what ended before, and why', async () => {
    const first = fixture.scaler()
    const failing = { command: ['sh', '-c', 'echo broken >&2; exit "$STATUS"'] }
    await start(first.app(ROUTE, failing), launch('bad', { STATUS: '3' }), launch('good', { STATUS: '0' }))
    await fixture.until('both to end', () => fixture.changed.length === 2)
    await first.close()
    const app = fixture.app(failing)
    expect(await app.observe(never())).toMatchObject([
      {
        id: 'bad',
        state: 'ended',
        problem: { code: 'crashed', message: '"sh" exited with status 3: broken' },
      },
    ])
    await start(app, launch('bad', { STATUS: '3' }), launch('good', { STATUS: '0' }))
    expect(fixture.pids()).toHaveLength(2)
  })

  it('does not take a later process with the same id for its launch', async () => {
    const [pid] = await startedAndClosed('l1')
    const journal = new Journal(fixture.stateDir, { owner: 'edge-a', route: ROUTE }, () => {})
    journal.write({ launch: 'l1', state: 'started', since: 1, pid, startTime: 'another boot/1' })
    const app = fixture.app(COMMAND)
    expect(await remove(app, 'l1')).toEqual([])
    expect(isRunning(pid)).toBe(true)
  })

  it('gives up a launch whose adapter ended while it was starting it', async () => {
    const journal = new Journal(fixture.stateDir, { owner: 'edge-a', route: ROUTE }, () => {})
    journal.claim({ launch: 'old', state: 'claimed', since: Date.now() - 60_000 })
    journal.claim({ launch: 'new', state: 'claimed', since: Date.now() })
    const app = fixture.app(COMMAND)
    expect(await start(app, launch('old'), launch('new'))).toMatchObject([
      { id: 'new', state: 'starting' },
      { id: 'old', state: 'ended', problem: { code: 'unavailable', final: true } },
    ])
    expect(fixture.pids()).toEqual([])
  })

  it('skips a record that cannot be read, says so, and adopts the others', async () => {
    await startedAndClosed('l1')
    const [directory] = readdirSync(fixture.stateDir)
    writeFileSync(join(fixture.stateDir, directory, 'broken.json'), '{')
    expect(await fixture.app(COMMAND).observe(never())).toHaveLength(1)
    expect(fixture.logs).toContainEqual({
      level: 'warn',
      message: 'launch record skipped',
      fields: {
        route: ROUTE,
        file: join(fixture.stateDir, directory, 'broken.json'),
        reason: expect.any(String),
      },
    })
  })
})

it('shares nothing between two owners in one directory', async () => {
  const [one, other] = [fixture.app(COMMAND, ROUTE, 'edge-a'), fixture.app(COMMAND, ROUTE, 'edge-b')]
  await start(one, launch('l1'))
  expect(await other.observe(never())).toEqual([])
  expect(await remove(other, 'l1')).toEqual([])
  expect(await one.observe(never())).toHaveLength(1)
  await start(fixture.app(COMMAND, ROUTE, 'edge-c'), launch('l1'))
  expect(fixture.pids()).toHaveLength(2)
})

it('keeps the launches, with their output, when a reloaded configuration asks for the route again', async () => {
  const scaler = fixture.scaler()
  await start(scaler.app(ROUTE, { command: ['sh', '-c', 'echo up; exec sleep 1000'] }), launch('l1'))
  await fixture.until('it to be up', () => fixture.lines().includes('up'))
  const reloaded = scaler.app(ROUTE, COMMAND)
  expect(await reloaded.observe(never())).toMatchObject([{ id: 'l1', state: 'running' }])
  expect((reloaded as unknown as { output(id: string): string[] }).output('l1')).toEqual(['up'])
})
