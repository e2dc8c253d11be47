import { defaultText, placeholderOf } from './help.ts'
import { optionNames } from './names.ts'
import type { OptionsTable, Row } from './row.ts'
import { formatOption } from './value.ts'

/** A table of all of a package's options for its docs: config key, flag, environment variable, default, range, sentence. */
export function markdownTable(table: OptionsTable): string {
  const rows = Object.entries(table).map(([name, row]) => {
    const { key, flag, env } = optionNames(name, row)
    const cells = [code(key), flagCell(row, flag), code(env), defaultCell(row), rangeOf(row), row.doc]
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  })
  return ['| key | flag | environment | default | range | |', '|---|---|---|---|---|---|', ...rows, ''].join(
    '\n',
  )
}

function flagCell(row: Row, flag: string | undefined): string {
  if (flag === undefined) return ''
  const placeholder = placeholderOf(row)
  const long = code(`--${flag}${placeholder === '' ? '' : ` ${placeholder}`}`)
  return row.alias === undefined ? long : `${code(`-${row.alias}`)}, ${long}`
}

function defaultCell(row: Row): string {
  if (row.required === true) return 'required'
  if (row.kind === 'boolean' && row.default === false) return code('false')
  const text = defaultText(row)
  return text === undefined ? 'none' : code(text)
}

function rangeOf(row: Row): string {
  if (row.kind === 'enum') return row.values.map(code).join(', ')
  if (row.kind !== 'integer' && row.kind !== 'duration' && row.kind !== 'bytes') return ''
  const from = row.min === undefined ? undefined : formatOption(row, row.min)
  const to = row.max === undefined ? undefined : formatOption(row, row.max)
  if (from !== undefined && to !== undefined) return `${from} to ${to}`
  if (from !== undefined) return `at least ${from}`
  return to === undefined ? '' : `at most ${to}`
}

function code(text: string): string {
  return `\`${text}\``
}
