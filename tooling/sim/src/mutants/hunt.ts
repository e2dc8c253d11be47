import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { MUTANTS } from './mutants.ts'

/** What became of one planted bug. */
export interface HuntResult {
  readonly name: string
  readonly what: string
  /** Seeds that it took; null: it was not found. */
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

async function look(name: string, edges: number, maxSeeds: number): Promise<Finding> {
  const main = fileURLToPath(new URL('../main.js', import.meta.url))
  const words = ['--mutant', name, '--edges', `${edges}`, '--seeds', `${maxSeeds}`, '--json']
  const child = spawn(process.execPath, [main, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
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
  const { seeds, failures } = JSON.parse(out) as {
    readonly seeds: number
    readonly failures: readonly { readonly invariant: string; readonly message: string }[]
  }
  const [first] = failures
  return first === undefined
    ? { foundAfter: null, invariant: null, message: null }
    : { foundAfter: seeds, invariant: first.invariant, message: first.message }
}
