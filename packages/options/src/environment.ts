import { OptionsError } from './error.ts'
import { leavesOf } from './leaf.ts'
import type { OptionsInput, OptionsTable, Row } from './row.ts'
import { readSecretFile } from './secret.ts'
import { parseOption } from './value.ts'

/** What `process.env` is. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads the options of a table without sections from an environment. An empty variable is absent, as a unit or compose
 * file leaves it. A secret may be in the file that `<NAME>_FILE` names instead. Other variables are not looked at.
 *
 * @throws OptionsError naming the variable
 */
export function readEnv<T extends OptionsTable>(table: T, env: Environment): OptionsInput<T> {
  const values: Record<string, unknown> = {}
  for (const { path, row, called } of leavesOf(table)) {
    const value = readVariable(row, called.env, env)
    if (value !== undefined) values[path] = value
  }
  return values as OptionsInput<T>
}

/** The value of one variable, or undefined. @throws OptionsError naming it */
export function readVariable(row: Row, variable: string, env: Environment): unknown {
  const text = row.kind === 'secret' ? secretText(variable, env) : env[variable]
  return text === undefined || text === '' ? undefined : parseOption(variable, row, text)
}

function secretText(variable: string, env: Environment): string | undefined {
  const file = env[`${variable}_FILE`]
  if (file === undefined || file === '') return env[variable]
  if (env[variable]) {
    throw new OptionsError('options/invalid', variable, `is set beside ${variable}_FILE; unset one of them`)
  }
  return readSecretFile(`${variable}_FILE`, file)
}
