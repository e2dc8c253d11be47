import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { publishedPackages, ROOT, read } from './tree.ts'

describe.each(publishedPackages())('$manifest.name', ({ folder, manifest, sources }) => {
  it('brings the licence of the repository', () => {
    // npm packs a LICENSE only from the package's own folder.
    expect(read(`${folder}/LICENSE`)).toBe(read('LICENSE'))
    expect(manifest.license).toBe('MIT')
  })

  it('brings a README that names it', () => {
    expect(read(`${folder}/README.md`)).toMatch(new RegExp(`^# ${manifest.name}\n`))
  })

  it('publishes what it lists, and no sources', () => {
    expect(manifest.files).not.toContain('src')
    const listed = (manifest.files ?? []).filter((name) => name !== 'dist')
    expect(listed.filter((name) => !existsSync(join(ROOT, folder, name)))).toEqual([])
  })

  it('has a short, curated index', () => {
    const { text } = sources.find(({ path }) => path === `${folder}/src/index.ts`) ?? { text: '' }
    expect(text).not.toMatch(/export \*/)
    expect(text.split('\n').length).toBeLessThan(100)
  })
})
