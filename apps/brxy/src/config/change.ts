import { diffOptions, listOptions, type OptionChange } from '@brxy/options/describe'
import { effective } from './effective.ts'
import type { LoadedConfig } from './load.ts'
import { SETTINGS } from './tables.ts'

/** What is different between two configurations, in words of the file. */
export function changesBetween(before: LoadedConfig, after: LoadedConfig): readonly OptionChange[] {
  const changes = diffOptions(SETTINGS, before.collected.values, after.collected.values, (keys, side) =>
    (side === 'before' ? before : after).source?.written(keys),
  )
  // What an app does not say itself is inherited: that was, or will be, in force.
  const isHalf = ({ path, before: old, after: now }: OptionChange) =>
    path.startsWith('apps') && (old === null) !== (now === null)
  if (!changes.some(isHalf)) return changes
  const [was, is] = [textsOf(before), textsOf(after)]
  return changes
    .map((change) =>
      isHalf(change)
        ? { ...change, before: change.before ?? was(change.path), after: change.after ?? is(change.path) }
        : change,
    )
    .filter(({ before: old, after: now }) => old === null || old !== now || old === HIDDEN)
}

/** What a listing shows for a secret: that it changed is all that is said of it. */
const HIDDEN = '(secret)'

function textsOf(config: LoadedConfig): (path: string) => string | null {
  const listed = listOptions(
    SETTINGS,
    effective(config),
    () => '',
    (keys) => config.source?.written(keys),
  )
  const texts = new Map(listed.map(({ path, text }) => [path, text]))
  return (path) => texts.get(path) ?? null
}

/** `apps.shop.max: 10 -> 40`, `+ apps.blog`, `- apps.old`. */
export function changeLine({ path, before, after, kind }: OptionChange): string {
  if (before === null && after === null) return `${{ added: '+', removed: '-', changed: '~' }[kind]} ${path}`
  if (before === after) return `${path}: changed`
  return `${path}: ${before ?? 'none'} -> ${after ?? 'none'}`
}
