import { ENGINE_NAMES, type EngineName } from './engine.ts'
import { engine } from './engines.ts'

/**
 * Whether the tests of a file, which are against an engine, can't run here, for `describe.skipIf`: then it says so, and why.
 *
 * @throws as {@link whyNot} does
 */
export async function isLacking(name: EngineName): Promise<boolean> {
  const why = await whyNot(name)
  if (why !== null) process.stderr.write(`SKIPPED tests against ${name}: ${why}\n`)
  return why !== null
}

/**
 * Why tests against an engine can't run here: null if they can.
 *
 * One that takes minutes to build is not built for tests unless it is required: `pnpm engines build NAME` does it once.
 *
 * @throws if BRXY_REQUIRE_ENGINES, a list with commas, names the engine and it is missing; or names what is no engine
 */
export async function whyNot(
  name: EngineName,
  required = process.env.BRXY_REQUIRE_ENGINES,
): Promise<string | null> {
  const names = (required ?? '').split(',').filter((each) => each !== '')
  const unknown = names.find((each) => !(ENGINE_NAMES as readonly string[]).includes(each))
  if (unknown !== undefined)
    throw new Error(`BRXY_REQUIRE_ENGINES names "${unknown}"; engines are ${ENGINE_NAMES.join(', ')}`)
  const found = await engine(name)
  const missing = found === null ? 'there is no code for it yet' : await found.missing()
  const isRequired = names.includes(name)
  if (missing !== null && isRequired) throw new Error(`BRXY_REQUIRE_ENGINES asks for ${name}: ${missing}`)
  if (missing !== null || isRequired || found?.isBuilt() === true) return missing
  return `it is not built on this machine; pnpm engines build ${name} takes minutes, once`
}
