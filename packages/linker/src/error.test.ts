import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isBrxyError } from '@brxy/protocol'
import { expect, test } from 'vitest'
import { LINKER_ERRORS, LinkError } from './error.ts'

const SOURCE = fileURLToPath(new URL('.', import.meta.url))

/** Every code of a linker that its sources mention, but for the table itself. */
function usedCodes(): Set<string> {
  const files = (readdirSync(SOURCE, { recursive: true }) as string[]).filter(
    (file) => file.endsWith('.ts') && !/\.(test|testkit)\.ts$/.test(file) && file !== 'error.ts',
  )
  const used = new Set<string>()
  for (const file of files) {
    // In quotes: comments name codes too.
    for (const [, code] of readFileSync(join(SOURCE, file), 'utf8').matchAll(/'(link\/[a-z-]+)'/g))
      used.add(code as string)
  }
  return used
}

test('the table has exactly the codes that are used', () => {
  expect([...usedCodes()].sort()).toEqual(Object.keys(LINKER_ERRORS).sort())
})

test('a LinkError is a brxy error, with its code and cause', () => {
  const cause = new Error('why')
  const error = new LinkError('link/bad-edge', 'that is none', { cause })
  expect(isBrxyError(error)).toBe(true)
  expect([error.code, error.message, error.retryable, error.cause]).toEqual([
    'link/bad-edge',
    'that is none',
    false,
    cause,
  ])
})
