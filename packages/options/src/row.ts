/** What every row says, whatever its kind. */
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

/** One option: the only place where it is described. */
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

/** A package's options by name. Names are camelCase with the unit last: `holdMs`, `bufferedBytes`, `maxApps`. */
export type OptionsTable = Readonly<Record<string, Row>>

/** Most elements of a list or entries of a map whose row says nothing else. */
export const MAX_ELEMENTS = 1_000

/** The type of one row's value, when there is one. */
export type OptionValue<R extends Row> = R extends { kind: 'enum'; values: readonly (infer V)[] }
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

type Resolved<R extends Row> = R extends { required: true } | { default: NonNullable<unknown> }
  ? OptionValue<R>
  : OptionValue<R> | undefined

/** A table's values after validation: each name is there; without default and not required it may be undefined. */
export type Options<T extends OptionsTable> = { readonly [N in keyof T]: Resolved<T[N]> }

/** A table's values as a caller gives them: all optional, undefined counts as absent. */
export type OptionsInput<T extends OptionsTable> = { readonly [N in keyof T]?: OptionValue<T[N]> | undefined }
