import { type FlagTexts, leavesOf, OptionsError, type OptionsTable } from '@brxy/options'
import type { Options as YargsOption } from 'yargs'

/** The flags of an options table as yargs options. Texts stay texts: the table parses and validates them. */
export function yargsOptions(table: OptionsTable): Record<string, YargsOption> {
  const options: Record<string, YargsOption> = {}
  for (const { row, called } of leavesOf(table)) {
    const { flag } = called
    if (flag === undefined) continue
    options[flag] = {
      ...(row.alias === undefined ? {} : { alias: row.alias }),
      ...(row.kind === 'boolean' ? { type: 'boolean' } : { type: 'string', requiresArg: true }),
    }
  }
  return options
}

/**
 * What yargs found, by option path, for collect().
 * @throws OptionsError `options/invalid` for a flag that is given twice and takes one value
 */
export function flagTexts(table: OptionsTable, argv: Readonly<Record<string, unknown>>): FlagTexts {
  const texts: Record<string, string | string[]> = {}
  for (const { path, row, called } of leavesOf(table)) {
    const { flag } = called
    const value = flag === undefined ? undefined : argv[flag]
    if (value === undefined) continue
    const isList = row.kind === 'strings' || row.kind === 'map'
    if (Array.isArray(value) && !isList)
      throw new OptionsError('options/invalid', `--${flag}`, 'is given twice; give it once')
    texts[path] = Array.isArray(value) ? value.map(String) : isList ? [String(value)] : String(value)
  }
  return texts
}
