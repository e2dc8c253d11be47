/** Milliseconds in each unit that text may carry, largest first. */
const UNITS = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const

/**
 * Reads `100ms`, `1.5s`, `2m` or `1h`; only `0` needs no unit.
 *
 * @returns whole milliseconds, or why the text is none, as a sentence that completes `"50" ...`
 */
export function parseDuration(text: string): number | string {
  if (text === '0') return 0
  const match = /^(\d{1,15}(?:\.\d{1,15})?)([A-Za-z]*)$/.exec(text)
  if (match === null) return 'is not a duration; write for example 500ms, 50s, 2m or 1h'
  const [, digits, suffix] = match
  if (suffix === '') return `has no unit; write ${digits}s or ${digits}ms`
  const unit = UNITS.find(([word]) => word === suffix)
  if (unit === undefined) return `has an unknown unit "${suffix}"; use ms, s, m or h`
  const ms = Number(digits) * unit[1]
  const whole = Math.round(ms)
  // Binary fractions: 1.005 * 1000 is 1004.9999999999999, which is meant to be 1005.
  if (Math.abs(ms - whole) > 1e-6) return 'is not a whole number of milliseconds'
  return Number.isSafeInteger(whole) ? whole : 'is too long'
}

/** Writes milliseconds with the largest unit that needs no fraction: 50000 is `50s`, 90000 is `90s`, 1500 is `1500ms`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  const [word, size] = UNITS.find(([, unitMs]) => ms % unitMs === 0) ?? ['ms', 1]
  return `${ms / size}${word}`
}
