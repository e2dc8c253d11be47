import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { assert, BrxyError, isBrxyError, PROTOCOL_ERRORS } from './error.ts'

const SOURCE = new URL('.', import.meta.url)

/** The text of all that is published, but for the table itself. */
function publishedSource(): string {
  const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !/\.(test|testkit)\.ts$/.test(file) && file !== 'error.ts',
  )
  expect(files.length).toBeGreaterThan(10)
  const assertion = readFileSync(new URL('error.ts', SOURCE), 'utf8').split('export const PROTOCOL_ERRORS')[0]
  return assertion + files.map((file) => readFileSync(new URL(file, SOURCE), 'utf8')).join('\n')
}

describe('PROTOCOL_ERRORS', () => {
  it('has every code that the source uses, and no other', () => {
    const used = [...publishedSource().matchAll(/'((?:protocol|bug)\/[a-z-]+)'/g)].map((match) => match[1])
    expect([...new Set(used)].sort()).toEqual(Object.keys(PROTOCOL_ERRORS).sort())
  })

  it('says of each what it means, in whole sentences', () => {
    for (const text of Object.values(PROTOCOL_ERRORS)) expect(text).toMatch(/^[A-Za-z].{20,}\.$/)
  })
})

describe('BrxyError', () => {
  it('carries its code, whether to retry, and its cause', () => {
    const cause = new Error('why')
    const error = new BrxyError('protocol/closed', 'gone', { retryable: true, cause })
    expect(error).toMatchObject({
      name: 'BrxyError',
      code: 'protocol/closed',
      message: 'gone',
      retryable: true,
      cause,
    })
    expect(new BrxyError('protocol/closed', 'gone')).toMatchObject({ retryable: false })
    expect('cause' in new BrxyError('protocol/closed', 'gone')).toBe(false)
  })

  it('is recognised by its brand, also from another copy or another package', () => {
    const foreign = Object.assign(new Error('x'), { code: 'http1/x', [Symbol.for('brxy.error')]: true })
    expect([new BrxyError('a', 'b'), foreign].map(isBrxyError)).toEqual([true, true])
    expect([new Error('x'), null, undefined, 'x', {}].map(isBrxyError)).toEqual([
      false,
      false,
      false,
      false,
      false,
    ])
  })
})

describe('assert', () => {
  it('throws bug/assertion, with what should hold', () => {
    expect(() => assert(true, 'x')).not.toThrow()
    expect(() => assert(false, 'lent grants within slots')).toThrow(
      expect.objectContaining({
        code: 'bug/assertion',
        message: 'this should hold: lent grants within slots',
      }),
    )
  })
})
