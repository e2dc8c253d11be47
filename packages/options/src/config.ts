import type { Environment } from './environment.ts'
import { joinPath, OptionsError, quote } from './error.ts'
import { optionNames } from './names.ts'
import { asMapping, missing } from './resolve.ts'
import type { Options, OptionsInput, OptionsTable, Row } from './row.ts'
import { readSecretFile } from './secret.ts'
import { didYouMean } from './suggest.ts'
import { checkOption, parseOption } from './value.ts'

/** Where a section of a config file stands, and what its `{ env }` secrets read. */
export interface ConfigContext {
  /** The section, for errors: `apps.shop`. Default: the top of the file. */
  readonly path?: string
  /** Default: no variables. */
  readonly env?: Environment
}

/**
 * Reads one section of a parsed config file (`{ hold: '50s', max: 10 }`: config keys, text with units where a unit is
 * needed). A secret is text, `{ file }` or `{ env }`. null is absent.
 *
 * @throws OptionsError `options/unknown`, `options/invalid`, with the key's path
 */
export function readConfig<T extends OptionsTable>(
  table: T,
  section: unknown,
  { path = '', env = {} }: ConfigContext = {},
): OptionsInput<T> {
  const given = asMapping(section, path)
  const nameOf = new Map(Object.entries(table).map(([name, row]) => [optionNames(name, row).key, name]))
  const values: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(given)) {
    const at = joinPath(path, key)
    const name = nameOf.get(key)
    if (name === undefined) throw unknownKey(at, key, nameOf)
    if (value === undefined || value === null) continue
    values[name] = readValue(at, table[name], value, env)
  }
  return values as OptionsInput<T>
}

/**
 * {@link readConfig}, then the defaults: for a section that only the config file can give, such as a scaler's options.
 *
 * @throws OptionsError also `options/missing`
 */
export function resolveConfig<T extends OptionsTable>(
  table: T,
  section: unknown,
  context: ConfigContext = {},
): Options<T> {
  const given: Readonly<Record<string, unknown>> = readConfig(table, section, context)
  const values: Record<string, unknown> = {}
  for (const [name, row] of Object.entries(table)) {
    values[name] = given[name] ?? row.default
    if (values[name] === undefined && row.required === true) {
      throw missing(joinPath(context.path ?? '', optionNames(name, row).key))
    }
  }
  return values as Options<T>
}

function readValue(path: string, row: Row, value: unknown, env: Environment): unknown {
  if (typeof value === 'string') {
    // In a file a list has its own syntax; one text would leave open whether its commas divide.
    if (row.kind === 'strings')
      throw new OptionsError('options/invalid', path, `${quote(value)} must be a list: [${value}]`)
    if (row.kind === 'map') return checkOption(path, row, value)
    return parseOption(path, row, value)
  }
  if (row.kind === 'secret') return parseOption(path, row, secretReference(path, value, env))
  if (row.kind === 'duration') {
    if (typeof value === 'number') return parseOption(path, row, String(value))
    throw new OptionsError('options/invalid', path, `${quote(value)} must be a duration such as 50s`)
  }
  if (row.kind === 'string' || row.kind === 'enum') throw unquoted(path, value)
  return checkOption(path, row, value)
}

function unknownKey(path: string, key: string, names: ReadonlyMap<string, string>): OptionsError {
  for (const [known, name] of names) {
    if (name === key)
      return new OptionsError(
        'options/unknown',
        path,
        `is called ${known} here; write its unit with the value`,
      )
  }
  return new OptionsError('options/unknown', path, `there is no such option${didYouMean(key, names.keys())}`)
}

// YAML reads 1.10 as a number and true as a boolean; turning them back into text would lose what was written.
function unquoted(path: string, value: unknown): OptionsError {
  const scalar = typeof value === 'number' || typeof value === 'boolean'
  return new OptionsError(
    'options/invalid',
    path,
    `${quote(value)} must be a string${scalar ? '; quote it' : ''}`,
  )
}

function secretReference(path: string, value: unknown, env: Environment): string {
  const { file, env: variable, ...rest } = asSecret(path, value)
  if (Object.keys(rest).length === 0 && (file === undefined) !== (variable === undefined)) {
    if (typeof file === 'string') return readSecretFile(joinPath(path, 'file'), file)
    if (typeof variable === 'string') {
      const text = env[variable]
      if (text) return text
      throw new OptionsError('options/invalid', joinPath(path, 'env'), `the variable ${variable} is not set`)
    }
  }
  throw notASecret(path)
}

function asSecret(path: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw notASecret(path)
  return value as Record<string, unknown>
}

function notASecret(path: string): OptionsError {
  return new OptionsError(
    'options/invalid',
    path,
    'must be { file: PATH } or { env: NAME }, or a quoted text',
  )
}
