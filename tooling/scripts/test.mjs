// `pnpm test`: builds, type-checks, lints and runs all tests but those of chaos and engines. Arguments go to vitest: `pnpm test packages/http1`.
// `pnpm test:chaos`: builds, and runs those: minutes of processes that are killed, stopped and cut off.
// `pnpm test:engines`: builds, and runs the tests against real platforms that this machine has or can build (tooling/engines).
import { build, run } from './run.mjs'

const [first, ...rest] = process.argv.slice(2)
const special = { '--chaos': 'chaos', '--engines': 'engines' }[first]
const only = special !== undefined || first === undefined ? rest : [first, ...rest]
const projects = (special === undefined ? ['unit', 'e2e'] : [special]).flatMap((name) => ['--project', name])

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
for (const [name, step] of special !== undefined || only.length > 0
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
