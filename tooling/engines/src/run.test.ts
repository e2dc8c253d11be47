import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, watch, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startDaemon } from './daemons.ts'
import { makeEngineFolder } from './folder.ts'
import { killAll, signal, startTime } from './processes.ts'
import { deadRuns, takeDownRun } from './run.ts'

/** Longest that a guard may take, on a busy machine. */
const PATIENCE_MS = 20_000
const BUILT = fileURLToPath(new URL('../dist', import.meta.url))
/** What vitest does: it sets up, has files start engines and processes, and is ended by somebody. */
const RUNNER = `
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { startDaemon } from '${BUILT}/daemons.js'
import { makeEngineFolder } from '${BUILT}/folder.js'
import shareEngines from '${BUILT}/shared-setup.js'
const takeDown = await shareEngines()
const run = process.env.BRXY_ENGINES_RUN
const dir = run + '/nomad'
makeEngineFolder(dir, 'nomad')
const daemon = await startDaemon(dir, 'nomad', { argv: ['sleep', '600'] })
const edge = spawn('sleep', ['600'], { env: { TMPDIR: tmpdir() }, detached: true, stdio: 'ignore' })
edge.unref()
process.stdout.write(JSON.stringify({ run, pids: [daemon, edge.pid] }))
process.stdin.once('data', takeDown)
process.stdin.once('data', () => process.stdin.destroy())
`

let dir: string
let tmp: string | undefined
let runner: ChildProcess | undefined
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'brxy-run-test-'))
  tmp = process.env.TMPDIR
  process.env.TMPDIR = dir
})
afterEach(async () => {
  if (tmp === undefined) delete process.env.TMPDIR
  else process.env.TMPDIR = tmp
  runner?.kill('SIGKILL')
  rmSync(dir, { recursive: true, force: true })
})

async function start(): Promise<{ readonly run: string; readonly pids: readonly number[] }> {
  runner = spawn(process.execPath, ['--input-type=module', '-e', RUNNER], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [said] = await once(runner.stdout as NodeJS.ReadableStream, 'data')
  const started = JSON.parse(`${said}`)
  for (const pid of started.pids) expect(startTime(pid)).not.toBe('')
  return started
}

/** The folder is the last that goes. */
async function untilGone(run: string): Promise<void> {
  const bound = AbortSignal.timeout(PATIENCE_MS)
  const watcher = watch(dir, { signal: bound })
  while (existsSync(run)) await once(watcher, 'change', { signal: bound })
  watcher.close()
}

it.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)(
  'leaves nothing when whoever runs the tests is ended by %s',
  async (name) => {
    const { run, pids } = await start()
    runner?.kill(name)
    await untilGone(run)
    expect(pids.map(startTime)).toEqual(['', ''])
  },
)

it('leaves nothing at its end, and then ends', async () => {
  const { run, pids } = await start()
  runner?.stdin?.write('end')
  expect(await once(runner as ChildProcess, 'exit')).toEqual([0, null])
  expect(existsSync(run)).toBe(false)
  expect(pids.map(startTime)).toEqual(['', ''])
})

it('is found when all that belongs to it was killed, its guard as well, and is taken down by somebody else', async () => {
  const run = join(dir, 'brxy-run-999999999-1')
  mkdirSync(join(run, 'tmp'), { recursive: true })
  const engine = join(run, 'tmp', 'test', 'own')
  makeEngineFolder(engine, 'nomad')
  const pid = await startDaemon(engine, 'nomad', { argv: ['sleep', '600'] })
  expect(deadRuns()).toEqual([run])
  await takeDownRun(run)
  expect(startTime(pid)).toBe('')
  expect(deadRuns()).toEqual([])
})

it('is not taken for dead while its owner lives, or its guard', async () => {
  mkdirSync(join(dir, `brxy-run-${process.pid}-${startTime(process.pid)}`))
  const guarded = join(dir, 'brxy-run-999999999-1')
  mkdirSync(guarded)
  writeFileSync(join(guarded, 'guard.pid'), `${process.pid} ${startTime(process.pid)}\n`)
  expect(deadRuns()).toEqual([])
})

it('kills until nobody is left, and says who does not end', async () => {
  const child = spawn('sleep', ['600'])
  await once(child, 'spawn')
  const pid = child.pid as number
  await killAll('sleepers', () => (startTime(pid) === '' ? [] : [pid]))
  expect(startTime(pid)).toBe('')
  expect(() => signal(pid, 'SIGKILL')).not.toThrow()
})
