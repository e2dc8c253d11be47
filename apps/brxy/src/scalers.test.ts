import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempDir } from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadScaler } from './scalers.ts'

let dir: ReturnType<typeof tempDir>
beforeEach(() => {
  dir = tempDir()
})
afterEach(() => dir.remove())

describe('a scaler', () => {
  it('is a package of ours by its last word', async () => {
    expect(await loadScaler('shell')).toBeTypeOf('function')
  })

  it('is a file by its name, relative to where it is named', async () => {
    writeFileSync(join(dir.path, 'mine.mjs'), 'export default () => "mine"\n')
    const factory = await loadScaler('./mine.mjs', dir.path)
    expect((factory as () => unknown)()).toBe('mine')
  })

  it.each([
    [
      'no-such-platform',
      /^there is no scaler "no-such-platform": neither @brxy\/scaler-no-such-platform nor no-such-/,
    ],
    ['./no-file.mjs', /^there is no scaler "\.\/no-file\.mjs": \/.*\/no-file\.mjs is not there$/],
    ['./needs.mjs', /^the scaler "\.\/needs\.mjs" cannot be loaded: .*not-installed/],
    ['./broken.mjs', /^the scaler "\.\/broken\.mjs" cannot be loaded: ./],
    ['./empty.mjs', /default export/],
  ])('%s is refused with the reason', async (name, reason) => {
    writeFileSync(join(dir.path, 'needs.mjs'), "import 'not-installed'\n")
    writeFileSync(join(dir.path, 'broken.mjs'), 'this is no JavaScript\n')
    writeFileSync(join(dir.path, 'empty.mjs'), '')
    const error = await loadScaler(name, dir.path).catch((error) => error)
    expect(error.code).toBe('scaler/not-a-scaler')
    expect(error.message).toMatch(reason)
  })
})
