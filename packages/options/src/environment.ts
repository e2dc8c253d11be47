import { OptionsError } from './error.ts'
import { optionNames } from './names.ts'
import type { OptionsInput, OptionsTable } from './row.ts'
import { readSecretFile } from './secret.ts'
import { parseOption } from './value.ts'

/** What `process.env` is. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads the table's options from an environment. An empty variable is absent, as a unit or compose file leaves it. A
 * secret may be in the file that `<NAME>_FILE` names instead. Other variables are not looked at.
 *
 * @throws OptionsError naming the variable
 */
export function readEnv<T extends OptionsTable>(table: T, env: Environment): OptionsInput<T> {
  const values: Record<string, unknown> = {}
  for (const [name, row] of Object.entries(table)) {
    const variable = optionNames(name, row).env
    const text = row.kind === 'secret' ? secretText(variable, env) : env[variable]
    if (text !== undefined && text !== '') values[name] = parseOption(variable, row, text)
  }
  return values as OptionsInput<T>
}

function secretText(variable: string, env: Environment): string | undefined {
  const file = env[`${variable}_FILE`]
  if (file === undefined || file === '') return env[variable]
  if (env[variable]) {
    throw new OptionsError('options/invalid', variable, `is set beside ${variable}_FILE; unset one of them`)
  }
  return readSecretFile(`${variable}_FILE`, file)
}
