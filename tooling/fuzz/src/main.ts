import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Saved, saveCase } from './corpus.ts'
import { EdgeTarget } from './edge-target.ts'
import { fuzz, type Report } from './fuzz.ts'
import { Http1Target } from './http1-target.ts'
import type { Target } from './target.ts'
import { TunnelTarget } from './tunnel-target.ts'
import { Watchdog } from './watchdog.ts'

const USAGE = `pnpm fuzz --minutes N [--seed S] [--target http1|tunnel|edge] [--json]

Runs each target for its share of N minutes, first on the failures of tooling/fuzz/corpus, then on what chance makes.
New failures are kept there. Exits with 1 if anything failed.
`

/** Each makes what it needs; only the one that runs is there. */
const TARGETS: Readonly<Record<string, () => Promise<Target<unknown>>>> = {
  http1: async () => new Http1Target() as Target<unknown>,
  tunnel: async () => new TunnelTarget() as Target<unknown>,
  edge: async () => (await EdgeTarget.start()) as Target<unknown>,
}

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '' },
    seed: { type: 'string', default: `${Math.floor(Math.random() * 2 ** 31)}` },
    target: { type: 'string', multiple: true, default: Object.keys(TARGETS) },
    json: { type: 'boolean', default: false },
  },
})
const minutes = Number(values.minutes)
const seed = Number(values.seed)
const isKnown = values.target.every((name) => Object.hasOwn(TARGETS, name))
if (!(minutes > 0) || !Number.isInteger(seed) || seed < 0 || !isKnown) {
  process.stderr.write(USAGE)
  process.exit(2)
}

const corpus = fileURLToPath(new URL('tooling/fuzz/corpus', rootOf(import.meta.url)))
const say = (line: string) => void process.stderr.write(`${line}\n`)
const reports: Report[] = []
const watchdog = new Watchdog()
let current: Saved | null = null
// What nobody has caught ends the process, as it would end an edge. Its case is kept first.
process.on('uncaughtExceptionMonitor', (error) => {
  if (current !== null) say(`CRASHED: ${saveCase(corpus, { ...current, error: `${error.stack}` })}`)
})
for (const name of values.target) {
  say(`${name}: seed ${seed}`)
  const target = await TARGETS[name]()
  try {
    const ms = (minutes * 60_000) / values.target.length
    const report = await fuzz(target, {
      ms,
      seed,
      corpus,
      saves: true,
      onCase: (saved) => {
        current = saved
        watchdog.sees(saved.seed)
      },
    })
    reports.push(report)
    const counts = Object.entries(report.counts).map(([what, count]) => `${what} ${count}`)
    say(`${name}: ${report.executions} executions, ${report.perSecond}/s (${counts.join(', ')})`)
    for (const { seed, message, file } of report.failures) say(`  FAILED seed ${seed}: ${message}\n  ${file}`)
  } finally {
    await target.close()
  }
}
await watchdog.close()
if (values.json) process.stdout.write(`${JSON.stringify({ seed, reports }, null, 2)}\n`)
process.exitCode = reports.some(({ failures }) => failures.length > 0) ? 1 : 0

/** The repository, seen from this file as it is built: tooling/fuzz/dist/tooling/fuzz/src/main.js. */
function rootOf(url: string): URL {
  return new URL('../../../../../../', url)
}
