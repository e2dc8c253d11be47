import { describe, expect, expectTypeOf, it } from 'vitest'
import { defineOptions, type Options, type OptionsInput, optionNames, resolveOptions } from './index.ts'

const TABLE = defineOptions({
  holdMs: { kind: 'duration', default: 50_000, min: 1, max: 3_600_000, flag: true, doc: 'Longest hold.' },
  maxApps: { kind: 'integer', default: 100, min: 1, flag: true, doc: 'Most apps.' },
  log: { kind: 'enum', values: ['auto', 'text', 'json'], default: 'auto', flag: true, doc: 'Log format.' },
  health: { kind: 'string', doc: 'Path.' },
  command: { kind: 'strings', required: true, doc: 'Command.' },
})

describe('optionNames', () => {
  it.each([
    ['holdMs', { kind: 'duration' }, { key: 'hold', flag: 'hold', env: 'BRXY_HOLD' }],
    ['heldBytes', { kind: 'bytes' }, { key: 'held', flag: 'held', env: 'BRXY_HELD' }],
    ['maxApps', { kind: 'integer' }, { key: 'maxApps', flag: 'max-apps', env: 'BRXY_MAX_APPS' }],
    ['rooms', { kind: 'strings' }, { key: 'rooms', flag: 'rooms', env: 'BRXY_ROOMS' }],
    [
      'heldBytes',
      { kind: 'bytes', key: 'heldBytes' },
      { key: 'heldBytes', flag: 'held-bytes', env: 'BRXY_HELD_BYTES' },
    ],
    ['route', { kind: 'string', env: 'ROUTE' }, { key: 'route', flag: 'route', env: 'ROUTE' }],
    ['ports', { kind: 'strings', flag: 'port' }, { key: 'ports', flag: 'port', env: 'BRXY_PORT' }],
  ] as const)('derives the names of %s %o', (name, row, names) => {
    expect(optionNames(name, { flag: true, doc: 'X.', ...row })).toEqual(names)
  })

  it('gives no flag to a row that is none', () => {
    expect(optionNames('health', TABLE.health).flag).toBeUndefined()
  })
})

describe('defineOptions', () => {
  it('infers the type of each value', () => {
    expectTypeOf<Options<typeof TABLE>>().toEqualTypeOf<{
      readonly holdMs: number
      readonly maxApps: number
      readonly log: 'auto' | 'text' | 'json'
      readonly health: string | undefined
      readonly command: readonly string[]
    }>()
    expectTypeOf<{ log: 'json' }>().toExtend<OptionsInput<typeof TABLE>>()
    expectTypeOf<{ log: 'jsn' }>().not.toExtend<OptionsInput<typeof TABLE>>()
  })

  it('refuses two rows that claim one name', () => {
    const row = { kind: 'string', flag: true, doc: 'X.' } as const
    expect(() => defineOptions({ a: { ...row, alias: 'x' }, b: { ...row, alias: 'x' } })).toThrow(
      'a and b both claim -x',
    )
    expect(() => defineOptions({ a: { ...row, env: 'X' }, b: { ...row, env: 'X' } })).toThrow(
      'a and b both claim X',
    )
    expect(() => defineOptions({ holdMs: { kind: 'duration', doc: 'X.' }, hold: row })).toThrow(
      'both claim key hold',
    )
    expect(() => defineOptions({ json: { ...row, kind: 'boolean' }, noJson: row })).toThrow(
      'both claim --no-json',
    )
  })

  it('refuses a default outside its own bounds', () => {
    expect(() => defineOptions({ max: { kind: 'integer', default: 0, min: 1, doc: 'X.' } })).toThrow(
      'default of max: 0 is below the minimum; give at least 1',
    )
  })
})

describe('resolveOptions', () => {
  it('fills in defaults and leaves what has none undefined', () => {
    expect(resolveOptions(TABLE, { command: ['x'], maxApps: 3 })).toEqual({
      holdMs: 50_000,
      maxApps: 3,
      log: 'auto',
      health: undefined,
      command: ['x'],
    })
  })

  it('takes undefined for absent', () => {
    expect(resolveOptions(TABLE, { command: ['x'], maxApps: undefined }).maxApps).toBe(100)
  })

  it('names the path of an unknown option and the one that was meant', () => {
    const input = { command: ['x'], holdMS: 1 }
    expect(() => resolveOptions(TABLE, input, 'apps.shop')).toThrow(
      expect.objectContaining({
        code: 'options/unknown',
        path: 'apps.shop.holdMS',
        message: 'apps.shop.holdMS: there is no such option; did you mean holdMs?',
        [Symbol.for('brxy.error')]: true,
      }),
    )
  })

  it('does not take what every object inherits for an option', () => {
    expect(() => resolveOptions(TABLE, { command: ['x'], toString: () => '' } as never)).toThrow(
      'no such option',
    )
  })

  it('names a required option that is missing', () => {
    expect(() => resolveOptions(TABLE, {}, 'shell')).toThrow(
      expect.objectContaining({
        code: 'options/missing',
        message: 'shell.command: is required',
      }),
    )
  })

  it('converts nothing', () => {
    expect(() => resolveOptions(TABLE, { command: ['x'], holdMs: '50s' as never })).toThrow(
      'holdMs: "50s" must be a whole number of milliseconds',
    )
    expect(() => resolveOptions(TABLE, [] as never)).toThrow('must be a mapping')
  })
})

describe('defineOptions of nested options', () => {
  const bind = { kind: 'string', doc: 'X.' } as const
  const list = { kind: 'sections', doc: 'X.', table: { bind, n: { kind: 'integer', doc: 'X.' } } } as const
  it.each([
    [
      'a key used twice in a section',
      { a: { kind: 'section', doc: 'X.', table: { x: bind, y: { ...bind, key: 'x' } } } },
      'both claim key x',
    ],
    [
      'a variable used twice',
      {
        a: { kind: 'section', doc: 'X.', table: { bind } },
        b: { kind: 'section', doc: 'X.', table: { bind } },
      },
      'options a.bind and b.bind both claim BRXY_BIND',
    ],
    ['a flag of a list without shorthand', { a: { ...list, flag: true } }, 'needs a shorthand'],
    [
      'a shorthand that is no text',
      { a: { ...list, shorthand: 'n' } },
      'shorthand n is no option of kind string',
    ],
    [
      'a shorthand that does not do alone',
      { a: { ...list, shorthand: 'bind', table: { bind, n: { ...bind, required: true } } } },
      'n is required',
    ],
    [
      'a list whose default is wrong',
      { a: { ...list, default: [{ bind: 5 }] } },
      'default of a.bind: 5 must be a string',
    ],
    [
      'a default that is wrong inside',
      { a: { kind: 'section', doc: 'X.', table: { n: { kind: 'integer', min: 2, default: 1, doc: 'X.' } } } },
      'default of n: 1 is below',
    ],
    [
      'a pattern that is none',
      { a: { kind: 'named', doc: 'X.', placeholder: 'N', pattern: '(', patternDoc: 'x', table: {} } },
      'Invalid regular expression',
    ],
  ])('refuses %s', (_, table, message) => {
    expect(() => defineOptions(table as never)).toThrow(message)
  })
})
