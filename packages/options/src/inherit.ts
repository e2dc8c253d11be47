import { withDefaults } from './defaults.ts'
import { joinPath, type Keys, missing, type OptionsError, rethrow } from './error.ts'
import { optionKey } from './names.ts'
import type { NestedRow, Options, OptionsTable, Row, SectionRow } from './row.ts'

/** A table in which nothing is said until somebody says it: no defaults, nothing required, no flags. */
export type Inheriting<T extends OptionsTable> = {
  readonly [N in keyof T]: (T[N] extends { kind: 'section'; table: infer I extends OptionsTable }
    ? Omit<T[N], 'table' | 'required'> & { readonly table: Inheriting<I> }
    : Omit<T[N], 'default' | 'required' | 'flag' | 'alias' | 'env'>) & { readonly inherits: string }
}

/** The values of such a table. */
export type InheritingOptions<T extends OptionsTable> = {
  readonly [N in keyof T]: T[N] extends { kind: 'section'; table: infer I extends OptionsTable }
    ? InheritingOptions<I> | (T[N] extends { optional: true } ? undefined : never)
    : Options<T>[N] | undefined
}

/**
 * The same options for one of several that have defaults in common: `apps.shop.max`, where `defaults.max` stands.
 * {@link inherit} fills in what it leaves out.
 *
 * @param from the section with what they have in common, for the docs
 */
export function inheriting<T extends OptionsTable>(table: T, from = 'defaults'): Inheriting<T> {
  return Object.fromEntries(
    Object.entries(table).map(([name, row]) => [name, bare(row, from)]),
  ) as unknown as Inheriting<T>
}

function bare(row: Row | NestedRow, inherits: string): Row | NestedRow {
  if (row.kind === 'section') {
    const { required: _, ...rest }: SectionRow = row
    return { ...rest, inherits, table: inheriting(row.table, inherits) as unknown as OptionsTable }
  }
  const { default: _d, required: _r, flag: _f, alias: _a, env: _e, ...rest } = row as Row
  return { ...rest, inherits } as Row
}

/** Where one's own values stand, and who hears of mistakes that show only now. */
export interface InheritContext {
  /** For errors: `apps.shop`. */
  readonly path?: string
  /** The way there in the file. */
  readonly keys?: Keys
  /** Default: the first one is thrown. */
  readonly onError?: (error: OptionsError) => void
}

/**
 * One's own values, and those in common where it says nothing; the same inside sections. A list, a map or a choice of
 * one's own replaces the common one as a whole.
 *
 * @throws OptionsError `options/missing` for what is required in an optional section that only the own values have
 */
export function inherit<T extends OptionsTable>(
  table: T,
  own: InheritingOptions<T>,
  common: Options<T>,
  { path = '', keys = [], onError = rethrow }: InheritContext = {},
): Options<T> {
  const mine: Readonly<Record<string, unknown>> = own
  const theirs: Readonly<Record<string, unknown>> = common
  const values: Record<string, unknown> = {}
  for (const [name, row] of Object.entries(table)) {
    // Not for each option of each app: few need their place.
    const place = () => {
      const key = optionKey(name, row)
      return { path: joinPath(path, key), keys: [...keys, key], onError }
    }
    if (row.kind === 'section' && mine[name] !== undefined) {
      const base = theirs[name] ?? withDefaults(row.table, {}, '', [], () => {})
      values[name] = inherit(row.table, mine[name] as never, base as never, place())
    } else {
      values[name] = mine[name] ?? theirs[name]
      if (values[name] !== undefined || row.required !== true) continue
      const at = place()
      onError(missing(at.path, [], at.keys))
    }
  }
  return values as Options<T>
}
