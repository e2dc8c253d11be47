import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  collect,
  defineOptions,
  type OptionsError,
  parseFlags,
  readConfig,
  readEnv,
  resolveConfig,
} from './index.ts'
import { SAMPLE } from './sample.testkit.ts'

const TABLE = defineOptions({
  holdMs: { kind: 'duration', default: 50_000, max: 3_600_000, flag: true, doc: 'X.' },
  max: { kind: 'integer', default: 10, flag: true, doc: 'X.' },
  ports: { kind: 'strings', flag: 'port', doc: 'X.' },
  labels: { kind: 'map', flag: 'label', doc: 'X.' },
  token: { kind: 'secret', flag: true, doc: 'X.' },
  health: { kind: 'string', doc: 'X.' },
  watch: { kind: 'boolean', default: false, doc: 'X.' },
})
const REQUIRED = defineOptions({ edge: { kind: 'string', required: true, flag: true, doc: 'X.' } })

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'brxy-options-'))
  writeFileSync(join(directory, 'token'), 's3cret\n')
  writeFileSync(join(directory, 'empty'), '\n')
  writeFileSync(join(directory, 'large'), 'x'.repeat(65_537))
})
afterAll(() => rmSync(directory, { recursive: true }))

describe('collect', () => {
  it('prefers flag to env to file to default, and says which it was', () => {
    const { flags } = parseFlags(TABLE, ['--hold', '1s'])
    const { values, source } = collect(TABLE, {
      flags,
      env: { BRXY_HOLD: '2s', BRXY_MAX: '2', BRXY_OTHER: 'x' },
      file: { hold: '3s', max: 3, health: '/up' },
    })
    expect(values).toMatchObject({ holdMs: 1_000, max: 2, health: '/up', watch: false, token: undefined })
    expect(source).toMatchObject({
      holdMs: 'flag',
      max: 'env',
      health: 'file',
      watch: 'default',
      token: 'default',
    })
  })

  it('takes each occurrence of a list flag as one element, commas and all', () => {
    const { flags } = parseFlags(TABLE, ['--port', 'a,b', '--port', 'c', '--label', 'A=1,2'])
    expect(collect(TABLE, { flags }).values).toMatchObject({ ports: ['a,b', 'c'], labels: { A: '1,2' } })
  })

  it('validates a source that loses, too', () => {
    const { flags } = parseFlags(TABLE, ['--max', '1'])
    expect(() => collect(TABLE, { flags, env: { BRXY_MAX: 'x' } })).toThrow(
      /^BRXY_MAX: "x" is not a whole number/,
    )
  })

  it.each([
    [{ flags: { holdMs: '50' } }, '--hold: "50" has no unit; write 50s or 50ms'],
    [{ flags: { labels: ['A'] } }, '--label: "A" is not NAME=value'],
    [{ env: { BRXY_HOLD: '2h' } }, 'BRXY_HOLD: "2h" is above the maximum; give at most 1h'],
    [{ file: { hold: 50 }, filePath: 'apps.shop' }, 'apps.shop.hold: "50" has no unit; write 50s or 50ms'],
  ])('names the flag, variable or key: %o', (sources, message) => {
    expect(() => collect(TABLE, sources)).toThrow(
      expect.objectContaining({ code: 'options/invalid', message }),
    )
  })

  it('says how to give a required option that nobody gave', () => {
    expect(() => collect(REQUIRED, {})).toThrow(
      expect.objectContaining({
        code: 'options/missing',
        message: '--edge: is required; give --edge or BRXY_EDGE or "edge" in the config file',
      }),
    )
  })
})

describe('readEnv', () => {
  it('takes an empty variable for absent', () => {
    expect(readEnv(TABLE, { BRXY_HOLD: '', BRXY_PORT: '', BRXY_TOKEN: '', BRXY_TOKEN_FILE: '' })).toEqual({})
  })

  it('reads a secret from the file that _FILE names, without its line end', () => {
    expect(readEnv(TABLE, { BRXY_TOKEN_FILE: join(directory, 'token') })).toEqual({ token: 's3cret' })
  })

  it('has no _FILE for what is no secret', () => {
    expect(readEnv(TABLE, { BRXY_MAX_FILE: join(directory, 'token') })).toEqual({})
  })

  it.each([
    ['absent', 'ENOENT'],
    ['empty', 'is empty'],
    ['large', 'is over 64 KiB'],
    ['', 'EISDIR'],
  ])('refuses the secret file "%s"', (file, why) => {
    expect(() => readEnv(TABLE, { BRXY_TOKEN_FILE: join(directory, file) })).toThrow(
      expect.objectContaining({ path: 'BRXY_TOKEN_FILE', message: expect.stringContaining(why) }),
    )
  })

  it('refuses a secret given in both ways', () => {
    const env = { BRXY_TOKEN: 'hunter2', BRXY_TOKEN_FILE: join(directory, 'token') }
    expect(() => readEnv(TABLE, env)).toThrow('BRXY_TOKEN: is set beside BRXY_TOKEN_FILE; unset one of them')
  })
})

describe('readConfig', () => {
  it('reads keys without units, texts with them, and native lists, maps, numbers, booleans', () => {
    const section = { hold: '5s', max: 3, ports: ['a,b'], labels: { A: '1' }, watch: true, health: null }
    expect(readConfig(TABLE, section)).toEqual({
      holdMs: 5_000,
      max: 3,
      ports: ['a,b'],
      labels: { A: '1' },
      watch: true,
    })
  })

  it('reads a text for a number, as an interpolated variable gives it', () => {
    expect(readConfig(TABLE, { max: '3', watch: 'true' })).toEqual({ max: 3, watch: true })
  })

  it('takes an empty section for no options', () => {
    expect(resolveConfig(TABLE, null)).toMatchObject({ holdMs: 50_000, max: 10 })
  })

  it('reads a secret from a file, a variable, or the text itself', () => {
    expect(readConfig(TABLE, { token: { file: join(directory, 'token') } })).toEqual({ token: 's3cret' })
    expect(readConfig(TABLE, { token: { env: 'T' } }, { env: { T: 'from env' } })).toEqual({
      token: 'from env',
    })
    expect(readConfig(TABLE, { token: 'literal' })).toEqual({ token: 'literal' })
  })

  it.each([
    [{ holdd: '5s' }, 'options/unknown', 'app.holdd: there is no such option; did you mean hold?'],
    [{ holdMs: 5 }, 'options/unknown', 'app.holdMs: is called hold here; write its unit with the value'],
    [{ hold: true }, 'options/invalid', 'app.hold: true must be a duration such as 50s'],
    [{ hold: [] }, 'options/invalid', 'app.hold: a list must be a duration such as 50s'],
    [{ max: 1.5 }, 'options/invalid', 'app.max: 1.5 must be a whole number'],
    [{ health: 1.1 }, 'options/invalid', 'app.health: 1.1 must be a string; quote it'],
    [{ health: { a: 1 } }, 'options/invalid', 'app.health: a mapping must be a string'],
    [{ ports: 'a,b' }, 'options/invalid', 'app.ports: "a,b" must be a list: [a, b]'],
    [{ ports: [1] }, 'options/invalid', 'app.ports[0]: 1 must be a string; quote it'],
    [{ labels: 'A=1' }, 'options/invalid', 'app.labels: "A=1" must map names to strings'],
    [{ labels: { A: 1 } }, 'options/invalid', 'app.labels.A: 1 must be a string; quote it'],
    [{ token: 5 }, 'options/invalid', /^app.token: must be { file: PATH } or { env: NAME }/],
    [{ token: { file: 'a', env: 'b' } }, 'options/invalid', /^app.token: must be/],
    [{ token: { path: 'a' } }, 'options/invalid', /^app.token: must be/],
    [{ token: { env: 'NOPE' } }, 'options/invalid', 'app.token.env: the variable NOPE is not set'],
    ['hold: 5s', 'options/invalid', 'app: "hold: 5s" must be a mapping of options to values'],
  ])('refuses %o', (section, code, message) => {
    const expected = typeof message === 'string' ? message : expect.stringMatching(message)
    expect(() => readConfig(TABLE, section, { path: 'app' })).toThrow(
      expect.objectContaining({ code, message: expected }),
    )
  })

  it('names the path of a required key that is missing', () => {
    expect(() => resolveConfig(REQUIRED, {}, { path: 'link' })).toThrow(
      expect.objectContaining({ code: 'options/missing', path: 'link.edge' }),
    )
  })
})

describe('flags and variables of nested options', () => {
  it('reach into sections and lists, in the usual precedence', () => {
    const { flags } = parseFlags(SAMPLE, ['-p', ':1', '--port', ':2', '--max', '3'])
    const { values, source } = collect(SAMPLE, {
      flags,
      env: { BRXY_PORT: ':3', BRXY_MAX: '4', BRXY_TUNNEL: ':5', BRXY_QUEUE: '6' },
      file: {
        listen: [':7'],
        tunnel: { bind: ':8' },
        defaults: { max: 9, hold: '10s', queue: { bytes: 11 } },
      },
    })
    expect(values.listen).toMatchObject([{ bind: ':1', backlog: 511 }, { bind: ':2' }])
    expect(values.tunnel.bind).toBe(':5')
    expect(values.defaults).toMatchObject({ max: 3, holdMs: 10_000, queue: { requests: 6, bytes: 11 } })
    expect(source).toEqual({
      version: 'default',
      listen: 'flag',
      'tunnel.bind': 'env',
      'tunnel.tls.cert': 'default',
      'tunnel.tls.verify': 'default',
      secret: 'default',
      labels: 'default',
      proxies: 'default',
      'defaults.max': 'flag',
      'defaults.holdMs': 'file',
      'defaults.queue.requests': 'env',
      'defaults.queue.bytes': 'file',
      'defaults.page.file': 'default',
      'defaults.page.afterMs': 'default',
    })
  })

  it('divide the variable of a list of sections at commas', () => {
    expect(collect(SAMPLE, { env: { BRXY_PORT: ':1,:2' } }).values.listen).toMatchObject([
      { bind: ':1' },
      { bind: ':2' },
    ])
  })

  it('make an optional section be there', () => {
    const { flags } = parseFlags(SAMPLE, ['--cert', 'a.pem'])
    expect(collect(SAMPLE, { flags }).values.tunnel.tls).toEqual({ cert: 'a.pem', verify: true })
  })

  it('are not asked for what is required in an optional section that is absent', () => {
    expect(collect(SAMPLE, {}).values.tunnel.tls).toBeUndefined()
    expect(() => collect(SAMPLE, { env: { BRXY_VERIFY: 'false' } })).toThrow(
      '--cert: is required; give --cert or BRXY_CERT or "tunnel.tls.cert" in the config file',
    )
  })

  it('have their mistakes collected with those of the file, each once', () => {
    const errors: OptionsError[] = []
    collect(SAMPLE, {
      flags: parseFlags(SAMPLE, ['--max', 'x', '--hold', '1']).flags,
      env: { BRXY_MAX: '0', BRXY_VERIFY: 'yes' },
      file: { tunnel: { tls: { cert: 5 } }, defaults: { max: 0 }, apps: { shop: {} } },
      onError: (error) => errors.push(error),
    })
    expect(errors.map(({ message }) => message)).toEqual([
      'tunnel.tls.cert: 5 must be a string; quote it',
      'defaults.max: 0 is below the minimum; give at least 1',
      'BRXY_VERIFY: "yes" is neither true nor false',
      '--max: "x" is not a whole number in decimal digits',
      'BRXY_MAX: "0" is below the minimum; give at least 1',
      '--hold: "1" has no unit; write 1s or 1ms',
      'apps.shop.scaler: is required',
    ])
  })

  it('do not make a required option missing by being wrong', () => {
    const table = defineOptions({ size: { kind: 'bytes', required: true, flag: true, doc: 'X.' } })
    const errors: OptionsError[] = []
    collect(table, { flags: { size: '5k' }, onError: (error) => errors.push(error) })
    expect(errors.map(({ code, keys }) => ({ code, keys }))).toEqual([{ code: 'options/invalid', keys: [] }])
  })
})
