import { describe, expect, it } from 'vitest'
import { editDistance, suggest } from './suggest.ts'

const FLAGS = ['hold', 'host', 'max', 'max-apps', 'concurrency', 'patience']

describe('suggest', () => {
  it.each([
    ['holdd', 'hold'],
    ['hodl', 'hold'],
    ['Hold', 'hold'],
    ['concurency', 'concurrency'],
    ['max-app', 'max-apps'],
    ['mx', 'max'],
  ])('takes %s for %s', (typed, meant) => {
    expect(suggest(typed, FLAGS)).toBe(meant)
  })

  it('takes an abbreviation for what it begins', () => {
    expect(suggest('conc', FLAGS)).toBe('concurrency')
  })

  it.each(['x', 'completely-else', '', 'hold'.repeat(17)])('has no suggestion for %j', (typed) => {
    expect(suggest(typed, FLAGS)).toBeUndefined()
  })
})

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['abc', 'abc', 0],
    ['', 'abc', 3],
    ['abc', 'ab', 1],
    ['abc', 'acb', 1],
    ['abcd', 'badc', 2],
    ['kitten', 'sitting', 3],
  ])('from %j to %j is %i, either way', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance)
    expect(editDistance(b, a)).toBe(distance)
  })
})
