import { rangeText } from './cell.ts'
import { isNested, type NestedRow, type Row } from './row.ts'
import type { Schema } from './schema-plain.ts'
import { formatOption } from './value.ts'

/** What editors show beside an option: its sentence, range and default; and the default for those that fill it in. */
export function doc(row: Row | NestedRow): Schema {
  const words = [row.doc]
  if (row.inherits !== undefined) words.push(`Default: as in \`${row.inherits}\`.`)
  if (isNested(row)) return { description: words.join(' ') }
  const range = row.kind === 'enum' ? '' : rangeText(row)
  if (range !== '') words.push(range.startsWith('at ') ? `A${range.slice(1)}.` : `From ${range}.`)
  if (row.default === undefined) return { description: words.join(' ') }
  const standard = asWritten(row, row.default)
  const text = typeof standard === 'object' ? formatOption(row, row.default as never) : String(standard)
  // Of an empty list there is nothing to say; the sentence tells what it means.
  if (text !== '') words.push(`Default: ${text}.`)
  return { description: words.join(' '), default: standard }
}

/** A default as a config file would give it: `50s`, `64KiB`, 10, true, a list. */
function asWritten(row: Row, value: unknown): unknown {
  return row.kind === 'duration' || row.kind === 'bytes' ? formatOption(row, value as never) : value
}
