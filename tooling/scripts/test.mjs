// `pnpm test`: builds, type-checks, lints and runs all tests but those of chaos and engines. Arguments go to vitest: `pnpm test packages/http1`.
// `pnpm test:chaos`: builds, and runs those: minutes of processes that are killed, stopped and cut off.
// `pnpm test:engines`: builds, and runs the tests against real platforms that this machine has (tooling/engines), after those
//   that BRXY_REQUIRE_ENGINES names have been built.
import { build, run } from './run.mjs'

const [first, ...rest] = process.argv.slice(2)
const special = { '--chaos': 'chaos', '--engines': 'engines' }[first]
const only = special !== undefined || first === undefined ? rest : [first, ...rest]
const projects = (special === undefined ? ['unit', 'e2e', 'kits'] : [special]).flatMap((name) => [
  '--project',
  name,
])

const steps = [
  ['build', () => build()],
  ['engines', () => buildEngines()],
  ['types', () => quietly('turbo', ['run', 'check-types', '--output-logs=errors-only', '--no-color'])],
  ['packages', () => quietly('turbo', ['run', 'check-package', '--output-logs=errors-only', '--no-color'])],
  ['lint', () => quietly('biome', ['ci', '--error-on-warnings', '.'])],
  ['versions', () => quietly('sherif', ['--fail-on-warnings'])],
  ['unused', () => quietly('knip', ['--no-progress'])],
  ['tests', async () => (await run('vitest', ['run', ...projects, ...only])).code],
]

/** Minutes for each that has to be compiled, the first time on a machine. */
async function buildEngines() {
  for (const name of (process.env.BRXY_REQUIRE_ENGINES ?? '').split(',').filter((each) => each !== '')) {
    const { code } = await run('node', ['tooling/engines/dist/main.js', 'build', name])
    if (code !== 0) return code
  }
  return 0
}

async function quietly(command, args) {
  const { code, output } = await run(command, args, { quiet: true })
  if (code !== 0) process.stderr.write(output)
  return code
}

let failed = false
const some = special === undefined && only.length === 0 ? null : ['build', 'tests']
const wanted = special === 'engines' ? ['build', 'engines', 'tests'] : some
for (const [name, step] of steps.filter(([name]) => wanted?.includes(name) ?? name !== 'engines')) {
  const since = performance.now()
  const code = await step()
  const seconds = ((performance.now() - since) / 1000).toFixed(1)
  process.stdout.write(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds}s)\n`)
  failed ||= code !== 0
  // Nothing else makes sense on what does not build.
  if (code !== 0 && (name === 'build' || name === 'engines')) break
}
if (some === null && special === undefined)
  process.stdout.write(
    'SKIPPED the tests of chaos (pnpm test:chaos) and against real platforms (pnpm test:engines)\n',
  )
process.exitCode = failed ? 1 : 0
