import { isBrxyError } from '@brxy/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConfigError, Lines, MAX_PROBLEMS, Problems, plainTextAt, shown } from './problem.ts'

const problem = (line: number) => ({
  file: 'brxy.yaml',
  line,
  column: 5,
  path: 'apps.shop',
  message: 'is wrong',
})

const caught = (action: () => void): ConfigError => {
  try {
    action()
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('a config error', () => {
  test('has a line for each problem, with its place, path and message', () => {
    const error = new ConfigError([problem(12), { ...problem(13), path: '' }])
    expect(error.message).toBe('brxy.yaml:12:5: apps.shop: is wrong\nbrxy.yaml:13:5: is wrong')
    expect(error.code).toBe('config/invalid')
    expect(error.problems).toHaveLength(2)
  })

  test('leaves out what it does not know of the place', () => {
    expect(new ConfigError([{ ...problem(0), column: 0 }]).message).toBe('brxy.yaml: apps.shop: is wrong')
    expect(new ConfigError([{ ...problem(7), column: 0 }]).message).toBe('brxy.yaml:7: apps.shop: is wrong')
  })

  test('lists 50 problems, counts the others, and carries all', () => {
    const all = Array.from({ length: 53 }, (_, index) => problem(index + 1))
    const lines = new ConfigError(all).message.split('\n')
    expect(lines).toHaveLength(51)
    expect(lines[49]).toContain('brxy.yaml:50:5')
    expect(lines[50]).toBe('and 3 more')
    expect(new ConfigError(all).problems).toHaveLength(53)
    expect(new ConfigError(all.slice(0, 50)).message).not.toContain('more')
  })

  test('is branded as every brxy error', () => {
    expect(isBrxyError(new ConfigError([problem(1)]))).toBe(true)
  })
})

describe('lines', () => {
  test('end with LF, CR or CRLF', () => {
    const lines = new Lines('a\nb\rc\r\nd\n')
    const starts = [0, 2, 4, 7, 9].map((offset) => lines.at(offset))
    expect(starts).toEqual([1, 2, 3, 4, 5].map((line) => ({ line, column: 1 })))
    expect(lines.at(8)).toEqual({ line: 4, column: 2 })
  })

  test('are not ended by what only Unicode calls a line break', () => {
    expect(new Lines('a\u2028b\u0085c').at(4)).toEqual({ line: 1, column: 5 })
  })

  test('do not count a byte order mark as a column', () => {
    const lines = new Lines('\uFEFFab\nc')
    expect([0, 1, 2, 4].map((offset) => lines.at(offset))).toEqual([
      { line: 1, column: 1 },
      { line: 1, column: 1 },
      { line: 1, column: 2 },
      { line: 2, column: 1 },
    ])
  })

  test('agree with counting one character at a time', () => {
    const texts = fc.array(fc.constantFrom('a', '\n', '\r', '\r\n')).map((parts) => parts.join(''))
    fc.assert(
      fc.property(texts, (text) => {
        const lines = new Lines(text)
        let [line, column] = [1, 1]
        for (let offset = 0; offset <= text.length; offset++) {
          expect(lines.at(offset)).toEqual({ line, column })
          const isBreak = text[offset] === '\n' || (text[offset] === '\r' && text[offset + 1] !== '\n')
          line += isBreak ? 1 : 0
          column = isBreak ? 1 : column + 1
        }
      }),
    )
  })
})

describe('problems', () => {
  test('are thrown together, and not at all if there are none', () => {
    const problems = new Problems('f', new Lines('a\nb'))
    problems.throwIfAny()
    problems.add(2, 'x', 'one')
    problems.add(-1, '', 'two')
    expect(caught(() => problems.throwIfAny()).message).toBe('f:2:1: x: one\nf: two')
  })

  test('end at once with one that makes the rest unreadable', () => {
    const problems = new Problems('f', new Lines('a'))
    problems.add(0, '', 'one')
    expect(caught(() => problems.fail(0, '', 'two')).problems).toHaveLength(2)
  })

  test(`are at most ${MAX_PROBLEMS}`, () => {
    const problems = new Problems('f', new Lines('a'))
    for (let count = 1; count < MAX_PROBLEMS; count++) problems.add(0, '', 'wrong')
    expect(caught(() => problems.add(0, '', 'wrong')).problems).toHaveLength(MAX_PROBLEMS)
  })
})

test('a long piece of a file is cut, and a line break in it does not break the message', () => {
  expect(shown(`a\n${'x'.repeat(100)}`)).toBe(`"a\\n${'x'.repeat(78)}…"`)
  expect(shown('x'.repeat(80))).toBe(`"${'x'.repeat(80)}"`)
})

test.each([
  ['*.a.com', '*.a.com'],
  ['*.a.com # c', '*.a.com'],
  ['*.a.com#c', '*.a.com#c'],
  ['*.a.com, b', '*.a.com'],
  ['*.a.com] ', '*.a.com'],
  ['*.a.com: b', '*.a.com'],
  ['*.a.com:', '*.a.com'],
  ['*.a.com:80', '*.a.com:80'],
  ['* * * \r\nb', '* * *'],
])('what somebody meant to write at the start of %j is %j', (text, expected) => {
  expect(plainTextAt(`x: ${text}`, 3)).toBe(expected)
})
