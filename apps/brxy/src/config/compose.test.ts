// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the file's variables, not JavaScript's
import fc from 'fast-check'
import { CORE_SCHEMA, type DumpOptions, dump, load } from 'js-yaml'
import { describe, expect, test } from 'vitest'
import { MAX_DEPTH, MAX_NODES } from './compose.ts'
import { MAX_INTERPOLATED } from './interpolate.ts'
import { ConfigError, MAX_PROBLEMS } from './problem.ts'
import { ConfigSource } from './source.ts'

type Env = Readonly<Record<string, string>>

const read = (text: string, env: Env = {}): unknown => ConfigSource.parse('f', text, env).value

/** The problems of a text, one a line; '' if there is none. */
const wrong = (text: string, env: Env = {}): string => {
  try {
    read(text, env)
    return ''
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
}

describe('plain scalars', () => {
  test.each([
    ['', null],
    ['~', null],
    ['null', null],
    ['true', true],
    ['False', false],
    ['yes', 'yes'],
    ['on', 'on'],
    ['10', 10],
    ['-7', -7],
    ['007', 7],
    ['0x10', 16],
    ['0o17', 15],
    ['1.10', 1.1],
    ['1e3', 1000],
    ['.5', 0.5],
    ['1_000', '1_000'],
    ['12:30', '12:30'],
    ['50s', '50s'],
    [':80', ':80'],
    ['2026-01-02', '2026-01-02'],
    ['a: b'.replace(' ', ''), 'a:b'],
    ['two\n words', 'two words'],
  ])('are resolved by the core schema: %j is %j', (text, value) => {
    expect(read(`a: ${text}`)).toEqual({ a: value })
  })

  test('keep whole numbers of up to 2^53 - 1, and no number that would change', () => {
    expect(read('[9007199254740991, -9007199254740991]')).toEqual([9007199254740991, -9007199254740991])
    const big = [
      '9007199254740992',
      '1e16',
      '1e400',
      '0xffffffffffffff',
      '9'.repeat(400),
      `0x${'f'.repeat(300)}`,
    ]
    for (const text of [...big, '.inf', '-.INF', '.nan']) {
      expect(wrong(`a: ${text}`)).toContain('is not a number that can be kept exactly; quote it')
      expect(read(`a: "${text}"`)).toEqual({ a: text })
    }
  })
})

describe('tags', () => {
  test.each([
    ['!!str 12', '12'],
    ['! 12', '12'],
    ['!<tag:yaml.org,2002:str> true', 'true'],
    ['!!int "0x10"', 16],
    ['!!float 1', 1],
    ['!!bool "true"', true],
    ['!!null ""', null],
    ['!!seq [1]', [1]],
    ['!!map {b: 1}', { b: 1 }],
  ])('of the core schema are obeyed: %s', (text, value) => {
    expect(read(`a: ${text}`)).toEqual({ a: value })
  })

  test('of the core schema must fit', () => {
    expect(wrong('a: !!int x')).toBe('f:1:10: a: "x" does not fit its tag !!int; remove the tag')
    expect(wrong('a: !!map x')).toBe('f:1:10: a: "x" does not fit its tag !!map; remove the tag')
    expect(wrong('a: !!seq {}')).toBe('f:1:4: a: !!seq does not fit a mapping; remove it')
    expect(wrong('a: !!str []')).toBe('f:1:4: a: !!str does not fit a list; remove it')
  })

  test('that are others are errors', () => {
    const message = 'is not known; remove it, or quote it if it is text'
    expect(wrong('a: !secret x')).toBe(`f:1:4: a: the tag "!secret" ${message}`)
    expect(wrong('a: [!!timestamp 2026-01-02]')).toBe(`f:1:5: a[0]: the tag "!!timestamp" ${message}`)
    expect(wrong('a: !!set {}')).toContain('the tag "!!set" is not known')
    expect(wrong('%TAG !! !other\n---\na: !!str x')).toBe('f:1:1: %TAG is not supported; remove it')
  })
})

describe('keys', () => {
  test('are text, quoted or not', () => {
    expect(read('a b: 1\n"8080": 2\n\'true\': 3\n"<<": 4\n!!str 9: 5\n')).toEqual({
      'a b': 1,
      '8080': 2,
      true: 3,
      '<<': 4,
      '9': 5,
    })
  })

  test('are not merged when a tag says that they are text', () => {
    expect(read('!!str <<: 1')).toEqual({ '<<': 1 })
  })

  test('that look like something else must be quoted', () => {
    expect(wrong('ports:\n  8080: x')).toBe('f:2:3: ports.8080: this key would be a number; quote it: "8080"')
    expect(wrong('{true: x}')).toBe('f:1:2: true: this key would be a boolean; quote it: "true"')
    expect(wrong('~: x')).toContain('this key would be a null; quote it: "~"')
    expect(wrong('99999999999999999999: x')).toContain('quote it: "99999999999999999999"')
    expect(wrong(': x')).toBe('f:1:1: a key is missing before the ":"')
  })

  test('cannot be lists, mappings or aliases', () => {
    const collection = 'a key must be text, not a list or mapping; quote it if it is text'
    expect(wrong('[a]: b')).toBe(`f:1:1: ${collection}`)
    expect(wrong('image: {{tag}}')).toBe(`f:1:9: image: ${collection}`)
    expect(wrong('- ? {a: 1}\n  : b')).toBe(`f:1:5: [0]: ${collection}`)
    expect(wrong('a: &x b\n*x : c')).toBe('f:2:1: a key must be written out; *x is an alias')
  })

  test('that come twice are errors with both lines', () => {
    expect(wrong('apps:\n  shop: 1\n  blog: 2\n  "shop": 3\n')).toBe(
      'f:4:3: apps.shop: the key "shop" stands twice, in lines 2 and 4; remove one',
    )
  })

  test('that merge are errors with a remedy', () => {
    const message = "YAML's merge key << is not supported; put what is shared into defaults:"
    expect(wrong('a: &a {max: 1}\nb:\n  <<: *a\n')).toBe(`f:3:3: b["<<"]: ${message}`)
  })

  test('are not filled with variables', () => {
    expect(read('${A}: ${A}', { A: 'x' })).toEqual({ '${A}': 'x' })
  })

  test('may be called as what every object has', () => {
    const value = read('__proto__: { max: 1 }\nconstructor: 2\n') as Record<string, unknown>
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor'])
    expect(Object.getOwnPropertyDescriptor(value, '__proto__')?.value).toEqual({ max: 1 })
    expect(value.max).toBeUndefined()
    expect(value.toString).toBeUndefined()
    expect(Object.hasOwn(Object.prototype, 'max')).toBe(false)
  })
})

describe('anchors and aliases', () => {
  test('give the same value in several places', () => {
    const value = read('a: &x [1, &y two]\nb: *x\nc: { d: *y }\n&k e: *k\n') as Record<string, unknown>
    expect(value).toEqual({ a: [1, 'two'], b: [1, 'two'], c: { d: 'two' }, e: 'e' })
    expect(value.b).toBe(value.a)
  })

  test('take the last anchor of a name', () => {
    expect(read('[&x 1, *x, &x 2, *x]')).toEqual([1, 1, 2, 2])
  })

  test('need an anchor above them', () => {
    const message =
      "must be quoted: a * at the start is YAML's alias sign, and there is no anchor &x above it"
    expect(wrong('a: *x\nb: &x 1')).toBe(`f:1:4: a: "*x" ${message}`)
    expect(wrong('*x : 1')).toBe(`f:1:1: "*x" ${message}`)
  })

  test('cannot stand inside what they name', () => {
    expect(wrong('a: &x { b: [*x] }')).toBe(
      'f:1:13: a.b[0]: the alias *x stands inside what its anchor &x names, which would never end',
    )
  })

  test(`expand to at most ${MAX_NODES} values`, () => {
    // Each line is ten times the one before and a list: 11, 111, ... values.
    const lines = (count: number) => {
      const texts = ['- &l0 [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]']
      for (let line = 1; line < count; line++) {
        texts.push(
          `- &l${line} [${Array(10)
            .fill(`*l${line - 1}`)
            .join(', ')}]`,
        )
      }
      return `${texts.join('\n')}\n`
    }
    expect(wrong(lines(6))).toBe('')
    const message = `the file has more than ${MAX_NODES} values, aliases counted in full`
    expect(wrong(lines(7))).toMatch(new RegExp(`^f:7:\\d+: \\[6\\]\\[\\d\\]: ${message}$`))
    expect(wrong(lines(1000))).toContain(message)
  })

  test(`nest at most ${MAX_DEPTH} deep`, () => {
    const chain = (count: number) => {
      const texts = ['- &l0 a']
      for (let line = 1; line < count; line++) texts.push(`- &l${line} [*l${line - 1}]`)
      return texts.join('\n')
    }
    expect(wrong(chain(MAX_DEPTH - 1))).toBe('')
    expect(wrong(chain(MAX_DEPTH))).toContain('is nested deeper than 100 levels')
  })
})

test('a variable that is wrong is reported where it stands, not where it is used again', () => {
  expect(wrong('a: &x ${A}\nb: *x')).toMatch(/^f:1:7: a: the variable A is not set[^\n]*$/)
})

describe('variables', () => {
  const env = { MAX: '10', WORD: 'x', EMPTY: '', EVIL: '[a, "b"]\nc: {d: *e}', BIG: '9'.repeat(20) }

  test('in a plain scalar are resolved with it', () => {
    expect(read('a: ${MAX}\nb: ${MAX}s\nc: ${NO:-true}\nd: ${EMPTY}\ne: 0x${MAX}', env)).toEqual({
      a: 10,
      b: '10s',
      c: true,
      d: null,
      e: 16,
    })
  })

  test('in a quoted or block scalar stay text', () => {
    const text = 'a: "${MAX}"\nb: \'${MAX}\'\nc: |\n  ${MAX}\nd: >-\n  ${MAX}\ne: !!str ${MAX}\n'
    expect(read(text, env)).toEqual({ a: '10', b: '10', c: '10\n', d: '10', e: '10' })
  })

  test('are resolved by a tag', () => {
    expect(read('a: !!int "${MAX}"', env)).toEqual({ a: 10 })
  })

  test('never become structure', () => {
    expect(read('a: ${EVIL}\nb: ["${EVIL}"]', env)).toEqual({ a: env.EVIL, b: [env.EVIL] })
  })

  test('that are wrong are reported at their ${, each of them', () => {
    const text =
      "a:\n  - x ${A} # ${IGNORED}\n  - \"\\t${WORD}${B}\"\n  - 'it''s ${C}'\n  - |\n    one\n    ${D}\n"
    expect(wrong(text, env)).toMatch(
      /^f:2:7: a\[0\]: the variable A .*\nf:3:15: a\[1\]: the variable B .*\nf:4:12: a\[2\]: the variable C .*\nf:7:5: a\[3\]: the variable D .*$/,
    )
  })

  test('that are wrong are reported at the scalar if their ${ is an escape', () => {
    expect(wrong('a:\n  "x$\\x7bA}"')).toContain('f:2:3: a: the variable A is not set')
  })

  test('are not shown when what they hold is wrong', () => {
    expect(wrong('a: ${BIG}', env)).toBe(
      'f:1:4: a: "${BIG}" is not a number that can be kept exactly; quote it',
    )
    expect(wrong('a: !!int "${WORD}"', env)).toBe(
      'f:1:10: a: "${WORD}" does not fit its tag !!int; remove the tag',
    )
  })

  test('make the texts of a file only so long', () => {
    const long = { LONG: 'x'.repeat(MAX_INTERPOLATED) }
    expect(wrong('- ${LONG}\n'.repeat(64), long)).toBe('')
    expect(wrong('- ${LONG}\n'.repeat(65), long)).toContain('f:65:3: [64]: variables make the file')
  })
})

test('all problems are reported at once', () => {
  const lines = wrong('a: ${A}\n8080: [*.b, "${B}"]\na: !x {c: .inf, <<: 1}\n').split('\n')
  expect(lines.map((line) => line.slice(0, line.indexOf(' ')))).toEqual([
    'f:1:4:',
    'f:2:1:',
    'f:2:8:',
    'f:2:14:',
    'f:3:1:',
    'f:3:4:',
    'f:3:11:',
    'f:3:17:',
  ])
})

test(`reading stops at ${MAX_PROBLEMS} problems`, () => {
  expect(wrong('- ${A}\n'.repeat(MAX_PROBLEMS + 5))).toMatch(/and 950 more$/)
})

describe('random values', () => {
  const text = fc.string({ unit: 'grapheme' }).map((string) => string.replaceAll('$', ''))
  const number = fc.oneof(fc.integer(), fc.double({ min: -1e15, max: 1e15, noNaN: true }))
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof({ depthSize: 'small', withCrossShrink: true }, tie('scalar'), tie('list'), tie('mapping')),
    scalar: fc.oneof(text, number, fc.boolean(), fc.constant(null)),
    list: fc.array(tie('tree'), { maxLength: 5 }),
    mapping: fc.dictionary(fc.oneof(text, fc.constant('__proto__')), tie('tree'), { maxKeys: 5 }),
  }))
  const styles: readonly DumpOptions[] = [
    {},
    { indent: 4, seqNoIndent: true },
    { flowLevel: 0 },
    { flowLevel: 2, forceQuotes: true, quoteStyle: 'double' },
    { lineWidth: 10, quoteStyle: 'single', quoteFlowKeys: true },
  ]

  test.each(styles)('are composed as js-yaml loads them, written with %j', (style) => {
    fc.assert(
      fc.property(tree, (value) => {
        const written = dump(value, style)
        const loaded = load(written, { schema: CORE_SCHEMA })
        // As text, since expect's equality does not see an own __proto__.
        expect(JSON.stringify(read(written))).toBe(JSON.stringify(loaded))
      }),
    )
  })

  test('are composed from JSON as JSON.parse reads them', () => {
    fc.assert(
      fc.property(tree, fc.constantFrom(undefined, 1, 2), (value, indent) => {
        const written = JSON.stringify(value, null, indent)
        expect(JSON.stringify(read(written))).toBe(JSON.stringify(JSON.parse(written)))
      }),
    )
  })
})
