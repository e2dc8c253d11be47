import { type FlagTexts, OptionsError, type OptionsTable, optionNames } from '@brxy/options'
import type { Options as YargsOption } from 'yargs'

/** The flags of an options table as yargs options. Texts stay texts: the table parses and validates them. */
export function yargsOptions(table: OptionsTable): Record<string, YargsOption> {
  const options: Record<string, YargsOption> = {}
  for (const [name, row] of Object.entries(table)) {
    const { flag } = optionNames(name, row)
    if (flag === undefined) continue
    options[flag] = {
      ...(row.alias === undefined ? {} : { alias: row.alias }),
      ...(row.kind === 'boolean' ? { type: 'boolean' } : { type: 'string', requiresArg: true }),
    }
  }
  return options
}

/**
 * What yargs found, by option name, for collect().
 * @throws OptionsError `options/invalid` for a flag that is given twice and takes one value
 */
export function flagTexts<T extends OptionsTable>(
  table: T,
  argv: Readonly<Record<string, unknown>>,
): FlagTexts<T> {
  const texts: Record<string, string | string[]> = {}
  for (const [name, row] of Object.entries(table)) {
    const { flag } = optionNames(name, row)
    const value = flag === undefined ? undefined : argv[flag]
    if (value === undefined) continue
    const isList = row.kind === 'strings' || row.kind === 'map'
    if (Array.isArray(value) && !isList)
      throw new OptionsError('options/invalid', `--${flag}`, 'is given twice; give it once')
    texts[name] = Array.isArray(value) ? value.map(String) : isList ? [String(value)] : String(value)
  }
  return texts as FlagTexts<T>
}
