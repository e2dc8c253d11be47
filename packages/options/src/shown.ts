import type { Keys } from './error.ts'
import { formatList } from './list.ts'
import { formatOption } from './value.ts'
import type { Visit } from './walk.ts'

/** What stands in the file for a scalar, if that says more than its value: `${TAG}`. Undefined: show the value. */
export type Shown = (keys: Keys) => string | undefined

const HIDDEN = '(secret)'

// Rows of kind secret are known. In a scaler's options and in maps of variables, only names tell.
const SECRETIVE = /secret|token|passw|credential|private|api_?key/i

/** A value as a listing shows it, or null where it is absent. Never a secret. */
export function shownText({ row, keys }: Visit, value: unknown, shown: Shown): string | null {
  if (value === undefined || row === 'entry') return null
  if (row === 'free') return freeText(value, keys, shown)
  switch (row.kind) {
    case 'secret':
      return HIDDEN
    case 'strings':
      return listText(value as readonly unknown[], keys, shown)
    case 'map': {
      const entries = Object.entries(value as Readonly<Record<string, string>>).map(([name, text]) => {
        const at = [...keys, name]
        return `${name}=${freeText(text, at, shown)}`
      })
      return entries.length === 0 ? '{}' : plain(formatList(entries))
    }
    default:
      return plain(shown(keys) ?? formatOption(row as never, value as never))
  }
}

function freeText(value: unknown, keys: Keys, shown: Shown): string {
  if (Array.isArray(value)) return listText(value, keys, shown)
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0 ? '{}' : '…'
  if (typeof value === 'string' && SECRETIVE.test(String(keys.at(-1)))) return HIDDEN
  return plain(shown(keys) ?? String(value))
}

function listText(elements: readonly unknown[], keys: Keys, shown: Shown): string {
  if (elements.length === 0) return '[]'
  const texts = elements.map((element, at) => {
    if (typeof element === 'object' && element !== null) return '…'
    const text = String(element)
    const name = /^[^\s=]+(?==)/.exec(text)?.[0]
    if (name !== undefined && SECRETIVE.test(name)) return `${name}=${HIDDEN}`
    return SECRETIVE.test(String(keys.at(-1))) ? HIDDEN : (shown([...keys, at]) ?? text)
  })
  return plain(formatList(texts))
}

// What could move a terminal's cursor, or be taken for nothing, is quoted.
function plain(text: string): string {
  return text === '' || /\p{Cc}/u.test(text) ? JSON.stringify(text).replace(/[\x7f-\x9f]/g, escaped) : text
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
