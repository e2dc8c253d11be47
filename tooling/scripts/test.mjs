// `pnpm test`: builds, type-checks, lints and runs all tests but those of chaos. Arguments go to vitest: `pnpm test packages/http1`.
// `pnpm test:chaos`: builds, and runs those: minutes of processes that are killed, stopped and cut off.
import { build, run } from './run.mjs'

const [first, ...rest] = process.argv.slice(2)
const isChaos = first === '--chaos'
const only = isChaos || first === undefined ? rest : [first, ...rest]
const projects = (isChaos ? ['chaos'] : ['unit', 'e2e']).flatMap((name) => ['--project', name])

const steps = [
  ['build', () => build()],
  ['types', () => quietly('turbo', ['run', 'check-types', '--output-logs=errors-only', '--no-color'])],
  ['packages', () => quietly('turbo', ['run', 'check-package', '--output-logs=errors-only', '--no-color'])],
  ['lint', () => quietly('biome', ['ci', '--error-on-warnings', '.'])],
  ['versions', () => quietly('sherif', ['--fail-on-warnings'])],
  ['unused', () => quietly('knip', ['--no-progress'])],
  ['tests', async () => (await run('vitest', ['run', ...projects, ...only])).code],
]

async function quietly(command, args) {
  const { code, output } = await run(command, args, { quiet: true })
  if (code !== 0) process.stderr.write(output)
  return code
}

let failed = false
for (const [name, step] of isChaos || only.length > 0
  ? steps.filter(([name]) => name === 'build' || name === 'tests')
  : steps) {
  const since = performance.now()
  const code = await step()
  const seconds = ((performance.now() - since) / 1000).toFixed(1)
  process.stdout.write(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds}s)\n`)
  failed ||= code !== 0
  // Nothing else makes sense on what does not build.
  if (code !== 0 && name === 'build') break
}
process.exitCode = failed ? 1 : 0
