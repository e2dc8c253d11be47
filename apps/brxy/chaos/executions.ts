import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { linked } from '../e2e/apps.ts'

const APP = fileURLToPath(new URL('counting-app.mjs', import.meta.url))

/** One request that an instance of the counting application began. */
export interface Execution {
  readonly pid: number
  readonly method: string
  readonly id: string
  /** How many ran in that process then, this one too. */
  readonly concurrency: number
}

/** What the instances of the counting application have done, as they say themselves. */
export class Executions {
  readonly #file: string

  /** @param directory of the test */
  constructor(directory: string) {
    this.#file = join(directory, 'executions')
  }

  /** The counting application behind a linker; `settings` go as arguments to it. */
  command(flags: readonly string[] = [], settings: Readonly<Record<string, number>> = {}): string[] {
    const words = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
    return ['env', `EXECUTIONS=${this.#file}`, ...linked([process.execPath, APP, ...words], flags)]
  }

  /** Lets all go on that wait at `/gate`, now and later. */
  openGate(): void {
    writeFileSync(`${this.#file}.open`, '')
  }

  get all(): Execution[] {
    let text = ''
    try {
      text = readFileSync(this.#file, 'utf8')
    } catch {
      // Nothing ran so far.
    }
    return text
      .trimEnd()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [pid, method, id, concurrency] = line.split(' ')
        return { pid: Number(pid), method, id, concurrency: Number(concurrency) }
      })
  }

  /** How often each request was begun. */
  countById(): Map<string, number> {
    const counts = new Map<string, number>()
    for (const { id } of this.all) counts.set(id, (counts.get(id) ?? 0) + 1)
    return counts
  }
}
