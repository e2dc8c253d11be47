import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resolveConfig } from '@brxy/options'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { APP_OPTIONS, SHELL_OPTIONS } from './options.ts'
import { launchPlace, lookUpProgram } from './program.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'brxy-program-'))
  for (const name of ['bin', 'more', 'work']) mkdirSync(join(dir, name))
  const write = (name: string, mode: number) => {
    writeFileSync(join(dir, name), '#!/bin/sh\n')
    chmodSync(join(dir, name), mode)
  }
  write('bin/tool', 0o755)
  write('bin/notes', 0o644)
  write('more/notes', 0o755)
  write('work/start', 0o755)
  write('work/draft', 0o644)
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const at = (path: string, cwd = join(dir, 'work')) => ({ cwd, path })

describe('lookUpProgram', () => {
  it.each([
    ['tool', () => join(dir, 'bin')],
    // A file that cannot be executed does not hide one that can, as for execvp(3).
    ['notes', () => `${join(dir, 'bin')}:${join(dir, 'more')}`],
    ['./start', () => '/nowhere'],
    ['../bin/tool', () => '/nowhere'],
    // Empty and relative entries start where the command runs.
    ['start', () => ''],
    ['start', () => '/nowhere:'],
    ['tool', () => '../bin'],
    ['{port}', () => '/nowhere'],
  ])('finds %s', (program, path) => {
    expect(lookUpProgram(program, at(path()))).toBeNull()
  })

  it('takes a path for what it is', () => {
    expect(lookUpProgram(join(dir, 'bin/tool'), at(''))).toBeNull()
  })

  it.each([
    ['nodde', '"nodde" is not found on PATH; install it, or give its path'],
    ['notes', '"notes" is found on PATH, but is not executable; chmod +x it, or name its interpreter'],
    ['./nope', '"./nope" is not there'],
    ['./draft', '"./draft" is not executable; chmod +x it, or name its interpreter'],
    ['../work', '"../work" is not executable: it is a directory'],
  ])('says of %s what is wrong', (program, message) => {
    expect(lookUpProgram(program, at(join(dir, 'bin')))).toContain(message)
  })

  it('names the directory where a relative path starts', () => {
    expect(lookUpProgram('./nope', at('', join(dir, 'more')))).toContain(`in ${join(dir, 'more')}`)
  })
})

describe('launchPlace', () => {
  const place = (app: object, shell: object, inherited: Record<string, string>) =>
    launchPlace(
      resolveConfig(APP_OPTIONS, { command: ['x'], ...app }),
      resolveConfig(SHELL_OPTIONS, shell),
      inherited,
    )

  it('is where a launch would run, with the PATH that it would have', () => {
    expect(place({}, { cwd: '/srv', pathPrefix: '/opt/brxy' }, { PATH: '/bin' })).toEqual({
      cwd: '/srv',
      path: '/opt/brxy:/bin',
    })
    expect(place({ cwd: 'shop', env: { PATH: '/own' } }, { cwd: '/srv' }, { PATH: '/bin' })).toEqual({
      cwd: '/srv/shop',
      path: '/own',
    })
  })

  it('has what the system has without a PATH', () => {
    expect(place({ cwd: '/srv' }, {}, {}).path).toBe('/usr/bin:/bin')
  })
})
