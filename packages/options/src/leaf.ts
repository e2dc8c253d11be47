import { type OptionNames, optionKey, optionNames } from './names.ts'
import { isNested, type OptionsTable, type Row, type SectionsRow } from './row.ts'

/** An option that a flag or a variable can give: one at the top, or inside sections of which there is one each. */
export interface Leaf {
  /** Names of the options on the way: `['defaults', 'holdMs']`. */
  readonly names: readonly string[]
  /** The same, joined by dots: how flags and sources are keyed. */
  readonly path: string
  /** Keys in the config file: `['defaults', 'hold']`. */
  readonly keys: readonly string[]
  /** As a plain row; a list of sections with a shorthand is a list of texts. */
  readonly row: Row
  readonly called: OptionNames
  /** For a list of sections: the one option that each text gives. */
  readonly shorthand: string | undefined
}

/** All leaves of a table, in its order. What stands in lists, under names that users choose, or inherits is none. */
export function leavesOf(table: OptionsTable): Leaf[] {
  const leaves: Leaf[] = []
  walk(table, [], [], leaves)
  return leaves
}

function walk(table: OptionsTable, names: readonly string[], keys: readonly string[], leaves: Leaf[]): void {
  for (const [name, row] of Object.entries(table)) {
    if (row.inherits !== undefined) continue
    const path = [...names, name]
    const at = [...keys, optionKey(name, row)]
    if (row.kind === 'section') walk(row.table, path, at, leaves)
    const plain = isNested(row) ? (row.kind === 'sections' ? asList(row) : undefined) : row
    if (plain === undefined) continue
    leaves.push({
      names: path,
      path: path.join('.'),
      keys: at,
      row: plain,
      called: optionNames(name, plain),
      shorthand: row.kind === 'sections' ? row.shorthand : undefined,
    })
  }
}

function asList({ table, shorthand, default: standard, ...row }: SectionsRow): Row | undefined {
  if (shorthand === undefined) return undefined
  const texts = standard?.map((element) => String(element[shorthand]))
  return { ...row, kind: 'strings', ...(texts === undefined ? {} : { default: texts }) }
}
