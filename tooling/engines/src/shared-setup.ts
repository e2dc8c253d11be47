import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startTime } from './processes.ts'
import { deadRuns, GUARD_PID, makeRun, RUN, takeDownRun, temporaryOf } from './run.ts'

/** What takes the run down, as it was built last: it outlives whatever runs the tests. */
const GUARD = fileURLToPath(new URL('../dist/guard.js', import.meta.url))

/** vitest's `globalSetup`, around all files of a run. @returns what takes down all that they started and shared */
export default async function shareEngines(): Promise<() => Promise<void>> {
  await takeDownDeadRuns()
  const run = makeRun()
  const guard = await startGuard(run)
  const { TMPDIR } = process.env
  process.env[RUN] = run
  process.env.TMPDIR = temporaryOf(run)
  return async () => {
    delete process.env[RUN]
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
    guard.ref()
    guard.stdin?.end()
    const [code] = await once(guard, 'exit')
    if (code !== 0) throw new Error(`${run} could not be taken down: pnpm engines down tries again`)
  }
}

/** Says what it does: somebody may wonder what the tests wait for. */
export async function takeDownDeadRuns(): Promise<void> {
  for (const run of deadRuns()) {
    process.stderr.write(`taking down what a run of the tests has left: ${run}\n`)
    await takeDownRun(run)
  }
}

async function startGuard(run: string): Promise<ChildProcess> {
  if (!existsSync(GUARD)) throw new Error(`${GUARD} is missing: pnpm build`)
  // A session of its own: what ends this process and its group is no end of the guard.
  const guard = spawn(process.execPath, [GUARD, run], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  await once(guard, 'spawn')
  const pid = guard.pid as number
  writeFileSync(join(run, GUARD_PID), `${pid} ${startTime(pid)}\n`)
  guard.unref()
  return guard
}
