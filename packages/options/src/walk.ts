import { joinPath, type Keys } from './error.ts'
import { optionKey } from './names.ts'
import { isNested, type NestedRow, type OptionsTable, type Row } from './row.ts'

/** Deepest value inside a choice's options that is looked into: whoever wrote them may have nested them without end. */
const MAX_FREE_DEPTH = 16

/** One option on a walk through one or several sets of values side by side. */
export interface Visit {
  /** In words of the config file: `apps.shop.paths[0].prefix`. */
  readonly path: string
  readonly keys: Keys
  /** In words of the table, as `Collected.source` has it: `defaults.holdMs`. */
  readonly option: string
  /**
   * What describes the value; `free` what stands in a choice's options, `entry` a whole section under a name that not
   * all sides have.
   */
  readonly row: Row | NestedRow | 'free' | 'entry'
  /** Its value in each set; undefined where it is absent. */
  readonly values: readonly unknown[]
}

type Place = Pick<Visit, 'path' | 'keys' | 'option'>
type Sides = readonly unknown[]

/** How a walk goes; plain calls, because a file may have 100,000 apps with 20 options each. */
interface Walker {
  readonly visit: (visit: Visit) => void
  /** Whether what stands under a name or an index can be passed over. */
  readonly skips: (values: Sides) => boolean
}

/**
 * Visits every option of a table, in its order, lists and names expanded. A list, a section or a mapping of which no
 * side has anything is one visit with undefined values.
 *
 * @param sides sets of values of this table, by option name; undefined where one has no such section
 * @param skips hears of the values of each name and each element of a list, and may say that they are of no interest
 */
export function walk(
  table: OptionsTable,
  sides: Sides,
  visit: Walker['visit'],
  skips: Walker['skips'] = () => false,
): void {
  walkSection(table, { path: '', keys: [], option: '' }, sides, { visit, skips })
}

function walkSection(table: OptionsTable, at: Place, sides: Sides, walker: Walker): void {
  for (const [name, row] of Object.entries(table)) {
    const place = inside(at, optionKey(name, row), name)
    const values = pick(sides, name)
    if (isNested(row)) walkNested(row, place, values, walker)
    else walker.visit({ ...place, row, values })
  }
}

function walkNested(row: NestedRow, at: Place, values: Sides, walker: Walker): void {
  if (row.kind === 'choice') return walkChoice(row, at, values, walker)
  const steps = row.kind === 'section' ? [] : stepsOf(values)
  const isAbsent = row.kind === 'section' ? values.every((value) => value === undefined) : steps.length === 0
  if (isAbsent) return walker.visit({ ...at, row, values: values.map(() => undefined) })
  if (row.kind === 'section') return walkSection(row.table, at, values, walker)
  for (const step of steps) {
    const elements = pick(values, step)
    if (walker.skips(elements)) continue
    const place = inside(at, step)
    if (row.kind === 'choices') walkFree(place, elements, 0, walker)
    else if (row.kind === 'named' && elements.includes(undefined))
      walker.visit({ ...place, row: 'entry', values: elements })
    else walkSection(row.table, place, elements, walker)
  }
}

function walkChoice(row: NestedRow, at: Place, values: Sides, walker: Walker): void {
  const names = pick(values, 'name')
  walker.visit({ ...at, row, values: names })
  for (const name of new Set(names)) {
    if (name === undefined) continue
    const options = pick(values, 'options').map((given, side) =>
      names[side] !== name || given === null || isEmpty(given) ? undefined : given,
    )
    walkFree(inside(at, String(name)), options, 0, walker)
  }
}

/** Values that no row describes: mappings and lists of them by entry, all else as it is. */
function walkFree(at: Place, values: Sides, depth: number, walker: Walker): void {
  const isDivided = (value: unknown) => depth < MAX_FREE_DEPTH && isStructure(value)
  const whole = values.map((value) => (isDivided(value) ? undefined : value))
  if (whole.some((value) => value !== undefined)) walker.visit({ ...at, row: 'free', values: whole })
  const divided = values.map((value) => (isDivided(value) ? value : undefined))
  for (const step of stepsOf(divided)) walkFree(inside(at, step), pick(divided, step), depth + 1, walker)
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

/** Whether its parts are shown one by one: a mapping, or a list with a mapping or list in it. */
function isStructure(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some((element) => typeof element === 'object' && element !== null)
  return !isEmpty(value)
}

/** Names or indexes that any side has, in the order of their first appearance. */
function stepsOf(sides: Sides): readonly (string | number)[] {
  const steps = new Set<string | number>()
  for (const side of sides) {
    if (Array.isArray(side)) for (const index of side.keys()) steps.add(index)
    else if (typeof side === 'object' && side !== null) for (const name of Object.keys(side)) steps.add(name)
  }
  return [...steps]
}

function pick(sides: Sides, step: string | number): Sides {
  return sides.map((side) => {
    if (typeof side !== 'object' || side === null || !Object.hasOwn(side, step)) return undefined
    return (side as Record<string | number, unknown>)[step]
  })
}

function inside(at: Place, key: string | number, name = key): Place {
  return { path: joinPath(at.path, key), keys: [...at.keys, key], option: joinPath(at.option, name) }
}
