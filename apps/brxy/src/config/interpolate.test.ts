// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the file's variables, not JavaScript's
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { interpolate, MAX_INTERPOLATED } from './interpolate.ts'

const ENV = { HOST: 'db', EMPTY: '', _9: 'nine', DOLLAR: '${HOST} $$' }

const filled = (text: string) => interpolate(text, ENV)
const used = (text: string) => ({ text, wasUsed: true })
const problemOf = (text: string, env: Readonly<Record<string, string>> = ENV) => {
  const result = interpolate(text, env)
  return 'problem' in result ? result : undefined
}

describe('a variable', () => {
  test.each([
    ['${HOST}', 'db'],
    ['tcp://${HOST}:5432/${_9}', 'tcp://db:5432/nine'],
    ['${HOST}${HOST}', 'dbdb'],
    ['${EMPTY}', ''],
    ['${HOST:-other}', 'db'],
    ['${HOST:?is needed}', 'db'],
    ['${NONE:-a b:-c?}', 'a b:-c?'],
    ['${EMPTY:-other}', 'other'],
    ['${NONE:-}', ''],
    ['${NONE:-two\nlines}', 'two\nlines'],
  ])('%j becomes %j', (text, expected) => {
    expect(filled(text)).toEqual(used(expected))
  })

  test('is not looked for in what another holds', () => {
    expect(filled('${DOLLAR}')).toEqual(used('${HOST} $$'))
  })

  test('is not found in the prototype of the environment', () => {
    expect(problemOf('${constructor}')?.problem).toContain('the variable constructor is not set')
    expect(filled('${__proto__:-safe}')).toEqual(used('safe'))
  })
})

describe('a dollar sign', () => {
  test.each([
    ['$$', '$'],
    ['$${HOST}', '${HOST}'],
    ['$$$', '$$'],
    ['$$$$', '$$'],
    ['$HOST costs 5$', '$HOST costs 5$'],
    ['$(x) $1 $', '$(x) $1 $'],
  ])('alone or doubled, in %j, gives %j and names no variable', (text, expected) => {
    expect(filled(text)).toEqual({ text: expected, wasUsed: false })
  })

  test('may be doubled before a variable, in a default and in a message', () => {
    expect(filled('$$${HOST}')).toEqual(used('$db'))
    expect(filled('${NONE:-$$5 $${HOST}')).toEqual(used('$5 ${HOST'))
    expect(problemOf('${NONE:?costs $$5}')?.problem).toBe('the variable NONE is not set: costs $5')
  })
})

describe('an error', () => {
  test('for an unset variable names it and says how to write it literally', () => {
    expect(problemOf('x ${MAX}')).toEqual({
      problem: 'the variable MAX is not set; write $${MAX} for a literal ${MAX}, or ${MAX:-default}',
      offset: 2,
    })
  })

  test('with a message of its own repeats it, and tells unset from empty', () => {
    expect(problemOf('${NONE:?export it first}')?.problem).toBe(
      'the variable NONE is not set: export it first',
    )
    expect(problemOf('${EMPTY:?export it first}')?.problem).toBe(
      'the variable EMPTY is empty: export it first',
    )
    expect(problemOf('${NONE:?}')?.problem).toBe('the variable NONE is not set')
  })

  test('comes for a reference without an end', () => {
    expect(problemOf('a ${HOST')).toEqual({
      problem: '"${HOST" has no closing }; write $${ for a literal ${',
      offset: 2,
    })
  })

  test.each(['${}', '${9A}', '${A-B}', '${A:+B}', '${A:=B}', '${A?B}', '${#A}', '${ A}', '${É}', '${A:}'])(
    'comes for a name or form that is not understood: %s',
    (text) => {
      expect(problemOf(text)?.problem).toBe(
        `${JSON.stringify(text)} is not understood; ` +
          'write ${NAME}, ${NAME:-default} or ${NAME:?message}, or $${ for a literal ${',
      )
    },
  )

  test.each(['${A:-${HOST}}', '${HOST:-${B}}', '${${HOST}}', '${A:-$$${B}}'])(
    'comes for a variable inside a variable, used or not: %s',
    (text) => {
      expect(problemOf(text)?.problem).toContain('has a variable inside a variable')
    },
  )

  test('comes when variables make the text too long', () => {
    const env = { BIG: 'x'.repeat(1000) }
    const fits = MAX_INTERPOLATED / 1000
    expect(problemOf('${BIG}'.repeat(Math.floor(fits)), env)).toBeUndefined()
    expect(problemOf('${BIG}'.repeat(Math.ceil(fits)), env)?.problem).toContain('becomes longer than 1048576')
    expect(problemOf('$$'.repeat(MAX_INTERPOLATED + 1), env)).toBeUndefined()
  })

  test('never repeats what a variable holds', () => {
    const env = { SECRET: 'hunter2' }
    for (const text of ['${SECRET}${', '${SECRET} ${NONE}', '${SECRET}${SECRET:-${A}}', '${SECRET:+x}']) {
      expect(problemOf(text, env)?.problem).not.toContain('hunter2')
    }
  })
})

test('doubling every dollar sign keeps any text', () => {
  const texts = fc
    .array(fc.constantFrom('$', '{', '}', 'A', ':', '-', '?', ' ', '\n'))
    .map((all) => all.join(''))
  fc.assert(
    fc.property(texts, (text) => {
      const doubled = text.replaceAll('$', () => '$$')
      expect(interpolate(doubled, {})).toEqual({ text, wasUsed: false })
    }),
  )
})

test('literals and references, in any order, become their values in that order', () => {
  const literal = fc.string().map((text) => ({ written: text.replaceAll('$', () => '$$'), read: text }))
  const reference = fc
    .tuple(fc.constantFrom('HOST', 'EMPTY', 'NONE'), fc.string({ unit: fc.constantFrom('a', ':', '-', ' ') }))
    .map(([name, word]) => ({
      written: `\${${name}:-${word}}`,
      read: name === 'HOST' ? ENV.HOST : word,
    }))
  fc.assert(
    fc.property(fc.array(fc.oneof(literal, reference)), (parts) => {
      const result = interpolate(parts.map(({ written }) => written).join(''), ENV)
      expect('text' in result && result.text).toBe(parts.map(({ read }) => read).join(''))
    }),
  )
})
