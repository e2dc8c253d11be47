import { readdirSync, readFileSync } from 'node:fs'
import { type StartedEngine, sharedEngine } from '@brxy-tooling/engines'
import { Agent } from './agent.ts'

/** A Nomad for the tests of one file. */
export class Platform {
  readonly env: Readonly<Record<string, string>>
  readonly agent: Agent
  readonly #engine: StartedEngine

  private constructor(engine: StartedEngine) {
    this.env = engine.env
    this.agent = new Agent(engine.env)
    this.#engine = engine
  }

  static async up(): Promise<Platform> {
    return new Platform(await sharedEngine('nomad'))
  }

  async down(): Promise<void> {
    await this.#engine.stop()
  }
}

/** The environment of the process that an allocation's task runs as; null while there is none. */
export function environmentOf(allocation: string): Readonly<Record<string, string>> | null {
  const mark = `NOMAD_ALLOC_ID=${allocation}`
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const entries = environ(pid).split('\0')
    if (!entries.includes(mark)) continue
    return Object.fromEntries(
      entries
        .filter((entry) => entry !== '')
        .map((entry) => [nameOf(entry), entry.slice(nameOf(entry).length + 1)]),
    )
  }
  return null
}

function nameOf(entry: string): string {
  return entry.slice(0, entry.indexOf('='))
}

function environ(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8')
  } catch {
    return ''
  }
}
