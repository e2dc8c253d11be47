import { leavesOf } from './leaf.ts'
import { optionKey } from './names.ts'
import { resolveOptions } from './resolve.ts'
import { isNested, type OptionsTable, type SectionsRow } from './row.ts'
import { checkOption } from './value.ts'

/**
 * Declares a package's options. Returns the table itself, with its literal types, so that `Options<typeof TABLE>` knows
 * each value's type.
 *
 * @throws Error when the table contradicts itself (two rows with one flag, a default outside its own bounds): a bug of
 * the package, found when it is loaded.
 */
export function defineOptions<const T extends OptionsTable>(table: T): T {
  checkKeys(table)
  const owners = new Map<string, string>()
  for (const { path, row, called } of leavesOf(table)) {
    claim(owners, called.env, path)
    if (row.kind === 'secret') claim(owners, `${called.env}_FILE`, path)
    if (called.flag !== undefined) claim(owners, `--${called.flag}`, path)
    if (called.flag !== undefined && row.kind === 'boolean') claim(owners, `--no-${called.flag}`, path)
    if (row.alias === undefined) continue
    if (!/^[A-Za-z]$/.test(row.alias))
      throw new Error(`option ${path}: alias "${row.alias}" must be one letter`)
    if (called.flag === undefined) throw new Error(`option ${path}: an alias needs flag: true`)
    claim(owners, `-${row.alias}`, path)
  }
  return table
}

function claim(owners: Map<string, string>, word: string, name: string): void {
  const other = owners.get(word)
  if (other !== undefined) throw new Error(`options ${other} and ${name} both claim ${word}`)
  owners.set(word, name)
}

/** Keys are unique within their section, and defaults within their bounds, at every depth. */
function checkKeys(table: OptionsTable): void {
  const owners = new Map<string, string>()
  for (const [name, row] of Object.entries(table)) {
    claim(owners, `key ${optionKey(name, row)}`, name)
    if (!isNested(row)) {
      if (row.default !== undefined) checkOption(`default of ${name}`, row, row.default)
    } else if ('table' in row) {
      checkKeys(row.table)
      if (row.kind === 'sections') checkList(name, row)
      // Throws unless it is a regular expression.
      if (row.kind === 'named') new RegExp(row.pattern, 'u')
    }
  }
}

function checkList(name: string, row: SectionsRow): void {
  const { shorthand, table } = row
  if (shorthand === undefined) {
    if (row.flag !== undefined || row.env !== undefined)
      throw new Error(`option ${name}: a list of sections needs a shorthand to be a flag or a variable`)
  } else if (table[shorthand]?.kind !== 'string') {
    throw new Error(`option ${name}: its shorthand ${shorthand} is no option of kind string`)
  }
  for (const [other, inner] of Object.entries(table)) {
    if (shorthand !== undefined && other !== shorthand && inner.required === true)
      throw new Error(`option ${name}: ${other} is required, so ${shorthand} alone is no shorthand`)
  }
  for (const element of row.default ?? []) resolveOptions(table, element as never, `default of ${name}`)
}
