/** Bytes in each unit that text may carry, largest first. */
const UNITS = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
  ['B', 1],
] as const

/**
 * Reads `64KiB`, `512MiB`, `1.5GiB` or a plain number of bytes. `KB` and `k` are refused: they mean 1000 to some and
 * 1024 to others.
 *
 * @returns whole bytes, or why the text is none, as a sentence that completes `"64k" ...`
 */
export function parseBytes(text: string): number | string {
  const match = /^(\d{1,16}(?:\.\d{1,15})?)([A-Za-z]*)$/.exec(text)
  if (match === null) return 'is not a size; write for example 65536, 64KiB or 512MiB'
  const [, digits, suffix] = match
  const unit = UNITS.find(([word]) => word === (suffix === '' ? 'B' : suffix))
  if (unit === undefined) {
    const meant = UNITS.find(([word]) => word[0] === suffix[0].toUpperCase())?.[0]
    return `has an unknown unit "${suffix}"; ${meant === undefined ? 'use KiB, MiB or GiB' : `write ${digits}${meant}`}`
  }
  const bytes = Number(digits) * unit[1]
  if (!Number.isInteger(bytes)) return 'is not a whole number of bytes'
  return Number.isSafeInteger(bytes) ? bytes : 'is too large'
}

/** Writes bytes with the largest unit that needs no fraction: 65536 is `64KiB`, 1000 is `1000`. */
export function formatBytes(bytes: number): string {
  if (bytes === 0) return '0'
  const [word, size] = UNITS.find(([, unitBytes]) => bytes % unitBytes === 0) ?? ['B', 1]
  return size === 1 ? String(bytes) : `${bytes / size}${word}`
}
