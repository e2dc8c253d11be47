import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { copyWithDependencies } from './packages.ts'

const BRXY = fileURLToPath(new URL('../../../apps/brxy', import.meta.url))
let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'brxy-packages-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

it('copies a package with all that it needs to run far from this workspace, and nothing else of it', () => {
  copyWithDependencies(BRXY, dir)
  const said = execFileSync(process.execPath, [join(dir, 'bin/brxy'), 'edge', '--help'], { encoding: 'utf8' })
  expect(said).toContain('brxy edge')
  expect(readdirSync(dir).sort()).toEqual(['bin', 'brxy.schema.json', 'dist', 'node_modules', 'package.json'])
  expect(existsSync(join(dir, 'node_modules/@brxy/scaler-kubectl/src'))).toBe(false)
  expect(existsSync(join(dir, 'node_modules/vitest'))).toBe(false)
})
