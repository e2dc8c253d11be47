import { diffOptions, type OptionChange } from '@brxy/options/describe'
import type { LoadedConfig } from './load.ts'
import { SETTINGS } from './tables.ts'

/** What is different between two configurations, in words of the file. */
export function changesBetween(before: LoadedConfig, after: LoadedConfig): readonly OptionChange[] {
  return diffOptions(SETTINGS, before.collected.values, after.collected.values, (keys, side) =>
    (side === 'before' ? before : after).source?.written(keys),
  )
}

/** `apps.shop.max: 10 -> 40`, `+ apps.blog`, `- apps.old`. */
export function changeLine({ path, before, after, kind }: OptionChange): string {
  if (before === null && after === null) return `${{ added: '+', removed: '-', changed: '~' }[kind]} ${path}`
  if (before === after) return `${path}: changed`
  return `${path}: ${before ?? 'none'} -> ${after ?? 'none'}`
}
