import { formatBytes, parseBytes } from './bytes.ts'
import { formatDuration, parseDuration } from './duration.ts'
import { OptionsError, quote } from './error.ts'
import { formatList, parseEntries, parseList } from './list.ts'
import { MAX_ELEMENTS, type OptionValue, type Row } from './row.ts'
import { suggest } from './suggest.ts'

/**
 * Reads one option's text (a flag's value, an environment variable, a scalar of the config file). Nothing is guessed:
 * a duration without a unit or a number with an exponent is an error.
 *
 * @param path where it was written, for the error: `--hold`, `BRXY_HOLD`, `apps.shop.hold`
 * @throws OptionsError `options/invalid`
 */
export function parseOption<R extends Row>(path: string, row: R, text: string): OptionValue<R> {
  const value = textToValue(row, text)
  const why = value instanceof Wrong ? value.why : whyWrong(row, value)
  if (why !== undefined) throw invalid(path, `${shown(row, text)} ${why}`)
  return value as OptionValue<R>
}

/**
 * Writes a value as the text that {@link parseOption} reads back to the same value: 50000 as `50s`. A secret is written
 * as `(secret)`, which does not read back.
 */
export function formatOption<R extends Row>(row: R, value: OptionValue<R>): string {
  const given: unknown = value
  switch (row.kind) {
    case 'duration':
      return formatDuration(given as number)
    case 'bytes':
      return formatBytes(given as number)
    case 'strings':
      return formatList(given as readonly string[])
    case 'map':
      return formatList(
        Object.entries(given as Record<string, string>).map(([name, text]) => `${name}=${text}`),
      )
    case 'secret':
      return '(secret)'
    default:
      return String(given)
  }
}

/**
 * Checks a value that is already of its type (a number of milliseconds, not `50s`).
 *
 * @throws OptionsError `options/invalid`
 */
export function checkOption<R extends Row>(path: string, row: R, value: unknown): OptionValue<R> {
  const why = whyWrong(row, value)
  if (why !== undefined) throw invalid(path, `${shown(row, value)} ${why}`)
  return value as OptionValue<R>
}

/** A reason instead of a value; it completes the sentence that starts with the value. */
class Wrong {
  readonly why: string
  constructor(why: string) {
    this.why = why
  }
}

function textToValue(row: Row, text: string): unknown {
  switch (row.kind) {
    case 'integer':
      return /^-?\d{1,16}$/.test(text) ? Number(text) : new Wrong('is not a whole number in decimal digits')
    case 'duration':
      return orWrong(parseDuration(text))
    case 'bytes':
      return orWrong(parseBytes(text))
    case 'boolean':
      if (text === 'true') return true
      return text === 'false' ? false : new Wrong('is neither true nor false')
    case 'strings':
      return orWrong(parseList(text))
    case 'map': {
      const elements = parseList(text)
      if (typeof elements === 'string') return new Wrong(elements)
      const entries = parseEntries(elements)
      return typeof entries === 'string' ? new Wrong(`cannot be read: ${entries}`) : entries
    }
    default:
      return text
  }
}

function orWrong<V>(result: V | string): V | Wrong {
  return typeof result === 'string' ? new Wrong(result) : result
}

function whyWrong(row: Row, value: unknown): string | undefined {
  switch (row.kind) {
    case 'integer':
    case 'duration':
    case 'bytes':
      return whyWrongNumber(row, value)
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'must be true or false'
    case 'enum':
      return whyWrongWord(row.values, value)
    case 'strings':
      if (!Array.isArray(value) || !value.every((element) => typeof element === 'string')) {
        return 'must be a list of strings'
      }
      if (value.some(hasNul)) return HAS_NUL
      return whyWrongCount(value.length, row.min ?? 0, row.max ?? MAX_ELEMENTS)
    case 'map':
      if (!isStringMap(value)) return 'must map names to strings'
      if (Object.entries(value).flat().some(hasNul)) return HAS_NUL
      return whyWrongCount(Object.keys(value).length, 0, row.max ?? MAX_ELEMENTS)
    case 'string':
    case 'secret':
      if (typeof value !== 'string') return 'must be a string'
      return hasNul(value) ? HAS_NUL : undefined
  }
}

const HAS_NUL = 'contains a NUL character'

// The operating system cannot carry it in arguments, environment or paths.
function hasNul(text: string): boolean {
  return text.includes('\0')
}

const NUMBER_NOUN = {
  integer: 'number',
  duration: 'number of milliseconds',
  bytes: 'number of bytes',
} as const

function whyWrongNumber(
  row: Row & { kind: 'integer' | 'duration' | 'bytes' },
  value: unknown,
): string | undefined {
  if (!Number.isSafeInteger(value)) return `must be a whole ${NUMBER_NOUN[row.kind]}`
  const number = value as number
  const min = row.min ?? (row.kind === 'integer' ? Number.MIN_SAFE_INTEGER : 0)
  const max = row.max ?? Number.MAX_SAFE_INTEGER
  if (number < min) return `is below the minimum; give at least ${formatOption(row, min)}`
  if (number > max) return `is above the maximum; give at most ${formatOption(row, max)}`
  return undefined
}

function whyWrongWord(values: readonly string[], value: unknown): string | undefined {
  if (typeof value === 'string' && values.includes(value)) return undefined
  const meant = typeof value === 'string' ? suggest(value, values) : undefined
  return `must be one of ${values.join(', ')}${meant === undefined ? '' : `; did you mean ${meant}?`}`
}

/** Why a list or map of so many elements is wrong. */
export function whyWrongCount(count: number, min: number, max: number): string | undefined {
  if (count < min) return `must have at least ${min} ${min === 1 ? 'element' : 'elements'}`
  return count > max ? `has ${count} elements; at most ${max} are allowed` : undefined
}

function isStringMap(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every((element) => typeof element === 'string')
}

function shown(row: Row, value: unknown): string {
  return row.kind === 'secret' ? 'the value' : quote(value)
}

function invalid(path: string, detail: string): OptionsError {
  return new OptionsError('options/invalid', path, detail)
}
