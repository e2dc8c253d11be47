import { isDeepStrictEqual } from 'node:util'
import type { Keys } from './error.ts'
import type { Options, OptionsTable } from './row.ts'
import { shownText } from './shown.ts'
import { type Visit, walk } from './walk.ts'

/** One difference between two sets of options. */
export interface OptionChange {
  /** In words of the config file: `apps.shop.hold`. */
  readonly path: string
  /** As `ListedOption.text`; null where it was absent, and for a whole section. */
  readonly before: string | null
  readonly after: string | null
  readonly kind: 'added' | 'removed' | 'changed'
}

/**
 * What differs between two sets of options, in the table's order: `brxy reload` prints it. A section under a name that
 * came or went (an app) is one change; elements of lists are compared by index. Of a secret it says only that it changed.
 *
 * @param shown what the file of that side says for a scalar, as for `listOptions`
 */
export function diffOptions<T extends OptionsTable>(
  table: T,
  before: Options<T>,
  after: Options<T>,
  shown: (keys: Keys, side: 'before' | 'after') => string | undefined = () => undefined,
): readonly OptionChange[] {
  const changes: OptionChange[] = []
  const isSame = ([old, now]: readonly unknown[]) => isDeepStrictEqual(old, now)
  const compare = (visit: Visit) => {
    const [old, now] = visit.values
    if (isSame(visit.values)) return
    changes.push({
      path: visit.path,
      before: shownText(visit, old, (keys) => shown(keys, 'before')),
      after: shownText(visit, now, (keys) => shown(keys, 'after')),
      kind: old === undefined ? 'added' : now === undefined ? 'removed' : 'changed',
    })
  }
  walk(table, [before, after], compare, isSame)
  return changes
}
