import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ENGINE_NAMES, type Engine, type EngineName } from './engine.ts'
import { engine } from './engines.ts'
import { takeDownDeadRuns } from './shared-setup.ts'

const USAGE = `pnpm engines build|up|down ${ENGINE_NAMES.join('|')}
pnpm engines down

build  makes what is made once for each machine (Go builds take minutes)
up     starts it in a temporary folder and prints the environment in which its client finds it
down   takes it down (without a name: each one), and what runs of the tests have left that were killed
`

const [verb = '', name = ''] = process.argv.slice(2)
const verbs: Readonly<Record<string, (engine: Engine, dir: string) => Promise<void>>> = {
  build: (engine) => engine.build(say),
  up,
  down,
}
const act = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined
const isEach = verb === 'down' && name === ''
if (act === undefined || !(isEach || (ENGINE_NAMES as readonly string[]).includes(name))) {
  process.stderr.write(USAGE)
  process.exit(2)
}
if (isEach) {
  for (const each of ENGINE_NAMES.filter((each) => existsSync(folderOf(each))))
    await down((await engine(each)) as Engine, folderOf(each))
} else {
  const found = await engine(name as EngineName)
  const missing = found === null ? 'there is no code for it yet' : await found.missing()
  if (found === null || missing !== null) {
    process.stderr.write(`${name}: ${missing}\n`)
    process.exit(69)
  }
  await act(found, folderOf(name))
}
if (verb === 'down') await takeDownDeadRuns()

function folderOf(name: string): string {
  return join(tmpdir(), 'brxy-engines', name)
}

async function up(engine: Engine, dir: string): Promise<void> {
  await down(engine, dir)
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  await engine.build(say)
  const env = await engine.up(dir, say)
  for (const [key, value] of Object.entries(env)) process.stdout.write(`export ${key}=${value}\n`)
}

async function down(engine: Engine, dir: string): Promise<void> {
  await engine.down(dir)
  rmSync(dir, { recursive: true, force: true })
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
