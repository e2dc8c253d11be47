/** Longest word compared, in characters: the comparison costs the product of both lengths. */
const MAX_WORD = 64

/**
 * The candidate that a mistyped word most likely means: the nearest by inserted, dropped, changed and swapped letters,
 * if at most a third of the word is wrong; else one that the word begins, or undefined.
 */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length === 0 || word.length > MAX_WORD) return undefined
  const typed = word.toLowerCase()
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1
  let begun: string | undefined
  for (const candidate of candidates) {
    if (candidate.length > MAX_WORD) continue
    const known = candidate.toLowerCase()
    const distance = editDistance(typed, known)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
    if (typed.length >= 2 && known.startsWith(typed)) begun ??= candidate
  }
  return best ?? begun
}

/** `; did you mean X?` or nothing, to end an error with. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const meant = suggest(word, candidates)
  return meant === undefined ? '' : `; did you mean ${meant}?`
}

/**
 * Damerau-Levenshtein distance with adjacent swaps (optimal string alignment): each row of the table needs only the two
 * before it.
 */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let distance = Math.min(last[column] + 1, current[column - 1] + 1, last[column - 1] + (same ? 0 : 1))
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) distance = Math.min(distance, beforeLast[column - 2] + 1)
      current.push(distance)
    }
    beforeLast = last
    last = current
  }
  return last[b.length]
}
