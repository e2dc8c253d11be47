import { readConfig } from './config.ts'
import { withDefaults } from './defaults.ts'
import { type Environment, readVariable } from './environment.ts'
import { type Keys, missing, OptionsError, rethrow } from './error.ts'
import type { FlagTexts } from './flags.ts'
import { type Leaf, leavesOf } from './leaf.ts'
import { parseEntries } from './list.ts'
import type { Options, OptionsTable } from './row.ts'
import { checkOption, parseOption } from './value.ts'
import { WrongPlaces } from './wrong-places.ts'

/** Where a value came from. */
export type OptionSource = 'flag' | 'env' | 'file' | 'default'

/** The places to read, each optional. */
export interface Sources {
  /** `parseFlags(...).flags`. */
  readonly flags?: FlagTexts | undefined
  /** `process.env`. */
  readonly env?: Environment | undefined
  /** The parsed config file, or one section of it, by config key. */
  readonly file?: unknown
  /** The section's path in the file, for errors. */
  readonly filePath?: string | undefined
  /** Directory for the relative names of `{ file }` secrets. */
  readonly directory?: string
  /** Hears of each mistake, and the reading goes on. Default: the first one is thrown. */
  readonly onError?: (error: OptionsError) => void
}

/** Every option of a table and where each came from. */
export interface Collected<T extends OptionsTable> {
  readonly values: Options<T>
  /** By option path: `holdMs`, or `defaults.holdMs` inside a section. Of what flags and variables can give. */
  readonly source: Readonly<Record<string, OptionSource>>
}

/**
 * Reads all sources and decides by precedence: flag, then environment, then file, then default. A source that loses is
 * validated all the same, so that a mistake shows before the flag that hides it is dropped.
 *
 * @throws OptionsError naming the flag, variable or key
 */
export function collect<T extends OptionsTable>(table: T, sources: Sources): Collected<T> {
  const { flags = {}, env = {}, file, filePath = '', directory, onError = rethrow } = sources
  const wrong = new WrongPlaces()
  const context = { path: filePath, env, onError, ...(directory === undefined ? {} : { directory }) }
  const given = readConfig(table, file, context, wrong) as Record<string, unknown>
  const leaves = leavesOf(table)
  const source: Record<string, OptionSource> = {}
  for (const leaf of leaves) {
    const attempt = (read: () => unknown) => {
      try {
        return read()
      } catch (error) {
        if (!(error instanceof OptionsError)) throw error
        wrong.add(leaf.keys)
        onError(error)
        return undefined
      }
    }
    const flag = attempt(() => readFlag(leaf, flags[leaf.path]))
    const variable = attempt(() => fromText(leaf, readVariable(leaf.row, leaf.called.env, env)))
    const winner = flag ?? variable
    if (winner !== undefined) set(given, leaf.names, winner)
    const isGiven = winner !== undefined || get(given, leaf.names) !== undefined
    source[leaf.path] =
      flag !== undefined ? 'flag' : variable !== undefined ? 'env' : isGiven ? 'file' : 'default'
  }
  const values = withDefaults(table, given, filePath, [], (error) => {
    if (wrong.covers(error.keys)) return
    const leaf = leaves.find(({ keys }) => isSame(keys, error.keys))
    onError(leaf === undefined ? error : absentError(leaf))
  })
  return { values, source }
}

function isSame(a: Keys, b: Keys): boolean {
  return a.length === b.length && a.every((key, at) => key === b[at])
}

// It may be given in other places than the file, too.
function absentError({ called, keys }: Leaf): OptionsError {
  const ways = [...(called.flag === undefined ? [] : [`--${called.flag}`]), called.env]
  return missing(ways[0], [...ways, `"${keys.join('.')}" in the config file`], keys)
}

// Each occurrence of a list's flag is one element as it stands: the shell has already divided them.
function readFlag(leaf: Leaf, given: string | readonly string[] | undefined): unknown {
  if (given === undefined) return undefined
  const { row, called, path: name } = leaf
  const path = `--${called.flag ?? name}`
  const texts = typeof given === 'string' ? [given] : given
  if (row.kind === 'strings') return fromText(leaf, checkOption(path, row, texts))
  if (row.kind !== 'map') return parseOption(path, row, texts[0])
  const entries = parseEntries(texts)
  if (typeof entries === 'string') throw new OptionsError('options/invalid', path, entries)
  return checkOption(path, row, entries)
}

/** A list of texts that stand for sections becomes those sections. */
function fromText({ shorthand }: Leaf, value: unknown): unknown {
  if (shorthand === undefined || value === undefined) return value
  return (value as readonly string[]).map((text) => ({ [shorthand]: text }))
}

function set(values: Record<string, unknown>, names: readonly string[], value: unknown): void {
  let at = values
  for (const name of names.slice(0, -1)) {
    at[name] ??= {}
    at = at[name] as Record<string, unknown>
  }
  at[names[names.length - 1]] = value
}

function get(values: Readonly<Record<string, unknown>>, names: readonly string[]): unknown {
  let at: unknown = values
  for (const name of names) at = (at as Record<string, unknown> | undefined)?.[name]
  return at
}
