import { joinPath, OptionsError } from './error.ts'
import type { Options, OptionsInput, OptionsTable } from './row.ts'
import { didYouMean } from './suggest.ts'
import { checkOption } from './value.ts'

/**
 * Validates options given in code (`{ holdMs: 5000 }`: option names, values in their units) and fills in the defaults.
 *
 * @param path what the errors put before the option's name, for example `apps.shop`
 * @throws OptionsError `options/unknown`, `options/invalid`, `options/missing`
 */
export function resolveOptions<T extends OptionsTable>(
  table: T,
  input: OptionsInput<T>,
  path = '',
): Options<T> {
  const given = asMapping(input, path)
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(table, name)) {
      const detail = `there is no such option${didYouMean(name, Object.keys(table))}`
      throw new OptionsError('options/unknown', joinPath(path, name), detail)
    }
  }
  const values: Record<string, unknown> = {}
  for (const [name, row] of Object.entries(table)) {
    const value = given[name]
    values[name] = value === undefined ? row.default : checkOption(joinPath(path, name), row, value)
    if (values[name] === undefined && row.required === true) throw missing(joinPath(path, name))
  }
  return values as Options<T>
}

/** The error for a required option that nobody gave; `ways` completes `give ...` where there are several. */
export function missing(path: string, ways: readonly string[] = []): OptionsError {
  return new OptionsError(
    'options/missing',
    path,
    `is required${ways.length === 0 ? '' : `; give ${ways.join(' or ')}`}`,
  )
}

/**
 * @throws OptionsError unless it is a plain mapping; undefined and null (an empty section of a YAML file) are an empty one
 */
export function asMapping(input: unknown, path: string): Readonly<Record<string, unknown>> {
  if (input === undefined || input === null) return {}
  if (typeof input === 'object' && !Array.isArray(input)) return input as Record<string, unknown>
  throw new OptionsError('options/invalid', path, 'must be a mapping of options to values')
}
