import { ENGINE_NAMES, type EngineName } from './engine.ts'
import { engine } from './engines.ts'

/**
 * Why tests against an engine can't run here, for those who skip them: null if they can.
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
  if (missing !== null && names.includes(name))
    throw new Error(`BRXY_REQUIRE_ENGINES asks for ${name}: ${missing}`)
  return missing
}
