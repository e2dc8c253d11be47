import { register } from 'node:module'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    seed: { type: 'string' },
    steps: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
})
register('./machine/hooks.js', { parentURL: import.meta.url, data: null })
const { run } = await import('./run.js')
const { generate } = await import('./scenario/generate.js')
const first = values.seed === undefined ? 1 : Number(values.seed)
const count = values.seed === undefined ? Number(values.seeds) : 1
let steps = 0
const since = performance.now()
for (let seed = first; seed < first + count; seed++) {
  const outcome = await run(generate(seed), {
    keepsLines: values.seed !== undefined,
    ...(values.trace ? { onLine: console.log } : {}),
  })
  steps += outcome.steps
  if (values.seed !== undefined) console.log(outcome.hash, outcome.steps, outcome.tookMs)
  if (outcome.failure === null) continue
  const { invariant, message, step, trace } = outcome.failure
  console.log(`seed ${seed} step ${step}: ${invariant}: ${message}`)
  if (values.seed !== undefined && !values.trace) console.log(trace.join('\n'))
}
const ms = performance.now() - since
console.log(`${steps} steps, ${Math.round((steps / ms) * 1000)}/s, ${Math.round(ms)} ms`)
