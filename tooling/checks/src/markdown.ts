/** A fenced block of a page. */
export interface CodeBlock {
  readonly language: string
  readonly text: string
}

/** The fenced code blocks of a page, in order. */
export function codeBlocks(page: string): CodeBlock[] {
  return [...page.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, text]) => ({ language, text }))
}

/** A page without its fenced and indented code. */
export function prose(page: string): string {
  return page.replace(/^```.*?^```$/gms, '').replace(/^ {4}.*$/gm, '')
}

/** Where the links of a page point to, as they are written. */
export function links(page: string): string[] {
  return [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target)
}

/** What GitHub makes of the headings of a page, for links to them. */
export function anchors(page: string): string[] {
  return [...page.replace(/^```.*?^```$/gms, '').matchAll(/^#+ +(.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )
}

/** The rows of all tables of a page, as lists of cells without backticks; heads and rulers are left out. */
export function tableRows(page: string): string[][] {
  const lines = page.split('\n')
  return lines.flatMap((line, at) => {
    const isRow = line.startsWith('|') && !line.startsWith('|---') && !lines[at + 1]?.startsWith('|---')
    if (!isRow) return []
    const cells = line.split(/(?<!\\)\|/).slice(1, -1)
    return [cells.map((cell) => cell.trim().replaceAll('`', '').replaceAll('\\|', '|'))]
  })
}
