import { code, defaultCell, flagCell, rangeCell, tableLines } from './cell.ts'
import { leavesOf } from './leaf.ts'
import type { OptionsTable } from './row.ts'

/**
 * One table of all options that a command line can give, for its docs: config key, flag, environment variable, default,
 * range, sentence.
 */
export function markdownTable(table: OptionsTable): string {
  const rows = leavesOf(table).map(({ keys, row, called: { flag, env } }) => [
    ...[code(keys.join('.')), flagCell(row, flag), code(env), defaultCell(row), rangeCell(row), row.doc],
  ])
  return [...tableLines(['key', 'flag', 'environment', 'default', 'range', ''], rows), ''].join('\n')
}
