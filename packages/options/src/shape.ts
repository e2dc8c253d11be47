import { joinPath, type Keys, OptionsError, quote, rethrow } from './error.ts'
import { type Choice, type ChoiceRow, MAX_ELEMENTS, type NamedRow, type SectionsRow } from './row.ts'
import { whyWrongCount } from './value.ts'

// The shapes that hold other options, whether they come from a file or from code.

/**
 * @throws OptionsError unless it is a plain mapping; undefined and null (an empty section of a YAML file) are an empty one
 */
export function asMapping(input: unknown, path: string, keys: Keys = []): Readonly<Record<string, unknown>> {
  if (input === undefined || input === null) return {}
  if (typeof input === 'object' && !Array.isArray(input)) return input as Record<string, unknown>
  const detail = `${quote(input)} must be a mapping of options to values`
  throw new OptionsError('options/invalid', path, detail, { keys })
}

/** @throws OptionsError unless it is a list within the row's bounds */
export function asElements(
  row: SectionsRow,
  input: unknown,
  path: string,
  keys: Keys = [],
): readonly unknown[] {
  if (!Array.isArray(input)) {
    const isScalar = typeof input !== 'object' && row.shorthand !== undefined
    const detail = `${quote(input)} must be a list${isScalar ? `: [${JSON.stringify(String(input))}]` : ''}`
    throw new OptionsError('options/invalid', path, detail, { keys })
  }
  const why = whyWrongCount(input.length, row.min ?? 0, row.max ?? MAX_ELEMENTS)
  if (why !== undefined) throw new OptionsError('options/invalid', path, why, { keys })
  return input
}

/**
 * @param onError hears of each name that does not fit the pattern; default: the first one is thrown
 * @throws OptionsError unless it is a mapping within the row's bound
 */
export function asNames(
  row: NamedRow,
  input: unknown,
  path: string,
  keys: Keys = [],
  onError: (error: OptionsError) => void = rethrow,
): Readonly<Record<string, unknown>> {
  const given = asMapping(input, path, keys)
  const names = Object.keys(given)
  const why = whyWrongCount(names.length, 0, row.max ?? MAX_ELEMENTS)
  if (why !== undefined) throw new OptionsError('options/invalid', path, why, { keys })
  const pattern = new RegExp(row.pattern, 'u')
  for (const name of names) {
    if (pattern.test(name)) continue
    const detail = `${quote(name)} is no name; expected ${row.patternDoc}`
    onError(new OptionsError('options/invalid', joinPath(path, name), detail, { keys: [...keys, name] }))
  }
  return given
}

/** @throws OptionsError unless it is a mapping with exactly one entry, as a file has it: `{ docker: { … } }` */
export function asChoice(row: ChoiceRow, input: unknown, path: string, keys: Keys = []): Choice {
  const names = Object.entries(asMapping(input, path, keys))
  if (names.length === 1) return { name: names[0][0], options: names[0][1] }
  const detail = `must be one ${row.placeholder} with its options: { ${row.placeholder}: { … } }`
  throw new OptionsError('options/invalid', path, detail, { keys })
}

/** The entries of a mapping, each replaced. */
export function mapEntries<V, W>(
  entries: Readonly<Record<string, V>>,
  map: (value: V, name: string) => W,
): Record<string, W> {
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, map(value, name)]))
}
