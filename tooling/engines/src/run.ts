import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runningPid } from './daemons.ts'
import { engine } from './engines.ts'
import { engineFolders } from './folder.ts'
import { unmountBelow } from './mounts.ts'
import { argvOf, environmentOf, killAll, pids, startTime } from './processes.ts'

/** In the environment: the folder of the run of the tests that this process belongs to. */
export const RUN = 'BRXY_ENGINES_RUN'

/** By number and start of the process that it belongs to, which name one for good. */
const NAME = /^brxy-run-(\d+)-(\d*)$/

/** Of whoever looks after a run: a file like those of the daemons. */
export const GUARD_PID = 'guard.pid'

/**
 * Makes the folder of a run of the tests by this process: below it is all that the run starts, and what its files write into
 * temporary directories, so that somebody else can take it all down.
 */
export function makeRun(): string {
  const run = join(tmpdir(), `brxy-run-${process.pid}-${startTime(process.pid)}`)
  mkdirSync(temporaryOf(run), { recursive: true, mode: 0o700 })
  return run
}

/** Where the run's processes make their temporary directories: TMPDIR. */
export function temporaryOf(run: string): string {
  return join(run, 'tmp')
}

/** The folders of runs that have ended, without an end to what they started, and that nobody looks after any more. */
export function deadRuns(): readonly string[] {
  return readdirSync(tmpdir())
    .filter((name) => {
      const [, pid, since] = NAME.exec(name) ?? []
      return pid !== undefined && startTime(Number(pid)) !== since
    })
    .map((name) => join(tmpdir(), name))
    .filter((run) => runningPid(join(run, GUARD_PID)) === null)
}

/**
 * Ends all that a run has started, and removes its folder; nothing if that is not there.
 *
 * @throws if something does not end, after trying everything; the folder is left then, for whoever tries again
 */
export async function takeDownRun(run: string): Promise<void> {
  if (!existsSync(run)) return
  const errors: unknown[] = []
  const attempt = (act: () => Promise<void> | undefined) =>
    Promise.resolve(act()).catch((error) => void errors.push(error))
  // They would start more.
  const isWorker = (pid: number) => argvOf(pid).some((word) => word.includes('/vitest/'))
  await attempt(() => killAll('test files', () => processesOf(run).filter(isWorker)))
  for (const { dir, name } of engineFolders(run)) {
    const found = await engine(name)
    await attempt(() => found?.down(dir))
  }
  await attempt(() => killAll(`processes of ${run}`, () => processesOf(run)))
  await attempt(() => unmountBelow(run))
  if (errors.length > 0) throw new AggregateError(errors, `${run} could not be taken down`)
  rmSync(run, { recursive: true, force: true, maxRetries: 3 })
}

/** Whoever has inherited what a run says to its processes. A process under test may be told nothing of brxy's, but keeps TMPDIR. */
function processesOf(run: string): number[] {
  const marks = [`${RUN}=${run}`, `TMPDIR=${temporaryOf(run)}`]
  return pids().filter(
    (pid) => pid !== process.pid && environmentOf(pid).some((entry) => marks.includes(entry)),
  )
}
