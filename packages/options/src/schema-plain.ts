import { MAX_ELEMENTS, type Row } from './row.ts'

/** One JSON Schema object. */
export type Schema = Readonly<Record<string, unknown>>

/**
 * `$defs` that the schemas of plain rows refer to. The patterns are those of `parseDuration`, `parseBytes` and
 * `parseOption`.
 */
export const DEFINITIONS = {
  variable: {
    type: 'string',
    pattern: '\\$\\{',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of the file.
    description: 'A text with ${VAR}, ${VAR:-default} or ${VAR:?message} in it, which is filled in first.',
  },
  duration: {
    type: 'string',
    pattern: '^(0|[0-9]{1,15}(\\.[0-9]{1,15})?(ms|s|m|h))$',
    description: 'A duration: 500ms, 1.5s, 2m or 1h.',
  },
  size: {
    type: 'string',
    pattern: '^[0-9]{1,16}(\\.[0-9]{1,15})?(B|KiB|MiB|GiB|TiB)?$',
    description: 'A size: 65536, 64KiB, 512MiB or 1.5GiB.',
  },
  digits: { type: 'string', pattern: '^-?[0-9]{1,16}$', description: 'A whole number as text.' },
} as const

/** The schema of one plain row's value as a config file has it, null where that is absence. */
export function plainSchema(row: Row): Schema {
  const nothing = row.required === true && row.default === undefined ? [] : ['null']
  switch (row.kind) {
    case 'string':
      return { type: ['string', ...nothing] }
    case 'integer':
      return scalar({ type: ['integer', ...nothing], ...bounds(row, Number.MIN_SAFE_INTEGER) }, ref('digits'))
    case 'bytes':
      return scalar({ type: ['integer', ...nothing], ...bounds(row, 0) }, ref('size'))
    case 'duration':
      // The only number that needs no unit.
      return scalar({ enum: [...((row.min ?? 0) <= 0 ? [0] : []), ...nulls(nothing)] }, ref('duration'))
    case 'boolean':
      return scalar({ enum: [true, false, 'true', 'false', ...nulls(nothing)] })
    case 'enum':
      return scalar({ enum: [...row.values, ...nulls(nothing)] })
    case 'strings':
      return {
        type: ['array', ...nothing],
        items: { type: 'string' },
        ...(row.min === undefined ? {} : { minItems: row.min }),
        maxItems: row.max ?? MAX_ELEMENTS,
      }
    case 'map':
      return {
        type: ['object', ...nothing],
        additionalProperties: { type: 'string' },
        maxProperties: row.max ?? MAX_ELEMENTS,
      }
    case 'secret':
      return { anyOf: [{ type: ['string', ...nothing] }, elsewhere('file'), elsewhere('env')] }
  }
}

/** A value that variables may give. */
function scalar(...schemas: Schema[]): Schema {
  const possible = schemas.filter((schema) => !Array.isArray(schema.enum) || schema.enum.length > 0)
  return { anyOf: [...possible, ref('variable')] }
}

function ref(name: keyof typeof DEFINITIONS): Schema {
  return { $ref: `#/$defs/${name}` }
}

function nulls(nothing: readonly string[]): readonly null[] {
  return nothing.map(() => null)
}

function bounds(row: Row & { kind: 'integer' | 'bytes' }, least: number): Schema {
  return { minimum: row.min ?? least, maximum: row.max ?? Number.MAX_SAFE_INTEGER }
}

function elsewhere(key: 'file' | 'env'): Schema {
  return {
    type: 'object',
    properties: { [key]: { type: 'string' } },
    required: [key],
    additionalProperties: false,
  }
}
