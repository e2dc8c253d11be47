import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ScalerFactory } from '@brxy/scaler'
import { conformance, type Driver } from '@brxy/scaler/conformance'
import { eventually, hasPeer } from '@brxy-tooling/testkit'
import { afterAll, test } from 'vitest'
import { ROOT } from './tree.ts'

const { default: runit } = (await import(join(ROOT, 'examples/scaler-runit/runit.mjs'))) as {
  default: ScalerFactory
}

const ground = mkdtempSync(join(tmpdir(), 'brxy-runit-'))
afterAll(() => rmSync(ground, { recursive: true }))

/** Says that it is there, then ends with the status that somebody writes into its FIFO. */
const INSTANCE =
  'mkfifo "$1/$BRXY_LAUNCH.fifo"; : > "$1/$BRXY_LAUNCH.$$.started"; read -r status < "$1/$BRXY_LAUNCH.fifo"; exit "$status"'

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
    .filter(({ pid }) => isUp(pid))
}

function isUp(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
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
  prepare: async (route) => ({ command: ['sh', '-c', INSTANCE, 'sh', folderOf(route)] }),
  list: async (route) => starts(route).map(({ id, pid }) => ({ id, incarnation: `process ${pid}` })),
  leave: (id, route) => writeFile(join(folderOf(route), `${id}.fifo`), '0\n'),
  kill: async (id, route) => void process.kill(pidOf(id, route), 'SIGKILL'),
  cleanUp: async (route) => {
    // A runsv that is told to end ends its service first.
    const supervisors = starts(route).map(({ pid }) => parentOf(pid))
    for (const pid of supervisors) process.kill(pid)
    await eventually('every runsv has ended', () => !supervisors.some(isUp))
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

if (hasPeer('runsv')) conformance(driver, { test })
else test.skip('runit: the whole kit (skipped: runsv is not installed)', () => {})
