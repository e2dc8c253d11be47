import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ScalerFactory } from '@brxy/scaler'
import { conformance, type Driver } from '@brxy/scaler/conformance'
import {
  eventually,
  expectNoLeftovers,
  hasPeer,
  isRunning,
  markedProcesses,
  testEnvironment,
} from '@brxy-tooling/testkit'
import { afterAll, expect, test } from 'vitest'
import { ROOT } from './tree.ts'

const { default: runit } = (await import(join(ROOT, 'examples/scaler-runit/runit.mjs'))) as {
  default: ScalerFactory
}

const ground = mkdtempSync(join(tmpdir(), 'brxy-runit-'))
// Whatever the adapter starts is known by this, however far it got.
process.env.PATH = testEnvironment().PATH
afterAll(async () => {
  end(supervisors())
  await expectNoLeftovers(20_000)
  rmSync(ground, { recursive: true })
})

/**
 * Says that it is there, then ends with the status that somebody writes into its FIFO. Opening that for both directions
 * waits for nobody. A run that is cut off (SIGKILL) can't clean up: each instance looks once a second whether the test is
 * still there, and for ten minutes at most.
 */
const INSTANCE = `
mkfifo "$1/$BRXY_LAUNCH.fifo"
exec 3<>"$1/$BRXY_LAUNCH.fifo"
(
  left=600
  while [ $left -gt 0 ] && kill -0 "$2"; do
    left=$((left - 1))
    sleep 1
    kill -0 $$ || exit
  done
  kill $$
) 2>/dev/null 3<&- &
: >"$1/$BRXY_LAUNCH.$$.started"
read -r status <&3
kill $!
exit "$status"
`

const folders = new Map<string, string>()
function folderOf(route: string): string {
  const folder = folders.get(route) ?? join(ground, `${folders.size}`)
  folders.set(route, folder)
  mkdirSync(folder, { recursive: true })
  return folder
}

function starts(route: string): { id: string; pid: number }[] {
  return readdirSync(folderOf(route))
    .filter((name) => name.endsWith('.started'))
    .map((name) => ({ id: name.split('.')[0], pid: Number(name.split('.')[1]) }))
    .filter(({ pid }) => isRunning(pid))
}

/** Every runsv of this test; of a route, those that run its command. */
function supervisors(route?: string): number[] {
  const runs = route === undefined ? '' : folderOf(route)
  return markedProcesses()
    .filter(({ command }) => command.startsWith('runsv ') && hasText(join(command.slice(6), 'run'), runs))
    .map(({ pid }) => pid)
}

function hasText(path: string, text: string): boolean {
  try {
    return text === '' || readFileSync(path, 'utf8').includes(text)
  } catch {
    // Its folder is gone: it is ending already.
    return false
  }
}

/** A runsv that is told to end ends its service first. */
function end(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid)
    } catch {
      // It went by itself meanwhile.
    }
  }
}

function pidOf(id: string, route: string): number {
  const running = starts(route).find((one) => one.id === id)
  if (running === undefined) throw new Error(`${id} does not run`)
  return running.pid
}

const driver: Driver = {
  name: 'runit',
  launches: 'named',
  leaves: 'exit',
  removal: 'exact',
  badOptions: [{ options: {}, path: 'command' }],
  make: (host) => runit({}, host),
  prepare: async (route) => ({ command: ['sh', '-c', INSTANCE, 'sh', folderOf(route), `${process.pid}`] }),
  list: async (route) => starts(route).map(({ id, pid }) => ({ id, incarnation: `process ${pid}` })),
  leave: (id, route) => writeFile(join(folderOf(route), `${id}.fifo`), '0\n'),
  kill: async (id, route) => void process.kill(pidOf(id, route), 'SIGKILL'),
  cleanUp: async (route) => {
    end(supervisors(route))
    await eventually('every runsv has ended', () => supervisors(route).length === 0)
  },
  environment: async (id, route) => {
    const entries = readFileSync(`/proc/${pidOf(id, route)}/environ`, 'utf8').split('\0')
    return Object.fromEntries(
      entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
    )
  },
  problems: {
    crashed: async () => ({
      options: { command: ['sh', '-c', 'echo no database >&2; exit 3'] },
      message: 'no database',
    }),
  },
}

test('does not take services that cannot be looked at for services that are not there', async () => {
  const stateDir = join(ground, 'a file')
  await writeFile(stateDir, '')
  const host = { owner: 'o', stateDir, changed: () => {}, log: () => {} }
  const app = runit({}, host).app('shop', { command: ['true'] })
  const error = await app.observe(new AbortController().signal).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'scaler/state', [Symbol.for('brxy.error')]: true })
  expect((error as Error).message).toContain(stateDir)
})

if (hasPeer('runsv')) conformance(driver, { test })
else test.skip('runit: the whole kit (skipped: runsv is not installed)', () => {})
