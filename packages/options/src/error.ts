const BRAND: unique symbol = Symbol.for('brxy.error')

/** What is wrong: a name nobody knows, a value outside its row, or a required one that is absent. */
export type OptionsErrorCode = 'options/unknown' | 'options/invalid' | 'options/missing'

/**
 * A user's mistake in an option, wherever it was written. The message names the place, the value, what is
 * expected and the remedy; a secret's value is never in it.
 *
 * Branded with `Symbol.for('brxy.error')`, as every brxy error, so that another copy of this package is recognised.
 */
export class OptionsError extends Error {
  override readonly name = 'OptionsError'
  readonly [BRAND] = true
  readonly code: OptionsErrorCode
  /** What is wrong and what to write instead: the message without the place. */
  readonly detail: string
  /** Where it was written: `--hold`, `BRXY_HOLD`, `apps.shop.hold`, or the option's own name. */
  readonly path: string
  /** The way to it inside the section of a config file that was read, or empty: to find its line. */
  readonly keys: Keys
  /** The same input fails again. */
  readonly retryable = false

  /**
   * @param detail the message is `path: detail`
   */
  constructor(
    code: OptionsErrorCode,
    path: string,
    detail: string,
    { keys = [], ...options }: { cause?: unknown; keys?: Keys } = {},
  ) {
    super(path === '' ? detail : `${path}: ${detail}`, options)
    this.code = code
    this.detail = detail
    this.path = path
    this.keys = keys
  }

  /** The same error, with the way to it. */
  at(keys: Keys): OptionsError {
    if (this.keys.length > 0) return this
    const cause = this.cause === undefined ? {} : { cause: this.cause }
    return new OptionsError(this.code, this.path, this.detail, { keys, ...cause })
  }
}

/** The error for a required option that nobody gave; `ways` completes `give ...` where there are several. */
export function missing(path: string, ways: readonly string[] = [], keys: Keys = []): OptionsError {
  const detail = `is required${ways.length === 0 ? '' : `; give ${ways.join(' or ')}`}`
  return new OptionsError('options/missing', path, detail, { keys })
}

/** What becomes of a mistake where nobody collects them. */
export function rethrow(error: OptionsError): never {
  throw error
}

/** The way to a value in a config file: keys of mappings, and numbers of list elements from 0. */
export type Keys = readonly (string | number)[]

/** Longest piece of a user's value that an error repeats, in characters. */
const MAX_QUOTED = 80

/** A user's value as an error shows it: quoted, on one line, cut after 80 characters. */
export function quote(value: unknown): string {
  if (typeof value !== 'string') return describe(value)
  return JSON.stringify(value.length > MAX_QUOTED ? `${value.slice(0, MAX_QUOTED)}…` : value)
}

function describe(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a mapping'
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`
  return String(value)
}

/** A path one level deeper: `apps.shop` and `hold` give `apps.shop.hold`; an empty parent gives the name itself. */
export function joinPath(parent: string, name: string | number): string {
  if (typeof name === 'number') return `${parent}[${name}]`
  // A name with dots in it would read as several.
  const step = /^[\w-]+$/.test(name) || parent === '' ? name : `[${JSON.stringify(name)}]`
  if (step !== name) return `${parent}${step}`
  return parent === '' ? name : `${parent}.${name}`
}

/** The path of keys, as people write it: `apps.shop.paths[0].prefix`. @param from what the keys start at */
export function pathOf(keys: Keys, from = ''): string {
  return keys.reduce<string>(joinPath, from)
}

/** A mistake at a place of the config file, from its top. */
export function wrongAt(
  keys: Keys,
  detail: string,
  { code = 'options/invalid', cause }: { code?: OptionsErrorCode; cause?: unknown } = {},
): OptionsError {
  return new OptionsError(code, pathOf(keys), detail, { keys, ...(cause === undefined ? {} : { cause }) })
}
