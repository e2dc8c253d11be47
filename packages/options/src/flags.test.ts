import { describe, expect, it } from 'vitest'
import { defineOptions, parseFlags } from './index.ts'

const TABLE = defineOptions({
  concurrency: { kind: 'integer', default: 1, flag: true, alias: 'c', doc: 'X.' },
  holdMs: { kind: 'duration', flag: true, doc: 'X.' },
  ports: { kind: 'strings', flag: 'port', alias: 'p', doc: 'X.' },
  env: { kind: 'map', flag: true, env: 'BRXY_EXTRA_ENV', doc: 'X.' },
  json: { kind: 'boolean', default: false, flag: true, alias: 'j', doc: 'X.' },
  healthPath: { kind: 'string', doc: 'Not a flag.' },
})

describe('parseFlags', () => {
  it('keeps texts as they were typed, by option name', () => {
    expect(parseFlags(TABLE, ['--hold', '1.10', '-c', '0x10', '--json'])).toEqual({
      flags: { holdMs: '1.10', concurrency: '0x10', json: 'true' },
      positionals: [],
      command: undefined,
    })
  })

  it.each([
    [['-c', '4']],
    [['-c4']],
    [['--concurrency', '4']],
    [['--concurrency=4']],
    [['-jc', '4']],
    [['-jc4']],
  ])('understands %j', (argv) => {
    expect(parseFlags(TABLE, argv).flags.concurrency).toBe('4')
  })

  it('collects the occurrences of a list and of a map in order', () => {
    expect(parseFlags(TABLE, ['-p', '1,2', '--env', 'A=1', '--port=3', '--env', 'B=2']).flags).toEqual({
      ports: ['1,2', '3'],
      env: ['A=1', 'B=2'],
    })
  })

  it('switches a boolean off with --no-', () => {
    expect(parseFlags(TABLE, ['--no-json']).flags).toEqual({ json: 'false' })
    expect(parseFlags(TABLE, ['--json=false']).flags).toEqual({ json: 'false' })
    expect(() => parseFlags(TABLE, ['--no-json=x'])).toThrow('--no-json: takes no value')
  })

  it('leaves a command after -- untouched, further -- included', () => {
    expect(
      parseFlags(TABLE, ['-c', '2', '--', 'brxy', 'link', '-c', '9', '--', '--unknown', '1.10']),
    ).toEqual({
      flags: { concurrency: '2' },
      positionals: [],
      command: ['brxy', 'link', '-c', '9', '--', '--unknown', '1.10'],
    })
  })

  it('stops at the first word that is no flag', () => {
    expect(parseFlags(TABLE, ['-c', '2', 'shop', '--unknown', '-c', '--', 'x'])).toEqual({
      flags: { concurrency: '2' },
      positionals: ['shop', '--unknown', '-c'],
      command: ['x'],
    })
  })

  it('takes a negative number and an empty text as values', () => {
    expect(parseFlags(TABLE, ['-c', '-1', '--hold', '']).flags).toEqual({ concurrency: '-1', holdMs: '' })
  })

  it.each([
    [['--hodl', '5s'], 'options/unknown', '--hodl', '--hodl: there is no such flag; did you mean --hold?'],
    [['--no-jsn'], 'options/unknown', '--no-jsn', '--no-jsn: there is no such flag; did you mean --no-json?'],
    [['--no-hold'], 'options/unknown', '--no-hold', '--no-hold: there is no such flag; see --help'],
    [
      ['--health-path', '/'],
      'options/unknown',
      '--health-path',
      '--health-path: there is no such flag; see --help',
    ],
    [['-x'], 'options/unknown', '-x', '-x: there is no such flag; see --help'],
    [['--__proto__=1'], 'options/unknown', '--__proto__', '--__proto__: there is no such flag; see --help'],
    [['--hold'], 'options/missing', '--hold', '--hold: needs a value'],
    [['-c'], 'options/missing', '-c', '-c: needs a value'],
    [['--hold', '--', 'x'], 'options/missing', '--hold', '--hold: needs a value'],
    [
      ['--hold', '--json'],
      'options/missing',
      '--hold',
      '--hold: needs a value; if "--json" is meant, write --hold=--json',
    ],
    [
      ['-c', '1', '--concurrency=2'],
      'options/invalid',
      '--concurrency',
      '--concurrency: is given twice; give it once',
    ],
  ])('refuses %j', (argv, code, path, message) => {
    expect(() => parseFlags(TABLE, argv)).toThrow(expect.objectContaining({ code, path, message }))
  })
})
