import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { engine } from './engines.ts'
import { missingGo } from './go-build.ts'

const { PATH, XDG_CACHE_HOME } = process.env
let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'brxy-go-'))
})
afterEach(() => {
  process.env.PATH = PATH
  if (XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME
  else process.env.XDG_CACHE_HOME = XDG_CACHE_HOME
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

it.skipIf(process.getuid?.() !== 0)(
  'one that is too old for Kubernetes is said where it is not built, and is no matter where it is',
  async () => {
    const kubernetes = await engine('kubernetes')
    install('go1.19.8')
    if (kubernetes?.isBuilt()) expect(`${await kubernetes.missing()}`).not.toMatch(/Go/)
    process.env.XDG_CACHE_HOME = dir
    expect(await kubernetes?.missing()).toMatch(/1\.24 or later.*this is go1\.19\.8/)
  },
)
