import { quote } from './error.ts'

// One text for a list, as an environment variable needs: `a,b`. An element that the commas cannot carry (it holds a
// comma, outer spaces, or nothing) makes the whole a JSON array. A list in commas cannot start with `["` by accident,
// while `[::1]:80` must stay an address: hence the two characters.

/**
 * Reads `a,b` or `["a","b,c"]`; nothing at all is the empty list.
 *
 * @returns the elements, or why there are none, as a sentence that completes `"a,,b" ...`
 */
export function parseList(text: string): readonly string[] | string {
  const trimmed = text.trim()
  if (trimmed === '' || trimmed === '[]') return []
  if (/^\[\s*"/.test(trimmed)) return parseJson(trimmed)
  const elements = trimmed.split(',').map((element) => element.trim())
  return elements.includes('') ? 'has an empty element; write a,b or ["a","b"]' : elements
}

/** Writes `a,b`, or JSON if an element needs it. */
export function formatList(elements: readonly string[]): string {
  const text = elements.join(',')
  const back = parseList(text)
  const same =
    typeof back !== 'string' &&
    back.length === elements.length &&
    back.every((element, at) => element === elements[at])
  return same ? text : JSON.stringify(elements)
}

/**
 * Turns `NAME=value` texts into a map; the first `=` divides.
 *
 * @returns the map, or what is wrong, as a whole clause
 */
export function parseEntries(elements: readonly string[]): Readonly<Record<string, string>> | string {
  const entries = new Map<string, string>()
  for (const element of elements) {
    const at = element.indexOf('=')
    if (at < 1) return `${quote(element)} is not NAME=value`
    const name = element.slice(0, at)
    if (entries.has(name)) return `${quote(name)} is given twice`
    entries.set(name, element.slice(at + 1))
  }
  return Object.fromEntries(entries)
}

function parseJson(text: string): readonly string[] | string {
  try {
    const value: unknown = JSON.parse(text)
    if (Array.isArray(value) && value.every((element) => typeof element === 'string')) return value
    return 'must hold only strings'
  } catch {
    return 'is not a JSON list; write a,b or ["a","b"]'
  }
}
