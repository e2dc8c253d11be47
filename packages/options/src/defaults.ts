import { joinPath, type Keys, missing, type OptionsError, rethrow } from './error.ts'
import { optionKey } from './names.ts'
import { isNested, type NestedRow, type Options, type OptionsTable, type Row } from './row.ts'
import { mapEntries } from './shape.ts'

/** Where a section stands, and who hears of its mistakes. */
interface Place {
  readonly path: string
  readonly keys: Keys
  readonly onError: (error: OptionsError) => void
}

/**
 * Values that were read and checked, with the defaults of all that is absent.
 *
 * @param onError hears of each required option that is absent; default: the first one is thrown
 * @throws OptionsError `options/missing`
 */
export function withDefaults<T extends OptionsTable>(
  table: T,
  given: Readonly<Record<string, unknown>>,
  path: string,
  keys: Keys,
  onError: (error: OptionsError) => void = rethrow,
): Options<T> {
  const values: Record<string, unknown> = {}
  for (const [name, row] of Object.entries(table)) {
    // The common case first: there may be 100,000 apps, and few options need to know where they stand.
    if (!isNested(row) && (row.required !== true || given[name] !== undefined)) {
      values[name] = given[name] ?? (row.inherits === undefined ? row.default : undefined)
      continue
    }
    const key = optionKey(name, row)
    const at: Place = { path: joinPath(path, key), keys: [...keys, key], onError }
    const isAbsent = given[name] === undefined && !('default' in row && row.default !== undefined)
    // Once it is known that a section is missing, what would have to be in it is no news.
    if (isAbsent && row.required === true) onError(missing(at.path, [], at.keys))
    else values[name] = complete(row, given[name], at)
  }
  return values as Options<T>
}

function complete(row: Row | NestedRow, value: unknown, { path, keys, onError }: Place): unknown {
  const section = (table: OptionsTable, element: unknown, step?: string | number) => {
    const inner = (element ?? {}) as Record<string, unknown>
    if (step === undefined) return withDefaults(table, inner, path, keys, onError)
    return withDefaults(table, inner, joinPath(path, step), [...keys, step], onError)
  }
  if (row.kind === 'section')
    return value === undefined && row.optional === true ? undefined : section(row.table, value)
  // Empty would be something said.
  if (value === undefined && row.inherits !== undefined) return undefined
  switch (row.kind) {
    case 'sections':
      return ((value ?? row.default ?? []) as readonly unknown[]).map((element, i) =>
        section(row.table, element, i),
      )
    case 'named':
      return mapEntries((value ?? {}) as Record<string, unknown>, (element, name) =>
        section(row.table, element, name),
      )
    case 'choice':
      return value
    case 'choices':
      return value ?? {}
    default:
      return value ?? row.default
  }
}
