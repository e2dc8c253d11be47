import { defaultText, placeholderOf } from './help.ts'
import type { Row } from './row.ts'
import { formatOption } from './value.ts'

// Cells of Markdown tables of options.

/** The lines of a Markdown table. */
export function tableLines(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
  return [line(head).replace('|  |', '| |'), `|${'---|'.repeat(head.length)}`, ...rows.map(line)]
}

/** `-c`, `--concurrency N`; empty for a row that is no flag. */
export function flagCell(row: Row, flag: string | undefined): string {
  if (flag === undefined) return ''
  const placeholder = placeholderOf(row)
  const long = code(`--${flag}${placeholder === '' ? '' : ` ${placeholder}`}`)
  return row.alias === undefined ? long : `${code(`-${row.alias}`)}, ${long}`
}

/** The default, `none`, or `required`. */
export function defaultCell(row: Row): string {
  if (row.required === true && row.default === undefined) return 'required'
  if (row.kind === 'boolean' && row.default === false) return code('false')
  const text = defaultText(row)
  return text === undefined ? 'none' : code(text)
}

/** What values are allowed: the words of an enum, `1ms to 1h`, `at least 1`; else empty. */
export function rangeCell(row: Row): string {
  return row.kind === 'enum' ? row.values.map(code).join(', ') : rangeText(row)
}

/** The range of a number, or empty. */
export function rangeText(row: Row): string {
  if (row.kind !== 'integer' && row.kind !== 'duration' && row.kind !== 'bytes') return ''
  const from = row.min === undefined ? undefined : formatOption(row, row.min)
  const to = row.max === undefined ? undefined : formatOption(row, row.max)
  if (from !== undefined && to !== undefined) return `${from} to ${to}`
  if (from !== undefined) return `at least ${from}`
  return to === undefined ? '' : `at most ${to}`
}

/** As code in Markdown. */
export function code(text: string): string {
  return `\`${text}\``
}
