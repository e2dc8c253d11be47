import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { jsonSchema, sectionSchema } from './describe.ts'
import { defineOptions, OptionsError, resolveConfig } from './index.ts'
import { SAMPLE } from './sample.testkit.ts'

const ABOUT = { id: 'https://example.com/schema.json', title: 'Sample', description: 'A sample.' }
const SHELL = defineOptions({
  command: { kind: 'strings', min: 1, required: true, doc: 'The command.' },
  stopMs: { kind: 'duration', default: 10_000, doc: 'Time to stop.' },
})

/** Strict: a keyword that ajv does not know, or that does nothing, is an error. */
function validator(schema: object): (file: unknown) => boolean {
  const validate = new Ajv2020({ strict: true, allErrors: true }).compile(schema)
  return (file) => validate(file)
}
const isValid = validator(jsonSchema(SAMPLE, ABOUT))

function isRead(file: unknown): boolean {
  try {
    resolveConfig(SAMPLE, file, { env: { SET: 'x' } })
    return true
  } catch (error) {
    if (error instanceof OptionsError) return false
    throw error
  }
}

const app = (options: object = {}) => ({ apps: { shop: { scaler: { shell: {} }, ...options } } })
const common = (options: object) => ({ defaults: options })
const tls = (options: unknown) => ({ tunnel: { tls: options } })

const GOOD: readonly unknown[] = [
  null,
  {},
  { version: '1' },
  { version: null },
  { listen: [':80'] },
  { listen: null },
  { listen: [':80', { bind: ':443' }, { bind: ':444', backlog: 1 }] },
  { listen: [{ bind: ':80', certs: [] }] },
  { listen: [{ bind: ':80', certs: null, backlog: null }] },
  {
    listen: [
      {
        bind: ':80',
        certs: [
          { cert: 'a', names: ['b'] },
          { cert: 'c', names: null },
        ],
      },
    ],
  },
  { tunnel: null },
  { tunnel: {} },
  { tunnel: { bind: '' } },
  tls(null),
  tls({ cert: 'a' }),
  tls({ cert: 'a', verify: false }),
  tls({ cert: 'a', verify: 'true' }),
  { secret: 'x' },
  { secret: { env: 'SET' } },
  { labels: {} },
  { labels: { a: 'b', c: '' } },
  { proxies: [] },
  { proxies: ['a', ''] },
  { scalers: null },
  { scalers: { docker: { any: [1, { deep: null }] }, shell: null } },
  common({ max: 1 }),
  common({ max: '100' }),
  common({ max: 100, hold: '50s' }),
  common({ hold: '1.5s' }),
  common({ hold: '1h' }),
  common({ hold: null }),
  common({ queue: null }),
  common({ queue: { bytes: 0 } }),
  common({ queue: { bytes: '65536' } }),
  common({ queue: { bytes: '1.5GiB', requests: 1 } }),
  common({ page: { file: 'a' } }),
  common({ page: { file: 'a', after: 0 } }),
  common({ page: { file: 'a', after: '0' } }),
  common({ probes: [null, {}, { path: '/' }] }),
  app(),
  app({ max: 3, hold: '1ms', queue: { bytes: '1KiB' } }),
  app({ page: {} }),
  app({ hosts: ['a'], probes: [{ path: null }] }),
  { apps: {} },
  { apps: null },
  { apps: { shop: { scaler: { shell: null } } } },
  { apps: { shop: { scaler: { shell: 5 } } } },
]

const BAD: readonly unknown[] = [
  [],
  'version: 1',
  5,
  true,
  { vresion: '1' },
  { version: 1 },
  { version: '3' },
  { version: ['1'] },
  { listen: ':80' },
  { listen: [] },
  { listen: [80] },
  { listen: [null] },
  { listen: [[]] },
  { listen: [{}] },
  { listen: [{ bind: null }] },
  { listen: ['a', 'b', 'c', 'd'] },
  { listen: [{ bind: ':80', backlog: 0 }] },
  { listen: [{ bind: ':80', backlog: 1.5 }] },
  { listen: [{ bind: ':80', backlog: '1e3' }] },
  { listen: [{ bind: ':80', certs: [{}] }] },
  { listen: [{ bind: ':80', certs: ['a'] }] },
  { listen: [{ bind: ':80', certs: [{ cert: 'a', names: 'b' }] }] },
  { tunnel: ':9080' },
  { tunnel: { bind: 9080 } },
  tls({}),
  tls({ cert: null }),
  tls({ cert: 'a', verify: 1 }),
  tls({ cert: 'a', verify: 'yes' }),
  { secret: 5 },
  { secret: [] },
  { secret: {} },
  { secret: { file: 5 } },
  { secret: { file: 'a', env: 'b' } },
  { secret: { path: 'a' } },
  { labels: [] },
  { labels: { a: 1 } },
  { labels: { a: null } },
  { labels: { a: 'a', b: 'b', c: 'c' } },
  { labels: 'a=b' },
  { proxies: 'a' },
  { proxies: [1] },
  { proxies: ['a', 'b', 'c'] },
  { scalers: [] },
  { scalers: 'docker' },
  { defaults: [] },
  common({ max: 0 }),
  common({ max: 101 }),
  common({ max: true }),
  common({ max: [] }),
  common({ hold: 50 }),
  common({ hold: '50' }),
  common({ hold: 0 }),
  common({ hold: '50 s' }),
  common({ hold: true }),
  common({ queue: { bytes: -1 } }),
  common({ queue: { bytes: '64k' } }),
  common({ queue: { bytes: 1.5 } }),
  common({ queue: { size: 1 } }),
  common({ page: {} }),
  common({ page: { after: '1s' } }),
  common({ page: { file: 'a', after: 1 } }),
  common({ probes: ['/'] }),
  { apps: [] },
  { apps: { shop: null } },
  { apps: { shop: {} } },
  { apps: { Shop: { scaler: { shell: {} } } } },
  { apps: { abcdefghi: { scaler: { shell: {} } } } },
  { apps: { shop: { scaler: null } } },
  { apps: { shop: { scaler: {} } } },
  { apps: { shop: { scaler: 'shell' } } },
  { apps: { shop: { scaler: { shell: {}, docker: {} } } } },
  { apps: Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, { scaler: { shell: {} } }])) },
  app({ max: 0 }),
  app({ holdMs: '1s' }),
  app({ page: { file: 1 } }),
]

/** All ways to put a value in the place of one part of a document. */
function* mutants(document: unknown, value: unknown): Generator<unknown> {
  yield value
  if (typeof document !== 'object' || document === null) return
  for (const [key, part] of Object.entries(document)) {
    for (const mutant of mutants(part, value)) {
      const copy: Record<string, unknown> = Array.isArray(document)
        ? (structuredClone(document) as never)
        : { ...document }
      copy[key] = mutant
      yield copy
    }
  }
}

describe('jsonSchema', () => {
  it.each(GOOD.map((file) => [JSON.stringify(file), file]))('accepts, as the reader does: %s', (_, file) => {
    expect({ read: isRead(file), valid: isValid(file) }).toEqual({ read: true, valid: true })
  })

  it.each(BAD.map((file) => [JSON.stringify(file), file]))('refuses, as the reader does: %s', (_, file) => {
    expect({ read: isRead(file), valid: isValid(file) }).toEqual({ read: false, valid: false })
  })

  it('agrees with the reader on every good document with any one part replaced', () => {
    const parts = [null, true, 0, 1, -1, 1.5, '', 'x', '1', '1s', '1KiB', [], ['x'], {}, { x: 'x' }, [{}]]
    const counts = { good: 0, bad: 0 }
    // Whether a variable is set is nothing that a schema knows.
    for (const file of GOOD.filter((good) => !JSON.stringify(good).includes('env'))) {
      for (const part of parts) {
        for (const mutant of mutants(file, part)) {
          const isGood = isRead(mutant)
          if (isValid(mutant) !== isGood) expect.fail(`reader says ${isGood} to ${JSON.stringify(mutant)}`)
          counts[isGood ? 'good' : 'bad']++
        }
      }
    }
    expect(counts.good).toBeGreaterThan(500)
    expect(counts.bad).toBeGreaterThan(500)
  })

  it.each([
    ['a duration out of bounds', common({ hold: '2h' })],
    ['a number as text out of bounds', common({ max: '101' })],
    ['a size of half a byte', common({ queue: { bytes: '0.5' } })],
    ['a secret that is absent', { secret: { file: '/no/such/file' } }],
  ])('cannot refuse %s, as its docstring says', (_, file) => {
    expect({ read: isRead(file), valid: isValid(file) }).toEqual({ read: false, valid: true })
  })

  it('does not ask for what has a default', () => {
    const row = { kind: 'string', required: true, default: 'x', doc: 'X.' } as const
    const table = defineOptions({
      a: row,
      b: { kind: 'section', doc: 'X.', table: { a: { ...row, env: 'B' } } },
    })
    expect(resolveConfig(table, { a: null })).toEqual({ a: 'x', b: { a: 'x' } })
    expect(validator(jsonSchema(table, ABOUT))({ a: null })).toBe(true)
  })

  it('accepts a variable wherever a scalar stands', () => {
    const variable = '$' + '{X}'
    const file = {
      version: variable,
      listen: [variable, { bind: variable, backlog: variable }],
      secret: variable,
      labels: { a: variable },
      defaults: { max: variable, hold: `1${variable}`, queue: { bytes: variable } },
      tunnel: { tls: { cert: 'a', verify: variable } },
    }
    expect(isValid(file)).toBe(true)
    expect(isValid({ proxies: variable })).toBe(false)
    expect(isValid(common({ max: '$X' }))).toBe(false)
  })

  it('looks into the options of the choices that it is told of', () => {
    const choiceSchemas = { 'scaler.shell': sectionSchema(SHELL), 'scalers.shell': { type: 'boolean' } }
    const knows = validator(jsonSchema(SAMPLE, { ...ABOUT, choiceSchemas }))
    expect(knows({ apps: { shop: { scaler: { shell: { command: ['x'], stop: '1s' } } } } })).toBe(true)
    expect(knows({ apps: { shop: { scaler: { shell: { comand: ['x'] } } } } })).toBe(false)
    expect(knows({ apps: { shop: { scaler: { shell: null } } } })).toBe(false)
    expect(knows({ apps: { shop: { scaler: { docker: { any: 1 } } } } })).toBe(true)
    expect(knows({ scalers: { shell: true } })).toBe(true)
    expect(knows({ scalers: { shell: 1 } })).toBe(false)
  })

  it('tells what an editor shows', () => {
    const schema = jsonSchema(SAMPLE, ABOUT) as unknown as {
      properties: Record<string, { properties: Record<string, unknown>; patternProperties: object }>
    }
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: ABOUT.id,
      title: 'Sample',
      description: 'A sample.',
    })
    expect(schema.properties.defaults.properties).toMatchObject({
      max: { description: 'Most copies. From 1 to 100. Default: 10.', default: 10 },
      hold: { description: 'Longest wait. From 1ms to 1h. Default: 50s.', default: '50s' },
      queue: { properties: { requests: { description: 'Requests. At least 1. Default: 100.' } } },
    })
    expect(Object.values(schema.properties.apps.patternProperties)[0].properties.max).toMatchObject({
      description: 'Most copies. Default: as in `defaults`. From 1 to 100.',
    })
    // Of a list that is empty by default.
    expect(JSON.stringify(schema)).not.toContain('Default: .')
  })

  it('lets nothing stand that no row describes', () => {
    const open: unknown[] = []
    const visit = (schema: unknown): void => {
      if (typeof schema !== 'object' || schema === null) return
      const { properties, additionalProperties } = schema as Record<string, unknown>
      if (properties !== undefined && additionalProperties !== false) open.push(schema)
      for (const part of Object.values(schema)) visit(part)
    }
    visit(jsonSchema(SAMPLE, ABOUT))
    expect(open).toEqual([])
  })
})
