import { register } from 'node:module'
import { parseArgs } from 'node:util'

const USAGE = `pnpm sim [--seeds N] [--first S]   N histories, from seed S on (100, from 1)
         --seed S [--trace]        one history, with the end of its journal or all of it
         --replay FILE [--trace]   one that is kept in tooling/sim/regressions
         --mutants [--only NAME]   plants bugs, one at a time, and tells how many seeds each took to be found
         --search [--deep]         breadth-first through the ledger and the broker

  --edges N   in each history (2 in each fourth, else 1)   --steps M   no history is longer
  --no-save   failures are not shrunk   --json      the result on the standard output
`

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    first: { type: 'string', default: '1' },
    seed: { type: 'string' },
    edges: { type: 'string', default: '0' },
    steps: { type: 'string', default: '0' },
    replay: { type: 'string' },
    mutants: { type: 'boolean', default: false },
    mutant: { type: 'string' },
    only: { type: 'string', multiple: true, default: [] },
    search: { type: 'boolean', default: false },
    deep: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    'no-save': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const number = (text: string): number => {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  process.stderr.write(`"${text}" is no number\n\n${USAGE}`)
  process.exit(2)
}
const say = (line: string) => void process.stderr.write(`${line}\n`)
const [first, count, edges, maxSteps] = [values.first, values.seeds, values.edges, values.steps].map(number)

if (values.help) {
  process.stdout.write(USAGE)
} else if (values.mutants) {
  const { hunt } = await import('./mutants/hunt.ts')
  const results = await hunt({ only: values.only, maxSeeds: count, say })
  if (values.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`)
  process.exitCode = results.every(({ foundAfter }) => foundAfter !== null) ? 0 : 1
} else {
  const { findMutant, patchesOf } = await import('./mutants/mutants.ts')
  const { OPENED } = await import('./search/machines.ts')
  // Before anything of the product is loaded: from here on it gets the simulated Node, and perhaps a planted bug.
  const data = {
    patches: values.mutant === undefined ? [] : patchesOf(findMutant(values.mutant)),
    opened: values.search ? OPENED : [],
  }
  register('./machine/hooks.js', { parentURL: import.meta.url, data })
  const { generate } = await import('./scenario/generate.ts')
  const traces = values.trace
  if (values.search) {
    const { searchAll } = await import('./commands/search.ts')
    const reports = await searchAll(values.deep, say)
    if (values.json) process.stdout.write(`${JSON.stringify(reports, null, 2)}\n`)
    process.exitCode = reports.every(({ failure }) => failure === null) ? 0 : 1
  } else if (values.seed !== undefined || values.replay !== undefined) {
    const { replay } = await import('./commands/replay.ts')
    const { readRegression } = await import('./regression.ts')
    const scenario =
      values.replay === undefined
        ? generate(number(values.seed ?? ''), edges)
        : readRegression(values.replay).scenario
    const outcome = await replay(scenario, { traces, maxSteps, say })
    if (values.json)
      process.stdout.write(
        `${JSON.stringify({ ...outcome, counts: Object.fromEntries(outcome.counts) }, null, 2)}\n`,
      )
    process.exitCode = outcome.failure === null ? 0 : 1
  } else {
    const { runSeeds } = await import('./commands/seeds.ts')
    const isHunted = values.mutant !== undefined
    const saves = !values['no-save'] && !isHunted
    const report = await runSeeds({ first, count, edges, maxSteps, saves, stopsEarly: isHunted, say })
    const { seeds, steps, virtualSeconds, stepsPerSecond, hash, failures } = report
    say(
      `${seeds} seeds, ${steps} steps, ${virtualSeconds} s of their time, ${stepsPerSecond}/s, hash ${hash}, ${failures.length} failures`,
    )
    if (values.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
    process.exitCode = failures.length === 0 ? 0 : 1
  }
}
