import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { missingGo } from './go-build.ts'

const { PATH } = process.env
let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'brxy-go-'))
})
afterEach(() => {
  process.env.PATH = PATH
  rmSync(dir, { recursive: true })
})

/** A `go` that says of which version it is. */
function install(version: string): void {
  writeFileSync(join(dir, 'go'), `#!/bin/sh\necho ${version}\n`)
  chmodSync(join(dir, 'go'), 0o755)
  process.env.PATH = `${dir}${delimiter}${PATH}`
}

it.each(['go1.26.0', 'go1.26.8', 'go1.27rc1', 'go2.0'])(
  'a Go %s is enough where 1.26 is needed',
  async (version) => {
    install(version)
    expect(await missingGo('1.26')).toBeNull()
  },
)

it.each(['go1.19.8', 'go1.25.9'])('a Go %s is too old for that, and says so', async (version) => {
  install(version)
  expect(await missingGo('1.26')).toMatch(new RegExp(`1\\.26 or later.*this is ${version}`))
})

it('none at all is said, too', async () => {
  process.env.PATH = dir
  expect(await missingGo('1.26')).toMatch(/none on PATH/)
})
