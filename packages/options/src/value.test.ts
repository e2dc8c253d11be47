import { describe, expect, it } from 'vitest'
import type { OptionsError } from './error.ts'
import type { OptionValue, Row } from './row.ts'
import { checkOption, formatOption, parseOption } from './value.ts'

const DURATION = { kind: 'duration', doc: 'D.' } as const
const BYTES = { kind: 'bytes', doc: 'B.' } as const
const INTEGER = { kind: 'integer', doc: 'I.' } as const
const STRINGS = { kind: 'strings', doc: 'S.' } as const
const MAP = { kind: 'map', doc: 'M.' } as const

describe('durations', () => {
  it.each([
    ['0', 0],
    ['0s', 0],
    ['100ms', 100],
    ['50s', 50_000],
    ['1.5s', 1_500],
    ['1.005s', 1_005],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['0.25h', 900_000],
  ])('reads %s as %i ms', (text, ms) => {
    expect(parseOption('--hold', DURATION, text)).toBe(ms)
  })

  it.each([
    ['50', '--hold: "50" has no unit; write 50s or 50ms'],
    ['', '--hold: "" is not a duration; write for example 500ms, 50s, 2m or 1h'],
    ['-1s', '--hold: "-1s" is not a duration; write for example 500ms, 50s, 2m or 1h'],
    ['1 s', '--hold: "1 s" is not a duration; write for example 500ms, 50s, 2m or 1h'],
    ['1e3ms', '--hold: "1e3ms" is not a duration; write for example 500ms, 50s, 2m or 1h'],
    ['3d', '--hold: "3d" has an unknown unit "d"; use ms, s, m or h'],
    ['5S', '--hold: "5S" has an unknown unit "S"; use ms, s, m or h'],
    ['0.5ms', '--hold: "0.5ms" is not a whole number of milliseconds'],
    ['999999999999999h', '--hold: "999999999999999h" is too long'],
  ])('refuses %j', (text, message) => {
    expect(refused(() => parseOption('--hold', DURATION, text)).message).toBe(message)
  })
})

describe('bytes', () => {
  it.each([
    ['0', 0],
    ['1000', 1_000],
    ['64KiB', 65_536],
    ['512MiB', 536_870_912],
    ['1.5GiB', 1_610_612_736],
    ['7B', 7],
  ])('reads %s as %i bytes', (text, bytes) => {
    expect(parseOption('--buffer', BYTES, text)).toBe(bytes)
  })

  it.each([
    ['64k', '--buffer: "64k" has an unknown unit "k"; write 64KiB'],
    ['64MB', '--buffer: "64MB" has an unknown unit "MB"; write 64MiB'],
    ['64x', '--buffer: "64x" has an unknown unit "x"; use KiB, MiB or GiB'],
    ['0.3KiB', '--buffer: "0.3KiB" is not a whole number of bytes'],
    ['lots', '--buffer: "lots" is not a size; write for example 65536, 64KiB or 512MiB'],
    ['99999999TiB', '--buffer: "99999999TiB" is too large'],
  ])('refuses %j', (text, message) => {
    expect(refused(() => parseOption('--buffer', BYTES, text)).message).toBe(message)
  })
})

describe('integers', () => {
  it('reads decimal digits', () => {
    expect(parseOption('--max', INTEGER, '-12')).toBe(-12)
  })

  it.each(['1.0', '1e3', '0x10', ' 1', '1_000', '', '9007199254740992'])('does not guess at %j', (text) => {
    expect(refused(() => parseOption('--max', INTEGER, text)).code).toBe('options/invalid')
  })
})

describe('booleans and enums', () => {
  it.each(['yes', '1', 'TRUE', ''])('takes true and false only, not %j', (text) => {
    const row = { kind: 'boolean', doc: 'J.' } as const
    expect(refused(() => parseOption('BRXY_JSON', row, text)).message).toBe(
      `BRXY_JSON: ${JSON.stringify(text)} is neither true nor false`,
    )
  })

  it('suggests the enum value that was meant', () => {
    const row = { kind: 'enum', values: ['stop', 'keep'], doc: 'E.' } as const
    expect(parseOption('--on-exit', row, 'keep')).toBe('keep')
    expect(refused(() => parseOption('--on-exit', row, 'kepe')).message).toBe(
      '--on-exit: "kepe" must be one of stop, keep; did you mean keep?',
    )
  })
})

describe('lists and maps', () => {
  it.each([
    ['', []],
    ['[]', []],
    ['a', ['a']],
    ['a, b', ['a', 'b']],
    ['[::1]:80,:81', ['[::1]:80', ':81']],
    ['["a,b",""," c"]', ['a,b', '', ' c']],
  ])('reads %j', (text, elements) => {
    expect(parseOption('BRXY_PORT', STRINGS, text)).toEqual(elements)
  })

  it.each([
    ['a,,b', 'BRXY_PORT: "a,,b" has an empty element; write a,b or ["a","b"]'],
    ['["a"', 'BRXY_PORT: "[\\"a\\"" is not a JSON list; write a,b or ["a","b"]'],
    ['["a",1]', 'BRXY_PORT: "[\\"a\\",1]" must hold only strings'],
  ])('refuses %j', (text, message) => {
    expect(refused(() => parseOption('BRXY_PORT', STRINGS, text)).message).toBe(message)
  })

  it('divides NAME=value at the first equals sign', () => {
    expect(parseOption('BRXY_ENV', MAP, 'A=1,B=x=y,C=')).toEqual({ A: '1', B: 'x=y', C: '' })
  })

  it.each(['A', '=1', 'A=1,A=2'])('refuses the map %j', (text) => {
    expect(refused(() => parseOption('BRXY_ENV', MAP, text)).code).toBe('options/invalid')
  })

  it('bounds the number of elements, by default to 1000', () => {
    expect(refused(() => checkOption('ports', STRINGS, new Array(1_001).fill('x'))).message).toBe(
      'ports: a list has 1001 elements; at most 1000 are allowed',
    )
    expect(refused(() => checkOption('command', { ...STRINGS, min: 1 }, [])).message).toBe(
      'command: a list must have at least 1 element',
    )
  })
})

describe('bounds', () => {
  const row = { ...DURATION, min: 1_000, max: 3_600_000 }

  it('are inclusive, and the error names them in the unit of the option', () => {
    expect(checkOption('hold', row, 1_000)).toBe(1_000)
    expect(checkOption('hold', row, 3_600_000)).toBe(3_600_000)
    expect(refused(() => parseOption('--hold', row, '2h')).message).toMatch(
      /is above the maximum; give at most 1h$/,
    )
    expect(refused(() => parseOption('--hold', row, '1ms')).message).toMatch(
      /is below the minimum; give at least 1s$/,
    )
  })

  it('are zero at least for durations and sizes', () => {
    expect(refused(() => checkOption('holdMs', DURATION, -1)).code).toBe('options/invalid')
    expect(refused(() => checkOption('bufferBytes', BYTES, -1)).code).toBe('options/invalid')
  })

  it.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, '50', null, 2 ** 53])(
    'refuse the number %s',
    (value) => {
      expect(refused(() => checkOption('holdMs', DURATION, value)).message).toMatch(
        /must be a whole number of milliseconds$/,
      )
    },
  )
})

describe('errors', () => {
  it('never repeat a secret', () => {
    const row = { kind: 'secret', doc: 'T.' } as const
    expect(refused(() => parseOption('BRXY_TOKEN', row, 'hunter2\0')).message).toBe(
      'BRXY_TOKEN: the value contains a NUL character',
    )
    expect(formatOption(row, 'hunter2')).toBe('(secret)')
  })

  it('cut a long value and keep it on one line', () => {
    const { message } = refused(() => parseOption('--max', INTEGER, `\n${'9'.repeat(10_000)}`))
    expect(message).toContain('"\\n9999')
    expect(message.length).toBeLessThan(200)
  })
})

// parseOption(formatOption(value)) is value: seeded random values of every kind, the seed in the failure.
describe('text and back', () => {
  const generators: Record<string, (random: () => number) => [Row, unknown]> = {
    duration: (random) => [DURATION, scaled(random, [1, 1_000, 60_000, 3_600_000])],
    bytes: (random) => [BYTES, scaled(random, [1, 1_024, 2 ** 20, 2 ** 30])],
    integer: (random) => [INTEGER, scaled(random, [1, -1, 1_000])],
    boolean: (random) => [{ kind: 'boolean', doc: 'J.' }, random() < 0.5],
    string: (random) => [{ kind: 'string', doc: 'S.' }, word(random)],
    strings: (random) => [STRINGS, words(random)],
    map: (random) => [MAP, Object.fromEntries(words(random).map((text, at) => [`N${at}`, text]))],
  }
  it.each(Object.keys(generators))('gives the same %s', (kind) => {
    for (let seed = 1; seed <= 500; seed++) {
      const [row, value] = generators[kind](randomFrom(seed))
      const text = formatOption(row, value as OptionValue<Row>)
      expect(parseOption('x', row, text), `seed ${seed}, text ${text}`).toEqual(value)
    }
  })
})

function scaled(random: () => number, units: readonly number[]): number {
  return Math.floor(random() * 2_000) * units[Math.floor(random() * units.length)]
}

function words(random: () => number): string[] {
  return Array.from({ length: Math.floor(random() * 4) }, () => word(random))
}

function word(random: () => number): string {
  const letters = ['a', 'B', ',', '"', '[', ']', ' ', '=', '\\', 'é', '\n', '1', '-']
  return Array.from(
    { length: Math.floor(random() * 5) },
    () => letters[Math.floor(random() * letters.length)],
  ).join('')
}

/** A linear congruential generator (Numerical Recipes): the same seed, the same values. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

function refused(run: () => unknown): OptionsError {
  try {
    run()
  } catch (error) {
    return error as OptionsError
  }
  throw new Error('nothing was thrown')
}
