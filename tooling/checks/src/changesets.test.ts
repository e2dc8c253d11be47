import { describe, expect, it } from 'vitest'
import { filesUnder, type Manifest, publishedPackages, read } from './tree.ts'

const config = JSON.parse(read('.changeset/config.json')) as Record<string, unknown>
const changesets = filesUnder('.changeset', /\.md$/)
  .filter((path) => !path.endsWith('README.md'))
  .map((path) => ({ path, ...parse(read(path)) }))
const packages = publishedPackages()

describe('.changeset', () => {
  it('publishes for everybody, and leaves tooling alone', () => {
    expect(config).toMatchObject({ access: 'public', privatePackages: { version: false, tag: false } })
    for (const folder of filesUnder('tooling', /^package\.json$/))
      expect((JSON.parse(read(folder)) as Manifest).private, folder).toBe(true)
  })

  it('names every package that was never released', () => {
    const unreleased = packages.filter(
      ({ folder }) => JSON.parse(read(`${folder}/package.json`)).version === '0.0.0',
    )
    const named = new Set(changesets.flatMap(({ releases }) => Object.keys(releases)))
    expect(unreleased.map(({ manifest }) => manifest.name).filter((name) => !named.has(name))).toEqual([])
  })

  it('names only packages that are published, with a kind of release, and says what changes', () => {
    const names = packages.map(({ manifest }) => manifest.name)
    for (const { path, releases, text } of changesets) {
      expect(
        Object.keys(releases).filter((name) => !names.includes(name)),
        path,
      ).toEqual([])
      expect(
        Object.values(releases).filter((kind) => !/^(major|minor|patch)$/.test(kind)),
        path,
      ).toEqual([])
      expect(text.length, path).toBeGreaterThan(40)
    }
  })
})

/** The front matter and the text of a changeset. */
function parse(page: string): { releases: Record<string, string>; text: string } {
  const match = /^---\n(.*?)---\n(.*)$/s.exec(page)
  if (match === null) throw new Error(`no front matter in a changeset:\n${page}`)
  const lines = [...match[1].matchAll(/^['"]?([^'":]+)['"]?: *(\w+)$/gm)]
  return { releases: Object.fromEntries(lines.map(([, name, kind]) => [name, kind])), text: match[2].trim() }
}
