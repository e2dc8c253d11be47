import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { SeedFailure, SeedsReport } from '../commands/seeds.ts'
import { MUTANTS } from './mutants.ts'

/** What became of one planted bug. */
export interface HuntResult {
  readonly name: string
  readonly what: string
  /** Seeds that it took, the last of which does not fail without it; null: it was not found. */
  readonly foundAfter: number | null
  readonly invariant: string | null
  readonly message: string | null
}

export interface HuntOptions {
  /** Names; none: all of them. */
  readonly only: readonly string[]
  /** After so many seeds a bug counts as not found. */
  readonly maxSeeds: number
  readonly say: (line: string) => void
}

/** Plants one bug after another, each in a process of its own, and runs seeds until it is found. */
export async function hunt({ only, maxSeeds, say }: HuntOptions): Promise<HuntResult[]> {
  const results: HuntResult[] = []
  for (const { name, what, edges = 0 } of MUTANTS) {
    if (only.length > 0 && !only.includes(name)) continue
    const result = { name, what, ...(await look(name, edges, maxSeeds)) }
    results.push(result)
    const found =
      result.foundAfter === null
        ? `NOT FOUND in ${maxSeeds} seeds`
        : `${`${result.foundAfter}`.padStart(4)}  ${result.invariant}`
    say(`${name.padEnd(28)} ${found}`)
  }
  return results
}

type Finding = Pick<HuntResult, 'foundAfter' | 'invariant' | 'message'>

/** Seeds until the bug is found. What fails without it as well says nothing of it, and is passed over. */
async function look(name: string, edges: number, maxSeeds: number): Promise<Finding> {
  for (let first = 1; first <= maxSeeds; ) {
    const count = maxSeeds - first + 1
    const words = ['--first', `${first}`, '--seeds', `${count}`, '--edges', `${edges}`]
    const [failure] = await failures(name, ['--mutant', name, ...words])
    if (failure === undefined) break
    const { seed, invariant, message } = failure
    const alone = ['--first', `${seed}`, '--seeds', '1', '--edges', `${edges}`, '--no-save']
    if ((await failures(name, alone)).length === 0) return { foundAfter: seed, invariant, message }
    first = seed + 1
  }
  return { foundAfter: null, invariant: null, message: null }
}

/** Runs histories in a process of its own. */
async function failures(name: string, words: readonly string[]): Promise<readonly SeedFailure[]> {
  const main = fileURLToPath(new URL('../main.js', import.meta.url))
  const child = spawn(process.execPath, [main, ...words, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let errors = ''
  child.stdout.on('data', (data) => {
    out += data
  })
  child.stderr.on('data', (data) => {
    errors += data
  })
  await new Promise((resolve) => child.on('close', resolve))
  if (out === '') throw new Error(`the mutant ${name} does not run: ${errors.slice(-2000)}`)
  return (JSON.parse(out) as SeedsReport).failures
}
