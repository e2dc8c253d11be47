import { optionKey } from './names.ts'
import {
  type ChoiceRow,
  type ChoicesRow,
  isNested,
  MAX_ELEMENTS,
  type NestedRow,
  type OptionsTable,
  type Row,
  type SectionsRow,
} from './row.ts'
import { doc } from './schema-doc.ts'
import { DEFINITIONS, plainSchema, type Schema } from './schema-plain.ts'

/** What a schema says about itself. */
export interface SchemaAbout {
  /** `$id`: the address at which it is published. */
  readonly id: string
  readonly title: string
  readonly description: string
  /** Schemas of known choices' options, by the row's key and the choice's name: `scaler.shell`. Others stay free. */
  readonly choiceSchemas?: Readonly<Record<string, object>>
}

/**
 * The JSON Schema (draft 2020-12) of a config file with a table's options, for editors and CI.
 *
 * What it refuses the reader refuses, too; but the reader refuses more, which a schema cannot know:
 * - durations and sizes outside their bounds, or that are no whole number of milliseconds or bytes; numbers that are
 *   given as text (`max: "3"`) outside theirs;
 * - what a text becomes after its `${VAR}` is filled in, and `${...}` that is none;
 * - secrets whose file or variable is absent, empty or too large; NUL characters;
 * - options of a choice that has no schema here, and whatever compares several options.
 *
 * A required option must be in the file for this schema, although the command line may give it instead.
 */
export function jsonSchema(table: OptionsTable, about: SchemaAbout): Record<string, unknown> {
  const { id, title, description, choiceSchemas = {} } = about
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: id,
    title,
    description,
    ...section(table, choiceSchemas),
    $defs: DEFINITIONS,
  }
}

/** The schema of one section, to stand inside that of {@link jsonSchema}: its `$ref`s point to the outer one's `$defs`. */
export function sectionSchema(table: OptionsTable): Record<string, unknown> {
  return section(table, {})
}

type ChoiceSchemas = Readonly<Record<string, object>>

function section(table: OptionsTable, choices: ChoiceSchemas): Record<string, unknown> {
  const rows = Object.entries(table).map(([name, row]) => [optionKey(name, row), row] as const)
  const required = rows.filter(([, row]) => isNeeded(row)).map(([key]) => key)
  return {
    // An empty section of a YAML file is null.
    type: required.length === 0 ? ['object', 'null'] : 'object',
    properties: Object.fromEntries(
      rows.map(([key, row]) => [
        key,
        { ...doc(row), ...(isNested(row) ? nested(key, row, choices) : plainSchema(row)) },
      ]),
    ),
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  }
}

/** Whether the key must be there: a required option, or a section with one inside. */
function isNeeded(row: Row | NestedRow): boolean {
  if ('default' in row && row.default !== undefined) return false
  if (row.required === true) return true
  return row.kind === 'section' && row.optional !== true && Object.values(row.table).some(isNeeded)
}

function nested(key: string, row: NestedRow, choices: ChoiceSchemas): Schema {
  switch (row.kind) {
    case 'section': {
      const inner = section(row.table, choices)
      // An optional section that is null is absent, whatever it would have to have in it.
      return isNeeded(row) ? { ...inner, type: 'object' } : { ...inner, type: ['object', 'null'] }
    }
    case 'sections':
      return {
        type: orNull(row, 'array'),
        items: element(row, choices),
        ...(row.min === undefined ? {} : { minItems: row.min }),
        maxItems: row.max ?? MAX_ELEMENTS,
      }
    case 'named':
      return {
        type: orNull(row, 'object'),
        patternProperties: { [row.pattern]: section(row.table, choices) },
        additionalProperties: false,
        maxProperties: row.max ?? MAX_ELEMENTS,
      }
    case 'choice':
      return { ...free(key, row, choices), minProperties: 1, maxProperties: 1 }
    case 'choices':
      return free(key, row, choices)
  }
}

function orNull(row: NestedRow, type: string): unknown {
  return isNeeded(row) ? type : [type, 'null']
}

function element({ table, shorthand }: SectionsRow, choices: ChoiceSchemas): Schema {
  if (shorthand === undefined) return section(table, choices)
  return { anyOf: [{ type: 'string', description: table[shorthand].doc }, section(table, choices)] }
}

function free(key: string, row: ChoiceRow | ChoicesRow, choices: ChoiceSchemas): Schema {
  const known = Object.entries(choices).filter(([name]) => name.startsWith(`${key}.`))
  const properties = Object.fromEntries(known.map(([name, schema]) => [name.slice(key.length + 1), schema]))
  return { type: orNull(row, 'object'), ...(known.length === 0 ? {} : { properties }) }
}
