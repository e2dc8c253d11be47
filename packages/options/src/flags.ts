import { parseArgs } from 'node:util'
import { OptionsError } from './error.ts'
import { leavesOf } from './leaf.ts'
import type { OptionsTable, Row } from './row.ts'
import { suggest } from './suggest.ts'

/**
 * Flags as they were typed, by option path (`holdMs`, `tunnel.bind`): a text for each option, or the texts in order for
 * a list or map.
 */
export type FlagTexts = Readonly<Record<string, string | readonly string[] | undefined>>

/** A command line, taken apart. */
export interface ParsedFlags {
  /** Unparsed; {@link collect} reads them. */
  readonly flags: FlagTexts
  /** From the first word that is no flag, up to `--`. */
  readonly positionals: readonly string[]
  /** After `--`, byte for byte; undefined without a `--`. */
  readonly command: readonly string[] | undefined
}

interface Flag {
  readonly name: string
  readonly row: Row
  readonly flag: string
}

/**
 * Reads flags from the front of argv, until the first word that is no flag, or `--`: what follows belongs to somebody
 * else, `--help` and `-v` included. `--x=v`, `--x v`, `-x v`, `-xv` and `--no-x` (booleans) are understood.
 *
 * @throws OptionsError `options/unknown` with a suggestion; `options/missing` for a flag without its value;
 * `options/invalid` for one given twice
 */
export function parseFlags(table: OptionsTable, argv: readonly string[]): ParsedFlags {
  const known = flagsOf(table)
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries([...known.values()].map(toParseArgs)),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const texts = new Map<string, string | string[]>()
  let end = argv.length
  for (const token of tokens) {
    if (token.kind !== 'option') {
      end = token.index
      break
    }
    const { flag, text } = readToken(known, token)
    add(texts, flag, token.rawName, text)
  }
  return { flags: Object.fromEntries(texts), ...rest(argv.slice(end)) }
}

interface OptionToken {
  readonly name: string
  readonly rawName: string
  readonly value: string | undefined
  readonly inlineValue: boolean | undefined
}

function readToken(known: ReadonlyMap<string, Flag>, token: OptionToken): { flag: Flag; text: string } {
  const flag = known.get(token.name)
  const positive = token.name.startsWith('no-') ? known.get(token.name.slice(3)) : undefined
  if (flag === undefined && positive?.row.kind === 'boolean') {
    if (token.value === undefined) return { flag: positive, text: 'false' }
    throw new OptionsError('options/invalid', token.rawName, 'takes no value')
  }
  if (flag === undefined) throw unknownFlag(token.rawName, known)
  if (flag.row.kind === 'boolean') return { flag, text: token.value ?? 'true' }
  return { flag, text: flagValue(token) }
}

// parseArgs takes any next word as the value. `--hold --max 3` and `--hold -- cmd` are values forgotten, far more often
// than values that begin with a dash; those are written `--hold=-x`. Negative numbers are let through.
function flagValue({ rawName, value, inlineValue }: OptionToken): string {
  if (value === undefined || (inlineValue !== true && (value === '--' || /^-[^\d]/.test(value)))) {
    const next =
      value === undefined || value === '--' ? '' : `; if "${value}" is meant, write ${rawName}=${value}`
    throw new OptionsError('options/missing', rawName, `needs a value${next}`)
  }
  return value
}

function add(
  texts: Map<string, string | string[]>,
  { name, row }: Flag,
  rawName: string,
  text: string,
): void {
  const before = texts.get(name)
  if (row.kind === 'strings' || row.kind === 'map') {
    if (Array.isArray(before)) before.push(text)
    else texts.set(name, [text])
    return
  }
  if (before !== undefined) throw new OptionsError('options/invalid', rawName, 'is given twice; give it once')
  texts.set(name, text)
}

function rest(words: readonly string[]): {
  positionals: readonly string[]
  command: readonly string[] | undefined
} {
  const at = words.indexOf('--')
  if (at < 0) return { positionals: words, command: undefined }
  return { positionals: words.slice(0, at), command: words.slice(at + 1) }
}

function unknownFlag(rawName: string, known: ReadonlyMap<string, Flag>): OptionsError {
  const words = [...known.values()].flatMap(({ flag, row }) =>
    row.kind === 'boolean' ? [flag, `no-${flag}`] : [flag],
  )
  const meant = rawName.startsWith('--') ? suggest(rawName.slice(2), words) : undefined
  const hint = meant === undefined ? '; see --help' : `; did you mean --${meant}?`
  return new OptionsError('options/unknown', rawName, `there is no such flag${hint}`)
}

function flagsOf(table: OptionsTable): Map<string, Flag> {
  const known = new Map<string, Flag>()
  for (const { path, row, called } of leavesOf(table)) {
    if (called.flag !== undefined) known.set(called.flag, { name: path, row, flag: called.flag })
  }
  return known
}

function toParseArgs({
  flag,
  row,
}: Flag): [string, { type: 'string' | 'boolean'; multiple: true; short?: string }] {
  const short = row.alias === undefined ? {} : { short: row.alias }
  return [flag, { type: row.kind === 'boolean' ? 'boolean' : 'string', multiple: true, ...short }]
}
