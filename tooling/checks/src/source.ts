/**
 * A TypeScript source without what only looks like code. `code` has comments blanked; `bare` has the contents of strings,
 * templates and regular expressions blanked as well. Both have the length and the lines of the source.
 */
export interface Source {
  readonly code: string
  readonly bare: string
}

/** A slash after one of these begins a regular expression; after anything else it divides. */
const BEFORE_REGEXP = /(?:^|[=([{,;:!&|?+*%~^<>-]|\b(?:return|typeof|case|in|of|void|throw|await|yield))$/

/** Splits a source by a scan that knows comments, strings, templates and regular expressions, and nothing else. */
export function readSource(text: string): Source {
  const code = text.split('')
  const bare = text.split('')
  /** For each template that is open, how many braces are open inside its `${`; innermost last. */
  const templates: number[] = []
  let at = 0
  while (at < text.length) {
    const char = text[at]
    if (text.startsWith('//', at) || text.startsWith('/*', at)) {
      const end = commentEnd(text, at)
      blank(code, at, end)
      blank(bare, at, end)
      at = end
    } else if (char === "'" || char === '"' || (char === '/' && BEFORE_REGEXP.test(wordBefore(code, at)))) {
      const end = literalEnd(text, at)
      blank(bare, at + 1, end)
      at = end + 1
    } else if (char === '`' || (char === '}' && templates.at(-1) === 0)) {
      if (char === '}') templates.pop()
      const end = templateEnd(text, at + 1)
      blank(bare, at + 1, end)
      if (text[end] === '$') templates.push(0)
      at = text[end] === '$' ? end + 2 : end + 1
    } else {
      if (templates.length > 0 && char === '{') templates[templates.length - 1]++
      if (templates.length > 0 && char === '}') templates[templates.length - 1]--
      at++
    }
  }
  return { code: code.join(''), bare: bare.join('') }
}

function commentEnd(text: string, from: number): number {
  const end = text[from + 1] === '/' ? text.indexOf('\n', from) : text.indexOf('*/', from + 2)
  if (end < 0) return text.length
  return text[from + 1] === '/' ? end : end + 2
}

/** Where a string or regular expression that begins at `from` has its closing quote or slash. */
function literalEnd(text: string, from: number): number {
  const quote = text[from]
  let isClass = false
  for (let end = from + 1; end < text.length; end++) {
    const char = text[end]
    if (char === '\\') end++
    else if (char === '\n') return end
    else if (quote === '/' && char === '[') isClass = true
    else if (quote === '/' && char === ']') isClass = false
    else if (char === quote && !isClass) return end
  }
  return text.length
}

/** Where the text of a template ends: at its backtick, or at the `${` that begins code. */
function templateEnd(text: string, from: number): number {
  for (let end = from; end < text.length; end++) {
    if (text[end] === '\\') end++
    else if (text[end] === '`' || text.startsWith('${', end)) return end
  }
  return text.length
}

function wordBefore(code: readonly string[], at: number): string {
  let end = at
  while (end > 0 && /\s/.test(code[end - 1])) end--
  return code.slice(Math.max(0, end - 10), end).join('')
}

function blank(chars: string[], from: number, to: number): void {
  for (let at = from; at < to; at++) if (chars[at] !== '\n') chars[at] = ' '
}
