import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Host } from '@brxy/scaler'
import type { Driver, Running } from '@brxy/scaler/conformance'
import shell from './index.ts'
import { startTimeOf } from './liveness.ts'

const INSTANCE = join(import.meta.dirname, 'instance.testkit.sh')
const MANAGER = join(import.meta.dirname, 'process-manager.testkit.sh')

/** A folder with what the processes of the routes write, and what ends it all. */
class Ground {
  readonly root = mkdtempSync(join(tmpdir(), 'brxy-shell-kit-'))

  /** The folder of a route, which may hold any character. */
  of(route: string): string {
    return join(this.root, createHash('sha256').update(route).digest('hex').slice(0, 16))
  }

  prepare(route: string): string {
    const directory = this.of(route)
    for (const name of ['started', 'fifos', 'refused']) mkdirSync(join(directory, name), { recursive: true })
    return directory
  }

  /** Every start of which a process is left. */
  list(route: string): Running[] {
    return this.#starts(route)
      .filter(({ pid }) => startTimeOf(pid) !== undefined)
      .map(({ id, pid }) => ({ id, incarnation: `process ${pid}` }))
  }

  pid(id: string, route: string): number {
    const running = this.#starts(route).find((one) => one.id === id && startTimeOf(one.pid) !== undefined)
    if (running === undefined) throw new Error(`${id} does not run`)
    return running.pid
  }

  /** An instance ends, with a status. */
  async end(id: string, route: string, status: number): Promise<void> {
    const fifo = join(this.of(route), 'fifos', id)
    if (statSync(fifo).isFIFO()) await writeFile(fifo, `${status}\n`)
  }

  environment(id: string, route: string): Record<string, string> {
    const text = readFileSync(`/proc/${this.pid(id, route)}/environ`, 'utf8')
    const entries = text.split('\0').filter((entry) => entry !== '')
    return Object.fromEntries(
      entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
    )
  }

  cleanUp(route: string): void {
    for (const { pid } of this.#starts(route))
      if (startTimeOf(pid) !== undefined) process.kill(pid, 'SIGKILL')
    rmSync(this.of(route), { recursive: true, force: true })
    // The last one takes the ground along; the next route makes it anew.
    if (existsSync(this.root) && readdirSync(this.root).length === 0) rmdirSync(this.root)
  }

  /** While a file is there the process manager fails, or says nothing. */
  outage(name: 'down' | 'silent'): () => Promise<() => Promise<void>> {
    return async () => {
      writeFileSync(join(this.root, name), '')
      return async () => rmSync(join(this.root, name), { force: true })
    }
  }

  #starts(route: string): { id: string; pid: number }[] {
    const directory = join(this.of(route), 'started')
    if (!existsSync(directory)) return []
    return readdirSync(directory).map((name) => {
      const dot = name.lastIndexOf('.')
      return { id: name.slice(0, dot), pid: Number(name.slice(dot + 1)) }
    })
  }
}

type Common = 'make' | 'list' | 'leave' | 'kill' | 'cleanUp' | 'environment' | 'refuse' | 'badOptions'

function common(ground: Ground): Pick<Driver, Common> {
  return {
    make: (host: Host) => shell({}, host),
    badOptions: [
      { options: {}, path: 'command' },
      { options: { command: ['x'], killAfter: 45 }, path: 'killAfter' },
    ],
    list: async (route) => ground.list(route),
    leave: (id, route) => ground.end(id, route, 0),
    kill: async (id, route) => void process.kill(ground.pid(id, route), 'SIGKILL'),
    cleanUp: async (route) => ground.cleanUp(route),
    environment: async (id, route) => ground.environment(id, route),
    refuse: async (launch, route) => writeFileSync(join(ground.of(route), 'refused', launch), ''),
  }
}

const FAILURES = {
  invalid: async () => ({ options: { command: ['no-such-program'] }, message: 'not found on PATH' }),
  crashed: async () => ({
    options: { command: ['sh', '-c', 'echo no database >&2; exit 3'] },
    message: 'no database',
  }),
  unavailable: async () => ({
    options: { command: ['sh', '-c', 'echo come back >&2; exit 75'] },
    message: /come back/,
  }),
} satisfies Driver['problems']

/** The command is the instance. */
export function processDriver(): Driver {
  const ground = new Ground()
  return {
    ...common(ground),
    name: 'shell, per launch',
    launches: 'named',
    leaves: 'exit',
    removal: 'exact',
    prepare: async (route) => ({ command: [INSTANCE, ground.prepare(route)] }),
    // It is the parent: the end of a child is told at once.
    changedWithinMs: 10_000,
    problems: FAILURES,
  }
}

/** The command asks a process manager for an instance, and returns. */
export function submittingDriver(): Driver {
  const ground = new Ground()
  const { refuse: _, ...rest } = common(ground)
  return {
    ...rest,
    name: 'shell, per launch, by a process manager',
    launches: 'named',
    leaves: 'exit',
    removal: 'exact',
    prepare: async (route) => {
      const directory = ground.prepare(route)
      return {
        command: [MANAGER, directory, 'start', INSTANCE],
        observe: [MANAGER, directory, 'observe'],
        remove: [MANAGER, directory, 'remove'],
      }
    },
    problems: FAILURES,
    // A command that says nothing is a launch that takes its time.
    outages: { refused: ground.outage('down') },
  }
}

/** The command has a process manager bring about a number. */
export function wholeAppDriver(): Driver {
  const ground = new Ground()
  return {
    ...common(ground),
    name: 'shell, per app',
    launches: 'counted',
    leaves: 'park',
    removal: 'exact',
    leave: async () => {},
    badOptions: [
      { options: { command: ['x'], per: 'app' }, path: 'observe' },
      { options: { command: ['x'], per: 'app', observe: ['y'], remove: ['z'] }, path: 'remove' },
    ],
    prepare: async (route) => {
      const directory = ground.prepare(route)
      return {
        per: 'app',
        command: [MANAGER, directory, 'scale', INSTANCE],
        observe: [MANAGER, directory, 'observe'],
      }
    },
    outages: { refused: ground.outage('down'), silent: ground.outage('silent') },
  }
}
