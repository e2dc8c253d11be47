import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ErrorPages, loadErrorPages, MAX_PAGE_BYTES, MAX_PAGES } from './error-pages.ts'

const FIELDS = { reason: 'Not Found', detail: 'There is none.', requestId: 'id-1' }
const pages = (sources: Record<string, string>) => new ErrorPages(new Map(Object.entries(sources)))

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'brxy-pages-'))
})
afterEach(() => rm(directory, { recursive: true }))

const put = (name: string, content: string | Buffer) => writeFile(join(directory, name), content)
/** The error that loading ends with. */
const failure = () =>
  loadErrorPages(directory, 'defaults.errorPages').then(
    () => expect.fail('loaded'),
    (error) => error,
  )

describe('ErrorPages', () => {
  it('prefers the page of the status to that of its class', () => {
    const both = pages({ 404: 'four', '4xx': 'class 4', '5xx': 'class 5' })
    expect([404, 410, 503].map((status) => both.page(status, FIELDS))).toEqual(['four', 'class 4', 'class 5'])
  })

  it('has none for other statuses', () => {
    expect(pages({ 404: 'x' }).page(410, FIELDS)).toBeNull()
    expect(pages({ '5xx': 'x' }).page(404, FIELDS)).toBeNull()
  })

  it('fills in each placeholder wherever it stands', () => {
    const page = pages({ 404: '{{status}}{{ reason }}: {{detail}} [{{requestId}}, {{status}}]' })
    expect(page.page(404, FIELDS)).toBe('404Not Found: There is none. [id-1, 404]')
    expect(page.page(404, { ...FIELDS, reason: '{{detail}}' })).toContain('404{{detail}}: There')
  })

  it('escapes what it fills in, also inside an attribute', () => {
    const page = pages({ 503: `<a title="{{detail}}" class='{{reason}}'>` })
    expect(page.page(503, { ...FIELDS, detail: `<b>"&`, reason: `' x='` })).toBe(
      `<a title="&lt;b&gt;&quot;&amp;" class='&#39; x=&#39;'>`,
    )
  })

  it('leaves other braces alone', () => {
    const html = '<style>@media print{a{b:c}}</style><script>f({a: {{\n}}})</script>{ {status} }'
    expect(pages({ 500: html }).page(500, FIELDS)).toBe(html)
  })

  it.each(['{{stauts}}', '{{}}', '{{constructor}}', '{{status.code}}'])(
    'refuses the placeholder %s',
    (text) => {
      const make = () => pages({ '5xx': `<p>${text}</p>` })
      expect(make).toThrow(expect.objectContaining({ code: 'options/invalid', path: 'errorPages' }))
      expect(make).toThrow(`5xx.html has the placeholder \`${text}\``)
    },
  )
})

describe('loadErrorPages', () => {
  it('reads the pages, and leaves files of another kind alone', async () => {
    await put('404.html', 'nöt found {{requestId}}')
    await put('5xx.html', 'class 5')
    await put('logo.svg', '<svg/>')
    await mkdir(join(directory, 'fonts'))
    const loaded = await loadErrorPages(directory)
    expect(loaded.page(404, FIELDS)).toBe('nöt found id-1')
    expect(loaded.page(502, FIELDS)).toBe('class 5')
  })

  it('follows links, as mounted configuration has them', async () => {
    await mkdir(join(directory, '..data'))
    await put('..data/503.html', 'linked')
    await symlink('..data/503.html', join(directory, '503.html'))
    expect((await loadErrorPages(directory)).page(503, FIELDS)).toBe('linked')
  })

  it('reads once', async () => {
    await put('404.html', 'old')
    const loaded = await loadErrorPages(directory)
    await put('404.html', 'new')
    expect(loaded.page(404, FIELDS)).toBe('old')
  })

  it.each(['50x.html', '5XX.html', '200.html', '600.html', 'index.html', '3xx.html', '.html'])(
    'refuses a page that would never be shown: %s',
    async (name) => {
      await put(name, '')
      const error = await failure()
      expect(error).toMatchObject({ code: 'options/invalid', path: 'defaults.errorPages' })
      expect(error.message).toContain(
        `${join(directory, name)} is the page of no error; expected \`4xx.html\``,
      )
    },
  )

  it('refuses a page that is too large, and takes the largest', async () => {
    await put('404.html', Buffer.alloc(MAX_PAGE_BYTES, 'x'))
    expect((await loadErrorPages(directory)).page(404, FIELDS)).toHaveLength(MAX_PAGE_BYTES)
    await put('503.html', Buffer.alloc(MAX_PAGE_BYTES + 1, 'x'))
    expect((await failure()).message).toMatch(/503\.html is larger than 256 KiB/)
  })

  it('refuses more pages than it keeps', async () => {
    const name = (at: number) => `${400 + at}.html`
    await Promise.all(Array.from({ length: MAX_PAGES }, (_, at) => put(name(at), String(at))))
    expect((await loadErrorPages(directory)).page(449, FIELDS)).toBe('49')
    await put(name(MAX_PAGES), '')
    expect((await failure()).message).toMatch(/has 51 pages; expected at most 50/)
  })

  it('refuses what cannot be read', async () => {
    await mkdir(join(directory, '404.html'))
    expect(await failure()).toMatchObject({
      code: 'options/invalid',
      message: expect.stringMatching(/404\.html cannot be read: EISDIR/),
    })
    await expect(loadErrorPages(join(directory, 'none'))).rejects.toMatchObject({
      code: 'options/invalid',
      message: expect.stringMatching(/^errorPages: .*none cannot be read: ENOENT/),
      cause: expect.objectContaining({ code: 'ENOENT' }),
    })
  })

  it('refuses a page that is not UTF-8', async () => {
    await put('404.html', Buffer.from('nöt', 'latin1'))
    expect((await failure()).message).toMatch(/404\.html is not UTF-8/)
  })

  it('names the page with an unknown placeholder', async () => {
    await put('404.html', '{{id}}')
    expect((await failure()).message).toMatch(
      /^defaults\.errorPages: 404\.html has the placeholder `\{\{id}}`, which there is not; expected `\{\{status}}`/,
    )
  })
})
