// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the file's variables, not JavaScript's
import type { Keys } from '@brxy/options'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_DEPTH } from './compose.ts'
import { ConfigError } from './problem.ts'
import { ConfigSource, MAX_TEXT } from './source.ts'

const parse = (text: string, env = {}) => ConfigSource.parse('brxy.yaml', text, env)

/** The only problem of a text, without the file's name. */
const wrong = (text: string): string => {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof ConfigError && error.problems.length === 1)
      return error.message.replace('brxy.yaml:', '')
    throw error
  }
  return ''
}

describe('a document', () => {
  test('is read with its markers, comments and version', () => {
    expect(parse('%YAML 1.2\n--- # brxy\na: 1\n...\n').value).toEqual({ a: 1 })
    expect(parse('\uFEFFa: 1\r\nb: 2\r\n').value).toEqual({ a: 1, b: 2 })
  })

  test.each(['', '\n', '# nothing\n', '---\n', '--- # nothing\n...\n'])(
    'that is empty is an error: %j',
    (text) => {
      expect(wrong(text)).toBe('1:1: the file is empty; it begins with version: 1')
    },
  )

  test.each([
    ['a: 1\n---\nb: 2\n', '2:1'],
    ['---\na: 1\n---\n', '3:1'],
    ['a: 1\n...\nb: 2\n', '2:1'],
    ['# one\n--- a\n--- b\n--- c\n', '3:1'],
  ])('after another is an error where it begins: %j', (text, place) => {
    expect(wrong(text)).toBe(
      `${place}: a second YAML document begins here; a config is one, remove the --- or ...`,
    )
  })

  test('has a longest length', () => {
    const comment = (length: number) => `a: 1 #${'x'.repeat(length - 6)}`
    expect(parse(comment(MAX_TEXT)).value).toEqual({ a: 1 })
    expect(wrong(comment(MAX_TEXT + 1))).toBe(' the file has 16777217 characters; at most 16777216 are read')
  })

  test('has a greatest depth', () => {
    const flow = (depth: number) => `${'['.repeat(depth - 1)}1${']'.repeat(depth - 1)}`
    const compact = (depth: number) => `${'- '.repeat(depth - 1)}1`
    const lines = (count: number) => Array.from({ length: count }, (_, depth) => `${' '.repeat(depth)}a:\n`)
    const block = (depth: number) => `${lines(depth - 1).join('')}${' '.repeat(depth)}1`
    const mixed = (depth: number) => `${lines(40).join('')}${' '.repeat(40)}${flow(depth - 40)}`
    for (const nested of [flow, compact, block, mixed]) {
      expect(wrong(nested(MAX_DEPTH))).toBe('')
      for (const depth of [1, 2, 3, 1000]) {
        expect(wrong(nested(MAX_DEPTH + depth))).toMatch(/: is nested deeper than 100 levels$/)
      }
    }
  })
})

describe('an unquoted *', () => {
  const star = (text: string) =>
    `${JSON.stringify(text)} must be quoted: a * at the start is YAML's alias sign`

  test.each([
    ['hosts: *.example.com', '1:8: hosts', '*.example.com'],
    ['hosts: [a, *.example.com, b]', '1:12: hosts[1]', '*.example.com'],
    ['hosts:\n  - *.example.com # all', '2:5: hosts[0]', '*.example.com'],
    ['hosts: *.example.com:8443', '1:8: hosts', '*.example.com:8443'],
    ['hosts: *', '1:8', '*'],
    ['hosts: [*]', '1:9', '*'],
    ['hosts:\n  - *\n', '2:5', '*'],
    ['cron: * * * * *', '1:7', '* * * * *'],
    ['cron: */5 8 * * 1-5', '1:7', '*/5 8 * * 1-5'],
    ['- cron: */5 8 * * *', '1:9', '*/5 8 * * *'],
    ['{ cron: */5 8 * * *, for: 1h }', '1:9', '*/5 8 * * *'],
    ['apps:\n  *.example.com: 1', '2:3', '*.example.com'],
    ['apps:\n  a: 1\n  *.example.com: 1', '3:3', '*.example.com'],
    ['apps:\n  *.example.com:\n    max: 1', '2:3', '*.example.com'],
    ['apps: { *.example.com: 1 }', '1:9', '*.example.com'],
    ['*: 1', '1:1', '*'],
  ])('is an error that says so: %j', (text, place, quoted) => {
    expect(wrong(text)).toBe(`${place}: ${star(quoted)}`)
  })

  test('is found far down in a file', () => {
    const above = 'a: [1]\n'.repeat(1000)
    expect(wrong(`${above}cron: * * *\n`)).toBe(`1001:7: ${star('* * *')}`)
    expect(wrong(`${above}*.a.com:\n  b: 1\n`)).toBe(`1001:1: ${star('*.a.com')}`)
  })

  test.each(['a: "*" x', "a: 'b: *c' x", 'a: b # *\nc', 'a: b*c: d', "a: don't *b: c"])(
    'is not blamed when it stands inside another text: %j',
    (text) => {
      expect(wrong(text)).not.toBe('')
      expect(wrong(text)).not.toContain('alias')
    },
  )
})

describe('a syntax error says in plain words where and what to do', () => {
  const misplaced =
    'this does not belong here: the indentation is wrong, or a text with special characters needs quotes'
  const colon =
    'this ":" does not belong here: the indentation is wrong, or a text with ": " in it needs quotes'

  test.each([
    ['a: @b c', '1:4: "@b c" must be quoted: @ cannot start a text in YAML'],
    ['a: [`b`]', '1:5: "`b`" must be quoted: ` cannot start a text in YAML'],
    ['- 1\n- %d # x', '2:3: "%d" must be quoted: % cannot start a text in YAML'],
    ['@a: 1', '1:1: "@a" must be quoted: @ cannot start a text in YAML'],
    ['%b', '1:3: quote a text that starts with %'],
    ['a:\n\tb: 1', '2:1: a tab must not be used for indentation; use spaces'],
    ['a: 1\n  b: 2', `2:4: ${colon}`],
    ['a: b: c', `1:5: ${colon}`],
    ['a:\n    b: 1\n  c: 1', `3:3: ${misplaced}`],
    ['a: "x" y', `1:8: ${misplaced}`],
    ['a:\n  - b\n c: 1', `3:2: ${misplaced}`],
    ['- a\nb: 1', `2:1: ${misplaced}`],
    ['a: 1\nb', '2:2: a ":" is missing after this key'],
    ['a: 1\nb\n', '3:1: a ":" is missing after the key above, or the indentation is wrong'],
    ['a: 1\nb\nc: 2', '3:2: a ":" is missing after the key above, or the indentation is wrong'],
    ['a: ["b" c]', '1:9: a comma is missing before this, or a text needs quotes'],
    ['a: [b', '1:6: the file ends before a [ or { is closed'],
    ['a: [b\nc: 1', '2:1: a [, { or quote above is not closed, or this line is not indented enough'],
    ['a: [b, x${C}]', '1:9: a text with ${ in it needs quotes inside [ ] and { }'],
    ['{ a: ${B} }', '1:6: a text with ${ in it needs quotes inside [ ] and { }'],
    ['a: [,]', '1:5: there is nothing before this comma'],
    ['a: "b', '1:6: the file ends before a " is closed'],
    ["a: 'b", "1:6: the file ends before a ' is closed"],
    ['a: "\\d"', '1:6: there is no such escape in double quotes; use \\\\ for a backslash, or single quotes'],
    ['a: >b', '1:5: after | or > the text begins in the next line; quote a text that starts with one'],
    ['a: &', '1:5: quote a text that starts with &'],
    ['a: \u0007', '1:4: this character is not printable; write it as an escape in double quotes'],
    ['a: \0', '1:4: null byte is not allowed in input'],
  ])('%j', (text, message) => {
    expect(wrong(text)).toBe(message)
  })
})

describe('a position', () => {
  const text = [
    '# shop',
    'version: 1',
    'apps:',
    '  "my shop": &shop',
    '    hosts: [a.example, "b.example"]',
    '    max:',
    '    page: |',
    '',
    '      hello',
    '  other: *shop',
    'list:',
    '  - !!str 12',
    '  -',
    '  - x: 1',
  ].join('\n')
  const source = parse(text)
  const at = (keys: Keys, what: 'key' | 'value') => {
    const { line, column } = source.position(keys, what)
    return `${line}:${column}`
  }

  test.each<[Keys, string, string]>([
    [[], '2:1', '2:1'],
    [['version'], '2:1', '2:10'],
    [['apps'], '3:1', '4:3'],
    [['apps', 'my shop'], '4:3', '5:5'],
    [['apps', 'my shop', 'hosts'], '5:5', '5:12'],
    [['apps', 'my shop', 'hosts', 0], '5:13', '5:13'],
    [['apps', 'my shop', 'hosts', 1], '5:24', '5:24'],
    [['apps', 'my shop', 'max'], '6:5', '6:5'],
    [['apps', 'my shop', 'page'], '7:5', '9:7'],
    [['apps', 'other'], '10:3', '10:10'],
    [['apps', 'other', 'hosts'], '5:5', '5:12'],
    [['list', 0], '12:11', '12:11'],
    [['list', 1], '12:3', '12:3'],
    [['list', 2], '14:5', '14:5'],
    [['list', 2, 'x'], '14:5', '14:8'],
  ])('of %j is that of its key and of its value', (keys, key, value) => {
    expect([at(keys, 'key'), at(keys, 'value')]).toEqual([key, value])
  })

  test.each<[Keys, Keys]>([
    [
      ['apps', 'my shop', 'min'],
      ['apps', 'my shop'],
    ],
    [
      ['apps', 'my shop', 'max', 'x', 1],
      ['apps', 'my shop', 'max'],
    ],
    [['list', 9], ['list']],
    [['list', '0'], ['list']],
    [['list', -1], ['list']],
    [['apps', 0], ['apps']],
    [['constructor'], []],
  ])('of %j, which is not there, is that of %j', (absent, ancestor) => {
    expect(at(absent, 'key')).toBe(at(ancestor, 'key'))
    expect(at(absent, 'value')).toBe(at(ancestor, 'value'))
  })

  test('of every node points at the text of that node', () => {
    const indented = (value: unknown) => JSON.stringify(value, null, 2).replace(/\n */g, '\n')
    const check = (json: ConfigSource, written: string, keys: Keys, value: unknown) => {
      const rest = (what: 'key' | 'value') => {
        const { line, column } = json.position(keys, what)
        const [first, ...others] = written.split('\n').slice(line - 1)
        return [first.slice(column - 1), ...others].join('\n').replace(/\n */g, '\n')
      }
      expect(rest('value').startsWith(indented(value))).toBe(true)
      const last = keys.at(-1)
      if (typeof last === 'string') expect(rest('key').startsWith(`${JSON.stringify(last)}:`)).toBe(true)
      if (typeof value !== 'object' || value === null) return
      for (const [key, child] of Object.entries(value)) {
        check(json, written, [...keys, Array.isArray(value) ? Number(key) : key], child)
      }
    }
    // Numbers that are kept, and no variables.
    const plain = (_: string, value: unknown) => {
      if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER) return 0
      return typeof value === 'string' ? value.replaceAll('$', '') : value
    }
    const tree = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value), plain))
    fc.assert(
      fc.property(tree, (value) => {
        const written = JSON.stringify(value, null, 2)
        check(parse(written), written, [], JSON.parse(written))
      }),
    )
  })
})

describe('what is written', () => {
  test('is the text of a scalar before its variables were filled in', () => {
    const env = { SECRET: 'hunter2' }
    const source = parse(
      'a: ${SECRET}\nb: ["x ${SECRET}", $$y, z]\nc: >\n  ${NO:-1}\n  2\nd: &d {e: "${NO:-}"}\nf: *d',
      env,
    )
    expect(source.value).toEqual({
      a: 'hunter2',
      b: ['x hunter2', '$y', 'z'],
      c: '1 2\n',
      d: { e: '' },
      f: { e: '' },
    })
    expect(source.written(['a'])).toBe('${SECRET}')
    expect(source.written(['b', 0])).toBe('x ${SECRET}')
    expect(source.written(['c'])).toBe('${NO:-1} 2\n')
    expect(source.written(['f', 'e'])).toBe('${NO:-}')
  })

  test('is not given for anything else', () => {
    const source = parse('a: ${A:-1}\nb: [$$x, y]\n')
    for (const keys of [[], ['b'], ['b', 0], ['b', 1], ['b', 2], ['c'], ['a', 'x'], ['constructor']]) {
      expect(source.written(keys)).toBeUndefined()
    }
  })
})

test('a hundred thousand apps are read in seconds', () => {
  const apps = Array.from(
    { length: 100_000 },
    (_, index) => `  a${index}:\n    hosts: [h${index}.example.com]\n`,
  )
  const text = `version: 1\napps:\n${apps.join('')}`
  // Processor time, as a busy machine would only show how busy it is.
  const before = process.cpuUsage()
  const source = parse(text)
  const tookMs = process.cpuUsage(before).user / 1000
  console.info(`100,000 apps: ${tookMs.toFixed(0)} ms of processor time`)
  expect(source.position(['apps', 'a99999', 'hosts', 0], 'value')).toEqual({ line: 200_002, column: 13 })
  expect(tookMs).toBeLessThan(5000)
})
