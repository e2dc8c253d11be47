import type { Keys } from './error.ts'
import type { Options, OptionsTable } from './row.ts'
import { type Shown, shownText } from './shown.ts'
import { walk } from './walk.ts'

/** One resolved option. */
export interface ListedOption {
  /** In words of the config file: `apps.shop.paths[0].prefix`. */
  readonly path: string
  /** The same as a way through the file. */
  readonly keys: Keys
  /** The value as a user would write it: `50s`, `a,b`, `[]`; `none` where there is none, `(secret)` for a secret. */
  readonly text: string
  /** What `sourceOf` said. */
  readonly source: string
}

/**
 * Every resolved option, in the table's order, with lists, names and choices expanded: `brxy check` prints it. What
 * stands in a choice's options and has a name like `password` is taken for a secret.
 *
 * @param values after validation and defaults
 * @param sourceOf the word for where an option came from; `option` is its path in `Collected.source`
 * @param shown what the file says for a scalar (elements of lists and entries of maps too), where that is to be shown
 * instead of the value; not asked for secrets
 */
export function listOptions<T extends OptionsTable>(
  table: T,
  values: Options<T>,
  sourceOf: (keys: Keys, option: string) => string,
  shown: Shown = () => undefined,
): readonly ListedOption[] {
  const listed: ListedOption[] = []
  walk(table, [values], (visit) => {
    const text = shownText(visit, visit.values[0], shown) ?? 'none'
    const { path, keys, option } = visit
    listed.push({ path, keys, text, source: sourceOf(keys, option) })
  })
  return listed
}
