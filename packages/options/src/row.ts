/** What every row with a plain value says, whatever its kind. */
interface RowBase {
  /** One sentence for `--help` and the docs, ending in a full stop. */
  readonly doc: string
  /** true: a flag named after the option; a string: a flag of that name. Absent: environment and config file only. */
  readonly flag?: boolean | string
  /** One letter: the short flag. */
  readonly alias?: string
  /** Environment variable; default `BRXY_` and the flag's name in capitals. */
  readonly env?: string
  /** Key in the config file; default the option's name without its unit (`holdMs` is `hold`). */
  readonly key?: string
  /** What stands for the value in `--help`: `N` in `--max N`. */
  readonly placeholder?: string
  /** Heading under which `--help` lists it. */
  readonly group?: string
  /** Absence is an error (`options/missing`) instead of `undefined`. */
  readonly required?: boolean
  /** The section whose value stands where this one is absent (`defaults`): a row of an `inheriting` table. */
  readonly inherits?: string
}

interface NumberRow extends RowBase {
  readonly default?: number | undefined
  /** Smallest allowed value, in the row's unit. */
  readonly min?: number
  /** Largest allowed value, in the row's unit. */
  readonly max?: number
}

/** Any text, kept as it is. */
export interface StringRow extends RowBase {
  readonly kind: 'string'
  readonly default?: string | undefined
}
/** A whole number in decimal digits. */
export interface IntegerRow extends NumberRow {
  readonly kind: 'integer'
}
/** Milliseconds; as text `100ms`, `1.5s`, `2m`, `1h`. The option's name ends in `Ms`. */
export interface DurationRow extends NumberRow {
  readonly kind: 'duration'
}
/** Bytes; as text `64KiB`, `512MiB`, `1GiB` or a plain number. The option's name ends in `Bytes`. */
export interface BytesRow extends NumberRow {
  readonly kind: 'bytes'
}
/** `true` or `false`; as a flag `--x` or `--no-x`. */
export interface BooleanRow extends RowBase {
  readonly kind: 'boolean'
  readonly default?: boolean | undefined
}
/** One of `values`. */
export interface EnumRow extends RowBase {
  readonly kind: 'enum'
  readonly values: readonly string[]
  readonly default?: string | undefined
}
/** A list of texts: a flag that may be repeated; `a,b` in the environment. */
export interface StringsRow extends RowBase {
  readonly kind: 'strings'
  readonly default?: readonly string[] | undefined
  /** Fewest elements. */
  readonly min?: number
  /** Most elements (default {@link MAX_ELEMENTS}). */
  readonly max?: number
}
/** Names and texts: `--env A=1 --env B=2`; `A=1,B=2` in the environment. */
export interface MapRow extends RowBase {
  readonly kind: 'map'
  readonly default?: Readonly<Record<string, string>> | undefined
  /** Most entries (default {@link MAX_ELEMENTS}). */
  readonly max?: number
}
/** Text that is never printed; also read from the file that `<ENV>_FILE` names. Has no default. */
export interface SecretRow extends RowBase {
  readonly kind: 'secret'
  readonly default?: undefined
}

/** One option with a plain value: the only place where it is described. */
export type Row =
  | StringRow
  | IntegerRow
  | DurationRow
  | BytesRow
  | BooleanRow
  | EnumRow
  | StringsRow
  | MapRow
  | SecretRow

/** What a row says that holds other options. Only a config file and code can give these. */
type NestedBase = Pick<RowBase, 'doc' | 'key' | 'required' | 'inherits'>

/** Options of their own under one key: `queue: { requests: 10 }`. Without it they have their defaults. */
export interface SectionRow extends NestedBase {
  readonly kind: 'section'
  readonly table: OptionsTable
  /** Without the section its value is undefined. */
  readonly optional?: boolean
}
/** A list of sections: `listen: [{ bind: ":80" }]`. */
export interface SectionsRow extends RowBase {
  readonly kind: 'sections'
  readonly table: OptionsTable
  /** The one option that an element which is plain text gives: `listen: [":80"]`. Needed for a flag. */
  readonly shorthand?: string
  readonly default?: readonly Readonly<Record<string, unknown>>[]
  /** Fewest elements. */
  readonly min?: number
  /** Most elements (default {@link MAX_ELEMENTS}). */
  readonly max?: number
}
/** Sections with names that the user chooses: `apps: { shop: { max: 3 } }`. */
export interface NamedRow extends NestedBase {
  readonly kind: 'named'
  readonly table: OptionsTable
  /** What stands for a name in the docs: `NAME`. */
  readonly placeholder: string
  /** A name that may be used, as the source of a regular expression with the `u` flag (as in a JSON schema). */
  readonly pattern: string
  /** What the pattern allows, to end an error with: `lower case letters, digits, ...`. */
  readonly patternDoc: string
  /** Most entries (default {@link MAX_ELEMENTS}). */
  readonly max?: number
}
/** One name with options that somebody else validates: `scaler: { docker: { image: x } }`. */
export interface ChoiceRow extends NestedBase {
  readonly kind: 'choice'
  readonly placeholder: string
}
/** Names with options that somebody else validates: `scalers: { docker: { socket: x } }`. */
export interface ChoicesRow extends NestedBase {
  readonly kind: 'choices'
  readonly placeholder: string
}
export type NestedRow = SectionRow | SectionsRow | NamedRow | ChoiceRow | ChoicesRow

/** A package's options by name. Names are camelCase with the unit last: `holdMs`, `bufferedBytes`, `maxApps`. */
export type OptionsTable = Readonly<Record<string, Row | NestedRow>>

/** Most elements of a list or entries of a map whose row says nothing else. */
export const MAX_ELEMENTS = 1_000

/** What a {@link ChoiceRow} gives: the name, and its options as they were written. */
export interface Choice {
  readonly name: string
  readonly options: unknown
}

/** The type of one plain row's value, when there is one. */
export type OptionValue<R> = R extends { kind: 'enum'; values: readonly (infer V)[] }
  ? V
  : R extends { kind: 'integer' | 'duration' | 'bytes' }
    ? number
    : R extends { kind: 'boolean' }
      ? boolean
      : R extends { kind: 'strings' }
        ? readonly string[]
        : R extends { kind: 'map' }
          ? Readonly<Record<string, string>>
          : string

// What is absent in an inheriting table is undefined, not empty; but its sections are there, to be looked into.
type Resolved<R> = R extends { inherits: string }
  ? R extends { kind: 'section' }
    ? Own<R>
    : Own<R> | undefined
  : Own<R>

type Own<R> = R extends { kind: 'section'; table: infer T extends OptionsTable }
  ? R extends { optional: true }
    ? Options<T> | undefined
    : Options<T>
  : R extends { kind: 'sections'; table: infer T extends OptionsTable }
    ? readonly Options<T>[]
    : R extends { kind: 'named'; table: infer T extends OptionsTable }
      ? Readonly<Record<string, Options<T>>>
      : R extends { kind: 'choice' }
        ? R extends { required: true }
          ? Choice
          : Choice | undefined
        : R extends { kind: 'choices' }
          ? Readonly<Record<string, unknown>>
          : R extends { required: true } | { default: NonNullable<unknown> }
            ? OptionValue<R>
            : OptionValue<R> | undefined

type Given<R> = R extends { kind: 'section'; table: infer T extends OptionsTable }
  ? OptionsInput<T>
  : R extends { kind: 'sections'; table: infer T extends OptionsTable }
    ? readonly OptionsInput<T>[]
    : R extends { kind: 'named'; table: infer T extends OptionsTable }
      ? Readonly<Record<string, OptionsInput<T>>>
      : R extends { kind: 'choice' }
        ? Choice
        : R extends { kind: 'choices' }
          ? Readonly<Record<string, unknown>>
          : OptionValue<R>

/** A table's values after validation: each name is there; without default and not required it may be undefined. */
export type Options<T extends OptionsTable> = { readonly [N in keyof T]: Resolved<T[N]> }

/** A table's values as a caller gives them: all optional, undefined counts as absent. */
export type OptionsInput<T extends OptionsTable> = { readonly [N in keyof T]?: Given<T[N]> | undefined }

/** Whether a row holds other options. */
export function isNested(row: Row | NestedRow): row is NestedRow {
  return (
    row.kind === 'section' ||
    row.kind === 'sections' ||
    row.kind === 'named' ||
    row.kind === 'choice' ||
    row.kind === 'choices'
  )
}
