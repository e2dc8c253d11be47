import { joinPath, missing, OptionsError, quote } from './error.ts'
import {
  type Choice,
  isNested,
  type NestedRow,
  type Options,
  type OptionsInput,
  type OptionsTable,
  type Row,
} from './row.ts'
import { asElements, asMapping, asNames, mapEntries } from './shape.ts'
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
    const at = joinPath(path, name)
    const value = given[name] ?? ('default' in row ? row.default : undefined)
    if (value === undefined && row.required === true) throw missing(at)
    values[name] = isNested(row) ? resolveNested(row, value, at) : resolvePlain(row, value, at)
  }
  return values as Options<T>
}

function resolvePlain(row: Row, value: unknown, path: string): unknown {
  return value === undefined ? undefined : checkOption(path, row, value)
}

function resolveNested(row: NestedRow, value: unknown, path: string): unknown {
  if (row.kind === 'section')
    return value === undefined && row.optional === true ? undefined : resolveSection(row.table, value, path)
  // Empty would be something said.
  if (value === undefined && row.inherits !== undefined) return undefined
  switch (row.kind) {
    case 'sections':
      if (value === undefined) return []
      return asElements(row, value, path).map((element, at) =>
        resolveSection(row.table, element, joinPath(path, at)),
      )
    case 'named':
      return mapEntries(asNames(row, value, path), (element, name) =>
        resolveSection(row.table, element, joinPath(path, name)),
      )
    case 'choice':
      return value === undefined ? undefined : checkChoice(value, path)
    case 'choices':
      return asMapping(value, path)
  }
}

function resolveSection(table: OptionsTable, value: unknown, path: string): unknown {
  return resolveOptions(table, asMapping(value, path) as OptionsInput<OptionsTable>, path)
}

// A file has `{ docker: { … } }`, which code may give by mistake.
function checkChoice(value: unknown, path: string): Choice {
  if (typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string')
    return value as Choice
  throw new OptionsError('options/invalid', path, `${quote(value)} must be { name, options }`)
}
