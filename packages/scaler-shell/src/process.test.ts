import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Fixture, isRunning, launch, never, remove, start } from './fixture.testkit.ts'

// The adapter in a process of its own, which ends: what it started then has no parent that reports anything.

const PACKAGE = join(import.meta.dirname, '..')
const FOREVER = [process.execPath, '-e', 'setInterval(() => {}, 1e6)']
const STUBBORN = [
  process.execPath,
  '-e',
  'process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1e6)',
]

const EDGE = `
import shell from './index.js'
const [stateDir, command, then] = process.argv.slice(2)
let onUp
const isUp = new Promise((resolve) => { onUp = resolve })
const scaler = shell({}, {
  owner: 'edge-a',
  stateDir,
  changed() {},
  log(level, message, fields) {
    if (message === 'launch started') console.log(fields.pid)
    if (message === 'up') onUp()
  },
})
const app = scaler.app('shop.example.com', { command: JSON.parse(command) })
const target = { want: 1, start: [{ id: 'l1', env: {} }], remove: [] }
const instances = await app.scale(target, new AbortController().signal)
if (then === 'remove') {
  await isUp
  await app.scale({ want: 0, start: [], remove: instances }, new AbortController().signal)
}
if (then !== 'stay') await scaler.close()
`

let built: string
beforeAll(() => {
  // Inside the package, so that its dependencies resolve.
  built = mkdtempSync(join(PACKAGE, 'node_modules/.brxy-test-'))
  const tsc = join(PACKAGE, 'node_modules/typescript/bin/tsc')
  const result = spawnSync(process.execPath, [
    tsc,
    '-p',
    join(PACKAGE, 'tsconfig.build.json'),
    '--outDir',
    built,
  ])
  expect(String(result.stdout)).toBe('')
  writeFileSync(join(built, 'edge.mjs'), EDGE)
}, 60_000)
afterAll(() => rmSync(built, { recursive: true }))

let fixture: Fixture
let edge: ChildProcess | undefined
const launched: number[] = []
beforeEach(() => {
  fixture = new Fixture()
})
afterEach(async () => {
  edge?.kill('SIGKILL')
  for (const pid of launched.splice(0)) if (isRunning(pid)) process.kill(-pid, 'SIGKILL')
  await fixture.clean()
})

/** Starts an edge that launches one command; resolves with the launch's pid. */
async function runEdge(command: readonly string[], then: 'close' | 'remove' | 'stay'): Promise<number> {
  const args = [join(built, 'edge.mjs'), fixture.stateDir, JSON.stringify(command), then]
  edge = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(createInterface({ input: edge.stdout as NodeJS.ReadableStream }), 'line')
  launched.push(Number(line))
  return Number(line)
}

describe('an edge that closes its scaler', () => {
  it('exits by itself, and its launches go on', async () => {
    const pid = await runEdge(FOREVER, 'close')
    await once(edge as ChildProcess, 'exit')
    expect(isRunning(pid)).toBe(true)
  })

  it('exits by itself also while a removal is under way, which the next one finishes', async () => {
    const pid = await runEdge(STUBBORN, 'remove')
    await once(edge as ChildProcess, 'exit')
    expect(isRunning(pid)).toBe(true)
    const app = fixture.app({ command: STUBBORN, killAfter: '1ms' })
    expect(await remove(app, 'l1')).toMatchObject([{ id: 'l1', state: 'running' }])
    await fixture.until('it to go', async () => (await app.observe(never())).length === 0)
    expect(isRunning(pid)).toBe(false)
  })
})

describe('an edge that is killed', () => {
  it('leaves launches to the next one, which starts none again and sees their end', async () => {
    const pid = await runEdge(FOREVER, 'stay')
    edge?.kill('SIGKILL')
    await once(edge as ChildProcess, 'exit')
    const app = fixture.app({ command: FOREVER })
    expect(await start(app, launch('l1'))).toMatchObject([{ id: 'l1', state: 'running' }])
    expect(fixture.pids()).toEqual([])
    process.kill(-pid, 'SIGKILL')
    await fixture.until('its end', () => fixture.changed.length > 0)
    expect(await app.observe(never())).toEqual([])
  })
})
