import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { OptionsError } from '@brxy/options'

/** Bytes of one page at most. */
export const MAX_PAGE_BYTES = 256 * 1024
/** Pages of one directory at most: all stay in memory. */
export const MAX_PAGES = 50

/** What a page is filled in with, beside the status. */
export interface PageFields {
  /** `Service Unavailable` */
  readonly reason: string
  /** One sentence for the client. */
  readonly detail: string
  readonly requestId: string
}

const SUFFIX = '.html'
const PAGE_NAME = /^[45](?:\d\d|xx)\.html$/
/** Longest text between the braces that is taken for a placeholder, and not for something of a script. */
const PLACEHOLDER = /\{\{([^{}\n]{0,100})\}\}/g
const PLACEHOLDERS = ['status', 'reason', 'detail', 'requestId'] as const

type Placeholder = (typeof PLACEHOLDERS)[number]

/** Pieces of text, and between each two of them a placeholder. */
interface Template {
  readonly texts: readonly string[]
  readonly between: readonly Placeholder[]
}

/**
 * An operator's own pages for browsers, instead of the edge's small one. Read once; a reload reads again.
 * Made by {@link loadErrorPages}.
 */
export class ErrorPages {
  readonly #templates: ReadonlyMap<string, Template>

  /** @param sources HTML by the name of the page: `503`, `5xx`. @throws OptionsError for an unknown placeholder */
  constructor(sources: ReadonlyMap<string, string>, path = 'errorPages') {
    this.#templates = new Map(
      [...sources].map(([name, html]) => [name, parseTemplate(html, `${name}${SUFFIX}`, path)]),
    )
  }

  /** The page for a status: its own (`503`), or that of its class (`5xx`); null if there is neither. */
  page(status: number, fields: PageFields): string | null {
    const template =
      this.#templates.get(String(status)) ?? this.#templates.get(`${Math.floor(status / 100)}xx`)
    if (template === undefined) return null
    const { texts, between } = template
    let html = texts[0] as string
    for (const [at, name] of between.entries()) {
      html += escapeHtml(name === 'status' ? String(status) : fields[name]) + texts[at + 1]
    }
    return html
  }
}

/**
 * Reads the pages of a directory: `404.html` and the like, `4xx.html`, `5xx.html`. Files that do not end in `.html`
 * (images, a README) are left alone; a name such as `50x.html` is an error, for it would never be shown.
 *
 * @param path the option, for errors: `apps.shop.errorPages`
 * @throws OptionsError `options/invalid`: unreadable, another name, too large, too many, not UTF-8, an unknown
 *   placeholder
 */
export async function loadErrorPages(directory: string, path = 'errorPages'): Promise<ErrorPages> {
  const names = (await reading(directory, path, () => readdir(directory))).filter((name) =>
    name.endsWith(SUFFIX),
  )
  for (const name of names) {
    if (PAGE_NAME.test(name)) continue
    const expected = 'expected `4xx.html`, `5xx.html`, or a status from 400 to 599 such as `503.html`'
    throw invalid(path, `${join(directory, name)} is the page of no error; ${expected}`)
  }
  if (names.length > MAX_PAGES) {
    throw invalid(path, `${directory} has ${names.length} pages; expected at most ${MAX_PAGES}`)
  }
  const sources = new Map<string, string>()
  for (const name of names)
    sources.set(name.slice(0, -SUFFIX.length), await readPage(join(directory, name), path))
  return new ErrorPages(sources, path)
}

async function readPage(file: string, path: string): Promise<string> {
  const bytes = await reading(file, path, async () => {
    const { size } = await stat(file)
    return size > MAX_PAGE_BYTES ? null : readFile(file)
  })
  // Once more: it may have grown.
  if (bytes === null || bytes.length > MAX_PAGE_BYTES) {
    throw invalid(path, `${file} is larger than ${MAX_PAGE_BYTES / 1024} KiB; pages are kept in memory`)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw invalid(path, `${file} is not UTF-8, which it is sent as`, cause)
  }
}

async function reading<T>(what: string, path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    throw invalid(path, `${what} cannot be read: ${(cause as Error).message}`, cause)
  }
}

function parseTemplate(html: string, file: string, path: string): Template {
  const texts: string[] = []
  const between: Placeholder[] = []
  let at = 0
  for (const match of html.matchAll(PLACEHOLDER)) {
    const name = (match[1] as string).trim()
    if (!isPlaceholder(name)) {
      const known = PLACEHOLDERS.map((known) => `\`{{${known}}}\``).join(', ')
      throw invalid(
        path,
        `${file} has the placeholder \`${match[0]}\`, which there is not; expected ${known}`,
      )
    }
    texts.push(html.slice(at, match.index))
    between.push(name)
    at = match.index + match[0].length
  }
  texts.push(html.slice(at))
  return { texts, between }
}

function isPlaceholder(name: string): name is Placeholder {
  return (PLACEHOLDERS as readonly string[]).includes(name)
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** So that it is text anywhere in a page, in the value of an attribute too. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] as string)
}

function invalid(path: string, detail: string, cause?: unknown): OptionsError {
  return new OptionsError('options/invalid', path, detail, { cause })
}
