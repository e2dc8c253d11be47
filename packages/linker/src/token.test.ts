import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readToken } from './token.ts'

const folder = mkdtempSync(join(tmpdir(), 'brxy-token-'))
const file = join(folder, 'token')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('is what was configured, or nothing', () => {
  expect([readToken(undefined, 'abc'), readToken(undefined, undefined)]).toEqual(['abc', ''])
})

test('is what the environment says without its line end, which a secret has that was made of a file', () => {
  expect(readToken(undefined, 'abc\n')).toBe('abc')
})

test('is what a file holds at that moment, without its line end', () => {
  writeFileSync(file, 'first\n')
  expect(readToken(file, 'abc')).toBe('first')
  writeFileSync(file, 'second\r\n')
  expect(readToken(file, 'abc')).toBe('second')
})

test('of a file that cannot be read is an error that names the file', () => {
  rmSync(file)
  expect(() => readToken(file, 'abc')).toThrow(
    expect.objectContaining({
      code: 'link/token-file',
      message: `BRXY_TOKEN_FILE: cannot read "${file}" (ENOENT)`,
    }),
  )
})
