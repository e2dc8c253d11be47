import { describe, expect, it } from 'vitest'
import { defineOptions, type OptionsError, resolveConfig } from './index.ts'
import { SAMPLE } from './sample.testkit.ts'

const APP = { scaler: { shell: {} } }

function errorsOf(file: unknown): OptionsError[] {
  const errors: OptionsError[] = []
  resolveConfig(SAMPLE, file, { onError: (error) => errors.push(error) })
  return errors
}

describe('nested options of a config file', () => {
  it('are there with their defaults when nothing is said', () => {
    expect(resolveConfig(SAMPLE, {})).toEqual({
      version: undefined,
      listen: [{ bind: ':80', backlog: 511, certs: [] }],
      tunnel: { bind: ':9080', tls: undefined },
      secret: undefined,
      labels: undefined,
      proxies: [],
      scalers: {},
      defaults: {
        max: 10,
        holdMs: 50_000,
        queue: { requests: 100, bytes: 65_536 },
        page: undefined,
        probes: [],
      },
      apps: {},
    })
  })

  it('keep the defaults of what a section leaves out', () => {
    const { defaults } = resolveConfig(SAMPLE, { defaults: { hold: '1s', queue: { bytes: '1KiB' } } })
    expect(defaults).toMatchObject({ max: 10, holdMs: 1_000, queue: { requests: 100, bytes: 1_024 } })
  })

  it('are in an optional section only if that is there', () => {
    expect(resolveConfig(SAMPLE, { tunnel: { tls: { cert: 'a.pem' } } }).tunnel.tls).toEqual({
      cert: 'a.pem',
      verify: true,
    })
    expect(resolveConfig(SAMPLE, { tunnel: { tls: null } }).tunnel.tls).toBeUndefined()
  })

  it('are elements of lists, text standing for the shorthand', () => {
    const listen = [':80', { bind: ':443', certs: [{ cert: 'a.pem', names: ['a', 'b'] }] }]
    expect(resolveConfig(SAMPLE, { listen }).listen).toEqual([
      { bind: ':80', backlog: 511, certs: [] },
      { bind: ':443', backlog: 511, certs: [{ cert: 'a.pem', names: ['a', 'b'] }] },
    ])
  })

  it('stand under names that the user chooses, `constructor` included', () => {
    const table = defineOptions({
      apps: {
        kind: 'named',
        placeholder: 'NAME',
        pattern: '.',
        patternDoc: 'anything',
        doc: 'X.',
        table: { max: { kind: 'integer', default: 1, doc: 'X.' } },
      },
    })
    const file = JSON.parse('{ "apps": { "constructor": {}, "__proto__": { "max": 2 }, "a.b": null } }')
    const { apps } = resolveConfig(table, file)
    expect(Object.entries(apps)).toEqual([
      ['constructor', { max: 1 }],
      ['__proto__', { max: 2 }],
      ['a.b', { max: 1 }],
    ])
  })

  it('of a choice stay as they were written', () => {
    const { apps, scalers } = resolveConfig(SAMPLE, {
      scalers: { docker: { socket: '/s' }, shell: null },
      apps: { shop: { scaler: { docker: { Image: 'x' } } }, blog: { scaler: { shell: null } } },
    })
    expect(apps.shop.scaler).toEqual({ name: 'docker', options: { Image: 'x' } })
    expect(apps.blog.scaler).toEqual({ name: 'shell', options: null })
    expect(scalers).toEqual({ docker: { socket: '/s' }, shell: null })
  })

  it('that inherit are undefined until they are said, lists included', () => {
    expect(resolveConfig(SAMPLE, { apps: { shop: APP } }).apps.shop).toEqual({
      hosts: undefined,
      scaler: { name: 'shell', options: {} },
      max: undefined,
      holdMs: undefined,
      queue: { requests: undefined, bytes: undefined },
      page: undefined,
      probes: undefined,
    })
  })

  it.each([
    ['a section that is a text', { tunnel: ':9080' }, ['tunnel'], 'tunnel: ":9080" must be a mapping'],
    ['a section that is a list', { tunnel: [] }, ['tunnel'], 'tunnel: a list must be a mapping'],
    ['a key nobody knows', { tunnel: { bnd: 'x' } }, ['tunnel', 'bnd'], 'tunnel.bnd: .* did you mean bind'],
    ['a list that is a text', { listen: ':80' }, ['listen'], 'listen: ":80" must be a list'],
    ['an empty list', { listen: [] }, ['listen'], 'listen: must have at least 1 element'],
    ['too long a list', { listen: ['a', 'b', 'c', 'd'] }, ['listen'], 'listen: has 4 elements; at most 3'],
    [
      'a number for a shorthand',
      { listen: [80] },
      ['listen', 0],
      /^listen\[0\]: 80 must be a string; quote it/,
    ],
    [
      'a wrong value deep in lists',
      { listen: ['a', { bind: 'b', certs: [{ cert: 1 }] }] },
      ['listen', 1, 'certs', 0, 'cert'],
      /^listen\[1\].certs\[0\].cert: 1 must be a string/,
    ],
    [
      'a text where there is no shorthand',
      { defaults: { probes: ['/'] } },
      ['defaults', 'probes', 0],
      'mapping',
    ],
    [
      'a list element without a required key',
      { listen: [{}] },
      ['listen', 0, 'bind'],
      /^listen\[0\].bind: is required/,
    ],
    ['null as an element', { listen: [null] }, ['listen', 0, 'bind'], /^listen\[0\].bind: is required/],
    ['a list of names', { apps: [] }, ['apps'], 'apps: a list must be a mapping'],
    [
      'a bad name',
      { apps: { 'a.b': APP } },
      ['apps', 'a.b'],
      'apps\\["a.b"\\]: "a.b" is no name; expected one to',
    ],
    ['too many names', { apps: { a: APP, b: APP, c: APP, d: APP } }, ['apps'], 'apps: has 4 elements'],
    [
      'no choice',
      { apps: { a: { scaler: {} } } },
      ['apps', 'a', 'scaler'],
      'must be one SCALER with its options',
    ],
    [
      'two choices',
      { apps: { a: { scaler: { b: 1, c: 1 } } } },
      ['apps', 'a', 'scaler'],
      'must be one SCALER',
    ],
    ['a bare choice', { apps: { a: { scaler: 'x' } } }, ['apps', 'a', 'scaler'], '"x" must be a mapping'],
    ['no required choice', { apps: { a: null } }, ['apps', 'a', 'scaler'], 'apps.a.scaler: is required'],
    ['choices in a list', { scalers: ['a'] }, ['scalers'], 'scalers: a list must be a mapping'],
    [
      'a section without what it needs',
      { tunnel: { tls: {} } },
      ['tunnel', 'tls', 'cert'],
      'cert: is required',
    ],
    [
      'an element that is no text',
      { proxies: ['a', 1] },
      ['proxies', 1],
      /^proxies\[1\]: 1 must be a string; quote it/,
    ],
    [
      'an entry that is no text',
      { labels: { a: 'b', c: true } },
      ['labels', 'c'],
      /^labels.c: true must be a string/,
    ],
    ['NUL in a list', { proxies: ['a\0'] }, ['proxies'], 'NUL'],
    ['NUL in a map', { labels: { a: '\0' } }, ['labels'], 'NUL'],
    ['a secret file that is absent', { secret: { file: '/no/such/file' } }, ['secret', 'file'], 'ENOENT'],
    ['a secret variable that is unset', { secret: { env: 'NOPE' } }, ['secret', 'env'], 'NOPE is not set'],
    ['a file that is a list', [], [], 'a list must be a mapping'],
  ] as const)('are refused with the way to the place: %s', (_, file, keys, message) => {
    expect(errorsOf(file)).toEqual([
      expect.objectContaining({ keys, message: expect.stringMatching(message) }),
    ])
    expect(() => resolveConfig(SAMPLE, file)).toThrow(expect.objectContaining({ keys }))
  })

  it('have all their mistakes reported, each once, and what was wrong is not missing as well', () => {
    const file = {
      vresion: '1',
      listen: [{ bind: 80, backlog: 'x' }, { backlog: 1 }],
      tunnel: { tls: 'a.pem' },
      defaults: { max: 1_000, queue: { request: 1 } },
      apps: {
        Shop: { scaler: 1 },
        blog: { hold: 5, scaler: { shell: 1, docker: 1 }, probes: 1 },
        wiki: { page: { after: '1x' } },
      },
    }
    expect(
      errorsOf(file)
        .map(({ code, path }) => `${code} ${path}`)
        .sort(),
    ).toEqual([
      'options/invalid apps.Shop',
      'options/invalid apps.Shop.scaler',
      'options/invalid apps.blog.hold',
      'options/invalid apps.blog.probes',
      'options/invalid apps.blog.scaler',
      'options/invalid apps.wiki.page.after',
      'options/invalid defaults.max',
      'options/invalid listen[0].backlog',
      'options/invalid listen[0].bind',
      'options/invalid tunnel.tls',
      'options/missing apps.wiki.scaler',
      'options/missing listen[1].bind',
      'options/unknown defaults.queue.request',
      'options/unknown vresion',
    ])
  })

  it('keep what is right beside what is wrong', () => {
    const values = resolveConfig(SAMPLE, { defaults: { max: 'x', hold: '1s' } }, { onError: () => {} })
    expect(values.defaults).toMatchObject({ max: 10, holdMs: 1_000 })
  })
})
