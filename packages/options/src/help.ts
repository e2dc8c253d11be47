import { type Leaf, leavesOf } from './leaf.ts'
import type { OptionsTable, Row } from './row.ts'
import { formatOption } from './value.ts'

/** Widest left column, in characters: a longer flag gets its text on the next line. */
const MAX_LEFT = 30
/** Narrowest text column, in characters, however narrow the terminal. */
const MIN_TEXT = 24

const PLACEHOLDERS = {
  string: 'TEXT',
  integer: 'N',
  duration: 'TIME',
  bytes: 'SIZE',
  boolean: '',
  enum: '',
  strings: 'TEXT',
  map: 'NAME=VALUE',
  secret: 'SECRET',
} as const

/**
 * The lines that `--help` prints for a table's flags, aligned and wrapped:
 * `  -c, --concurrency N   Requests at a time. (default 1, BRXY_CONCURRENCY)`. Rows with a group stand under its
 * heading, in the table's order; rows that are no flags are left out.
 *
 * @param width of the terminal, in characters
 */
export function helpLines(table: OptionsTable, width: number): string[] {
  const leaves = leavesOf(table).filter(({ called }) => called.flag !== undefined)
  const lefts = leaves.map(leftOf)
  const column = Math.max(0, ...lefts.map((left) => left.length).filter((length) => length <= MAX_LEFT)) + 3
  const groups = [...new Set(leaves.map(({ row }) => row.group ?? ''))].sort(
    (a, b) => Number(a !== '') - Number(b !== ''),
  )
  const lines: string[] = []
  for (const group of groups) {
    if (group !== '') lines.push(...(lines.length === 0 ? [] : ['']), `${group}:`)
    for (const [at, leaf] of leaves.entries()) {
      if ((leaf.row.group ?? '') === group) lines.push(...entry(lefts[at], textOf(leaf), column, width))
    }
  }
  return lines
}

/** How the value of a row's flag is written in help: `N`, `a|b`, or nothing for a boolean. */
export function placeholderOf(row: Row): string {
  return row.placeholder ?? (row.kind === 'enum' ? row.values.join('|') : PLACEHOLDERS[row.kind])
}

function leftOf({ row, called }: Leaf): string {
  const short = row.alias === undefined ? '    ' : `-${row.alias}, `
  const placeholder = placeholderOf(row)
  // A boolean that is on by default is only ever typed to switch it off.
  const negative = row.kind === 'boolean' && row.default === true ? 'no-' : ''
  return `  ${short}--${negative}${called.flag}${placeholder === '' ? '' : ` ${placeholder}`}`
}

function textOf({ row, called }: Leaf): string {
  const notes: string[] = []
  if (row.kind === 'strings' || row.kind === 'map') notes.push('repeatable')
  if (row.required === true) notes.push('required')
  const standard = defaultText(row)
  if (standard !== undefined) notes.push(`default ${standard}`)
  notes.push(called.env)
  return `${row.doc} (${notes.join(', ')})`
}

/** A row's default as text, or undefined where there is none to speak of (absent, empty, or a boolean that is off). */
export function defaultText(row: Row): string | undefined {
  if (row.default === undefined || row.default === false) return undefined
  const text = formatOption(row, row.default as never)
  return text === '' ? undefined : text
}

function entry(left: string, text: string, column: number, width: number): string[] {
  const indent = ' '.repeat(column)
  const texts = wrap(text, Math.max(MIN_TEXT, width - column))
  if (left.length + 3 > column) return [left, ...texts.map((line) => indent + line)]
  return texts.map((line, at) => (at === 0 ? left.padEnd(column) : indent) + line)
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}
