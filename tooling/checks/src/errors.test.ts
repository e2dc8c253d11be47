import { describe, expect, it } from 'vitest'
import { tableRows } from './markdown.ts'
import { readSource } from './source.ts'
import { publishedPackages, read } from './tree.ts'

const page = read('docs/errors.md')
const rows = tableRows(page)
const CODE = /^(?:http1|protocol|bug|edge|token|link|options|scaler|config|admin)\/[a-z0-9][a-z0-9.-]*$/
const listed = rows.map(([code]) => code).filter((code) => CODE.test(code))
const documented = new Set(listed)

/** Every string of the published sources that is an error code. */
const coded = new Set(
  publishedPackages()
    .flatMap((each) => each.sources)
    .flatMap(({ text }) => readSource(text).code.match(/(?<=')[a-z0-9]+\/[a-z0-9.-]+(?=')/g) ?? [])
    .filter((code) => CODE.test(code)),
)

describe('docs/errors.md', () => {
  it('has every error code of the sources', () => {
    expect([...coded].filter((code) => !documented.has(code))).toEqual([])
  })

  it('has no error code that the sources do not have', () => {
    expect([...documented].filter((code) => !coded.has(code))).toEqual([])
    expect(documented.size).toBeGreaterThan(80)
  })

  it('has each error code once', () => {
    expect(listed.filter((code, at) => listed.indexOf(code) !== at)).toEqual([])
  })

  it('says of each error what it means', () => {
    for (const row of rows.filter(([code]) => CODE.test(code)))
      expect(row.at(-1), row[0]).toMatch(/\w{3}.*\.$/)
  })

  it('has the class of each start problem, with the text that clients read', () => {
    const contract = read('packages/scaler/src/contract.ts')
    const union = /interface Problem \{.*?readonly code:(.*?)\n {2}\/\*\*/s.exec(contract)?.[1] ?? ''
    const classes = [...union.matchAll(/'([a-z]+)'/g)].map(([, name]) => name)
    const section = page.slice(
      page.indexOf('\n### Why an app cannot be started'),
      page.indexOf('\n## Requests that'),
    )
    const table = tableRows(section)
    expect(table.map(([name]) => name)).toEqual(classes)
    const response = read('packages/edge/src/forward/error-response.ts')
    for (const [name, text] of table)
      if (name !== 'other') expect(response, name).toContain(`${name}: '${text}'`)
  })
})
