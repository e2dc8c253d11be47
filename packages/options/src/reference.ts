import { code, defaultCell, flagCell, rangeCell, tableLines } from './cell.ts'
import { type Leaf, leavesOf } from './leaf.ts'
import { optionKey } from './names.ts'
import { isNested, type NestedRow, type OptionsTable, type Row } from './row.ts'

const HEAD = ['key', 'type', 'default', 'flag', 'environment', '']

const TYPES = {
  string: 'text',
  integer: 'whole number',
  duration: 'duration',
  bytes: 'size',
  boolean: '`true`, `false`',
  enum: '',
  strings: 'list of texts',
  map: 'names and texts',
  secret: 'secret',
} as const

/** A table that gets a heading of its own. */
interface Chapter {
  /** `apps.NAME.passive[]`; empty for the top of the file. */
  readonly path: string
  readonly doc: string
  readonly table: OptionsTable
  /** Where its heading can be linked to. */
  readonly anchor: string
}

/**
 * The reference of a config file, in Markdown: a table of the top level under `## title`, then one for each section
 * under a heading made of its path (`tunnel`, `apps.NAME`, `apps.NAME.passive[]`), in the order of the file.
 */
export function referenceSections(table: OptionsTable, title: string): string {
  const leaves = new Map(leavesOf(table).map((leaf) => [leaf.keys.join('.'), leaf]))
  const anchors = new Map<string, number>()
  const chapters: Chapter[] = []
  const top: Chapter = { path: '', doc: '', table, anchor: anchorOf(title, anchors) }
  collect(top, anchors, chapters)
  const anchorAt = new Map(chapters.map(({ path, anchor }) => [path, anchor]))
  const lines: string[] = []
  for (const chapter of chapters) {
    const heading = chapter.path === '' ? `## ${title}` : `### ${code(chapter.path)}`
    const intro = chapter.doc === '' ? [] : [chapter.doc, '']
    const rows = Object.entries(chapter.table).map(([name, row]) =>
      cells(pathOf(chapter.path, optionKey(name, row)), optionKey(name, row), row, leaves, anchorAt),
    )
    lines.push(heading, '', ...intro, ...tableLines(HEAD, rows), '')
  }
  return lines.join('\n')
}

function collect(chapter: Chapter, anchors: Map<string, number>, chapters: Chapter[]): void {
  chapters.push(chapter)
  for (const [name, row] of Object.entries(chapter.table)) {
    if (!isNested(row) || !('table' in row)) continue
    const path = chapterPath(pathOf(chapter.path, optionKey(name, row)), row)
    collect({ path, doc: row.doc, table: row.table, anchor: anchorOf(path, anchors) }, anchors, chapters)
  }
}

function cells(
  path: string,
  key: string,
  row: Row | NestedRow,
  leaves: ReadonlyMap<string, Leaf>,
  anchors: ReadonlyMap<string, string>,
): readonly string[] {
  const leaf = leaves.get(path)
  const [flag, env] =
    leaf === undefined ? ['', ''] : [flagCell(leaf.row, leaf.called.flag), code(leaf.called.env)]
  const anchor = isNested(row) ? anchors.get(chapterPath(path, row)) : undefined
  const link = anchor === undefined ? code(key) : `[${code(key)}](#${anchor})`
  const standard = row.inherits === undefined ? ownDefault(row, leaf) : inherited(row.inherits, anchors)
  return [link, typeCell(row), standard, flag, env, row.doc]
}

function inherited(from: string, anchors: ReadonlyMap<string, string>): string {
  const anchor = anchors.get(from)
  return `as in ${anchor === undefined ? code(from) : `[${code(from)}](#${anchor})`}`
}

function ownDefault(row: Row | NestedRow, leaf: Leaf | undefined): string {
  if (!isNested(row)) return defaultCell(row)
  if (row.required === true) return 'required'
  if (row.kind === 'sections') return leaf === undefined ? 'none' : defaultCell(leaf.row)
  // Its own options say what they are without it.
  return row.kind === 'section' && row.optional !== true ? '' : 'none'
}

function typeCell(row: Row | NestedRow): string {
  switch (row.kind) {
    case 'section':
      return 'section'
    case 'sections':
      return `list of sections${row.shorthand === undefined ? '' : `, or of texts: ${code(shorthandKey(row))}`}`
    case 'named':
      return `a section for each ${code(row.placeholder)}: ${row.patternDoc}`
    case 'choice':
      return `one ${code(row.placeholder)} with its options`
    case 'choices':
      return `options of each ${code(row.placeholder)}`
    default: {
      const range = rangeCell(row)
      return [TYPES[row.kind], range].filter((text) => text !== '').join(', ')
    }
  }
}

function shorthandKey({ table, shorthand = '' }: NestedRow & { kind: 'sections' }): string {
  return optionKey(shorthand, table[shorthand])
}

function pathOf(parent: string, key: string): string {
  return parent === '' ? key : `${parent}.${key}`
}

function chapterPath(path: string, row: NestedRow): string {
  if (row.kind === 'sections') return `${path}[]`
  return row.kind === 'named' ? `${path}.${row.placeholder}` : path
}

/** The anchor that GitHub gives a heading: letters, digits, `-` and `_` of it, numbered from the second of a name on. */
function anchorOf(heading: string, taken: Map<string, number>): string {
  const plain = heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-')
  const count = taken.get(plain) ?? 0
  taken.set(plain, count + 1)
  return count === 0 ? plain : `${plain}-${count}`
}
