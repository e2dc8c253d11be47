import { describe, expect, it } from 'vitest'
import { diffOptions } from './describe.ts'
import { resolveConfig } from './index.ts'
import { SAMPLE } from './sample.testkit.ts'

const shell = (options: unknown) => ({ scaler: { shell: options } })

function diff(before: unknown, after: unknown): string[] {
  const changes = diffOptions(SAMPLE, resolveConfig(SAMPLE, before), resolveConfig(SAMPLE, after))
  return changes.map(({ kind, path, before, after }) => `${kind} ${path} ${before} ${after}`)
}

describe('diffOptions', () => {
  it('says nothing of what is the same, defaults written out included', () => {
    const file = { listen: [':80'], labels: { a: '1', b: '2' }, apps: { shop: shell({ a: [{ b: 1 }] }) } }
    expect(diff(file, structuredClone(file))).toEqual([])
    expect(diff({}, { defaults: { hold: '50s' }, listen: [{ bind: ':80' }], proxies: [] })).toEqual([])
    expect(diff({ labels: { a: '1', b: '2' } }, { labels: { b: '2', a: '1' } })).toEqual([])
  })

  it.each([
    [{}, { defaults: { hold: '10s' } }, ['changed defaults.hold 50s 10s']],
    [{}, { proxies: ['a', 'b'] }, ['changed proxies [] a,b']],
    [{}, { version: '1' }, ['added version null 1']],
    [{ version: '1' }, {}, ['removed version 1 null']],
    [
      {},
      { tunnel: { tls: { cert: 'a' } } },
      ['added tunnel.tls.cert null a', 'added tunnel.tls.verify null true'],
    ],
    [
      { listen: [':80', ':81'] },
      { listen: [':82'] },
      [
        'changed listen[0].bind :80 :82',
        'removed listen[1].bind :81 null',
        'removed listen[1].backlog 511 null',
      ],
    ],
    [
      { scalers: { a: {} } },
      { scalers: { a: { b: 1 } } },
      ['removed scalers.a {} null', 'added scalers.a.b null 1'],
    ],
    [{}, { scalers: { a: { b: 1 } } }, ['added scalers.a.b null 1']],
  ])('names each option that differs: %j, %j', (before, after, changes) => {
    expect(diff(before, after)).toEqual(changes)
  })

  it('says of a secret only that it changed', () => {
    expect(diff({ secret: 'one' }, { secret: 'two' })).toEqual(['changed secret (secret) (secret)'])
    expect(diff({}, { secret: 'two' })).toEqual(['added secret null (secret)'])
    expect(diff({ secret: 'one' }, { secret: 'one' })).toEqual([])
  })

  it('has one change for an app that came or went, and each option of one that stayed', () => {
    const before = { apps: { shop: { ...shell({}), max: 1 }, blog: shell({}) } }
    const after = { apps: { wiki: { ...shell({}), max: 5 }, shop: { ...shell({}), max: 2 } } }
    expect(diff(before, after)).toEqual([
      'changed apps.shop.max 1 2',
      'removed apps.blog null null',
      'added apps.wiki null null',
    ])
  })

  it('shows another choice and its options, and those that differ of the same', () => {
    const before = { apps: { shop: shell({ command: ['a'], user: 'x' }) } }
    expect(diff(before, { apps: { shop: shell({ command: ['a', 'b'] }) } })).toEqual([
      'changed apps.shop.scaler.shell.command a a,b',
      'removed apps.shop.scaler.shell.user x null',
    ])
    expect(diff(before, { apps: { shop: { scaler: { docker: { Image: 'i' } } } } })).toEqual([
      'changed apps.shop.scaler shell docker',
      'removed apps.shop.scaler.shell.command a null',
      'removed apps.shop.scaler.shell.user x null',
      'added apps.shop.scaler.docker.Image null i',
    ])
    expect(diff({ apps: { shop: shell('a') } }, { apps: { shop: shell('b') } })).toEqual([
      'changed apps.shop.scaler.shell a b',
    ])
  })

  it('shows what each file says, where that is to be shown', () => {
    const [before, after] = ['1s', '2s'].map((hold) => resolveConfig(SAMPLE, { defaults: { hold } }))
    const shown = (keys: readonly unknown[], side: string) => `${side} ${keys.join('/')}`
    expect(diffOptions(SAMPLE, before, after, shown)).toEqual([
      {
        path: 'defaults.hold',
        before: 'before defaults/hold',
        after: 'after defaults/hold',
        kind: 'changed',
      },
    ])
  })
})
