import { readConfig } from './config.ts'
import { type Environment, readEnv } from './environment.ts'
import { OptionsError } from './error.ts'
import type { FlagTexts } from './flags.ts'
import { parseEntries } from './list.ts'
import { optionNames } from './names.ts'
import { missing } from './resolve.ts'
import type { Options, OptionsTable, Row } from './row.ts'
import { checkOption, parseOption } from './value.ts'

/** Where a value came from. */
export type OptionSource = 'flag' | 'env' | 'file' | 'default'

/** The places to read, each optional. */
export interface Sources<T extends OptionsTable> {
  /** `parseFlags(...).flags`. */
  readonly flags?: FlagTexts<T> | undefined
  /** `process.env`. */
  readonly env?: Environment | undefined
  /** The parsed config file, or one section of it, by config key. */
  readonly file?: unknown
  /** The section's path in the file, for errors. */
  readonly filePath?: string | undefined
}

/** Every option of a table and where each came from. */
export interface Collected<T extends OptionsTable> {
  readonly values: Options<T>
  readonly source: { readonly [N in keyof T]: OptionSource }
}

/**
 * Reads all sources and decides by precedence: flag, then environment, then file, then default. A source that loses is
 * validated all the same, so that a mistake shows before the flag that hides it is dropped.
 *
 * @throws OptionsError naming the flag, variable or key
 */
export function collect<T extends OptionsTable>(
  table: T,
  { flags, env, file, filePath }: Sources<T>,
): Collected<T> {
  const layers: readonly (readonly [OptionSource, Readonly<Record<string, unknown>>])[] = [
    ['flag', readFlags(table, flags ?? {})],
    ['env', readEnv(table, env ?? {})],
    ['file', readConfig(table, file, { path: filePath ?? '', env: env ?? {} })],
  ]
  const values: Record<string, unknown> = {}
  const source: Record<string, OptionSource> = {}
  for (const [name, row] of Object.entries(table)) {
    const winner = layers.find(([, given]) => given[name] !== undefined)
    values[name] = winner === undefined ? row.default : winner[1][name]
    source[name] = winner === undefined ? 'default' : winner[0]
    if (values[name] === undefined && row.required === true) {
      const { flag, env: variable, key } = optionNames(name, row)
      const ways = [...(flag === undefined ? [] : [`--${flag}`]), variable]
      throw missing(ways[0], [...ways, `"${key}" in the config file`])
    }
  }
  return { values: values as Options<T>, source: source as Collected<T>['source'] }
}

function readFlags(
  table: OptionsTable,
  flags: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const values: Record<string, unknown> = {}
  for (const [name, given] of Object.entries(flags)) {
    if (given === undefined) continue
    const row = table[name]
    values[name] = readFlag(
      `--${optionNames(name, row).flag ?? name}`,
      row,
      given as string | readonly string[],
    )
  }
  return values
}

// Each occurrence of a list's flag is one element as it stands: the shell has already divided them.
function readFlag(path: string, row: Row, given: string | readonly string[]): unknown {
  const texts = typeof given === 'string' ? [given] : given
  if (row.kind === 'strings') return checkOption(path, row, texts)
  if (row.kind !== 'map') return parseOption(path, row, texts[0])
  const entries = parseEntries(texts)
  if (typeof entries === 'string') throw new OptionsError('options/invalid', path, entries)
  return checkOption(path, row, entries)
}
