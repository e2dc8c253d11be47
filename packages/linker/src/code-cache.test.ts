import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { CodeCache, cacheFolder } from './code-cache.ts'

const require = createRequire(import.meta.url)

// Two copies of the files, as of two processes: within one, V8 remembers what it compiled under the same name.
let folder: string
let earlier: string
let cache: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'brxy-code-'))
  earlier = join(folder, 'earlier')
  cache = join(folder, 'cache')
  mkdirSync(earlier)
  write(
    'one.cjs',
    "const { two } = require('./two.cjs'); exports.sum = () => two() + require('node:path').sep.length",
  )
  write('two.cjs', 'exports.two = () => 2')
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(name: string, source: string): void {
  const file = `((exports, require, module) => {${source}\n})`
  for (const copy of [folder, earlier]) writeFileSync(join(copy, name), file)
}

/** What the first file comes to, and whether each of both came from the cache. */
function load(code = new CodeCache(folder, require, cache)) {
  const { sum } = code.load('one.cjs') as { sum: () => number }
  return { sum: sum(), cached: [code.isCached('one.cjs'), code.isCached('two.cjs')], code }
}

/** As a process before this one left it. */
function fill(): void {
  load(new CodeCache(earlier, require, cache)).code.save()
}

it('loads files that require each other and what Node has, each of them once', () => {
  const { sum, cached, code } = load()
  expect({ sum, cached }).toEqual({ sum: 3, cached: [false, false] })
  expect(code.load('one.cjs')).toBe(code.load('one.cjs'))
  expect([code.isLoaded('two.cjs'), code.isLoaded('three.cjs')]).toEqual([true, false])
})

it('takes the next time what was kept, and keeps it in a folder of its user alone', () => {
  fill()
  expect(readdirSync(cache).sort()).toEqual(['one.cjs', 'two.cjs'])
  expect(load()).toMatchObject({ sum: 3, cached: [true, true] })
})

it('does not take it for a source of the same length', () => {
  fill()
  write('two.cjs', 'exports.two = () => 5')
  expect(load()).toMatchObject({ sum: 6, cached: [true, false] })
})

it('keeps it anew where it was of no use', () => {
  fill()
  write('two.cjs', 'exports.two = () => 5')
  fill()
  expect(load()).toMatchObject({ sum: 6, cached: [true, true] })
})

it.each([0, 10, 21, 30, 200])('does without a file that was cut off after %d bytes', (bytes) => {
  fill()
  const file = join(cache, 'two.cjs')
  writeFileSync(file, readFileSync(file).subarray(0, bytes))
  expect(load()).toMatchObject({ sum: 3, cached: [true, false] })
})

it('does not trust a file that others may write', () => {
  fill()
  chmodSync(join(cache, 'two.cjs'), 0o666)
  expect(load()).toMatchObject({ sum: 3, cached: [true, false] })
})

it('works where nothing can be kept', () => {
  mkdirSync(join(folder, 'file'), { recursive: true })
  writeFileSync(join(folder, 'file/x'), '')
  const { sum, code } = load(new CodeCache(folder, require, join(folder, 'file/x/y')))
  code.save()
  expect(sum).toBe(3)
  const without = load(new CodeCache(folder, require, undefined))
  without.code.save()
  expect(without.sum).toBe(3)
})

it("finds the folder for a user's caches", () => {
  const own = `brxy/${process.version}-${process.arch}`
  expect(cacheFolder({ HOME: '/home/me' })).toBe(`/home/me/.cache/${own}`)
  expect(cacheFolder({ HOME: '/home/me', XDG_CACHE_HOME: '/fast' })).toBe(`/fast/${own}`)
  // A relative path is invalid and to be ignored.
  expect(cacheFolder({ HOME: '/home/me', XDG_CACHE_HOME: 'fast' })).toBe(`/home/me/.cache/${own}`)
  expect(cacheFolder({})).toBeUndefined()
  expect(cacheFolder({ HOME: '/home/me', NODE_DISABLE_COMPILE_CACHE: '1' })).toBeUndefined()
})
