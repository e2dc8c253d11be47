import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { links, tableRows } from './markdown.ts'
import { filesUnder, ROOT, read } from './tree.ts'

const page = read('docs/reliability.md')
const section = page.slice(
  page.indexOf('\n## How each promise is tested\n'),
  page.indexOf('\n## How it is proved'),
)
const rows = tableRows(section)

/** The files that a cell of the page links to, from the root. */
const filesOf = (cell: string): string[] => links(cell).map((link) => join('docs', link))

describe('docs/reliability.md', () => {
  it.each(rows)('names tests that exist, for: %s', (_promise, tests) => {
    const files = filesOf(tests)
    expect(files.length).toBeGreaterThan(0)
    expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([])
    expect(files.filter((file) => !/\.test\.ts$|^tooling\/sim\/src\//.test(file))).toEqual([])
  })

  it('names each of them as what it is', () => {
    const wrong = [...section.matchAll(/\[([^\]]+)\]\(([^)]+\.ts)\)/g)].filter(([, name, link]) => {
      const file = link
        .split('/')
        .at(-1)
        ?.replace(/(\.property)?(\.test)?\.ts$/, '')
      return name !== file
    })
    expect(wrong.map(([text]) => text)).toEqual([])
  })

  it('makes each promise once', () => {
    const promises = rows.map(([promise]) => promise)
    expect(promises.filter((promise, at) => promises.indexOf(promise) !== at)).toEqual([])
    expect(promises.length).toBeGreaterThan(40)
  })

  it('has every test of chaos and every invariant of the simulator', () => {
    const named = new Set(rows.flatMap(([, tests]) => filesOf(tests)))
    const proofs = [
      ...filesUnder('apps/brxy/chaos', /\.test\.ts$/),
      ...filesUnder('tooling/sim/src/invariants', /\.ts$/).filter(
        (path) => !/\/(all|invariant)\.ts$/.test(path),
      ),
    ]
    expect(proofs.filter((path) => !named.has(path))).toEqual([])
  })
})
