import { describe, expect, it } from 'vitest'
import { listOptions } from './describe.ts'
import { defineOptions, resolveConfig } from './index.ts'
import { SAMPLE } from './sample.testkit.ts'

const FILE = {
  listen: [':80', { bind: ':443', certs: [{ cert: 'a.pem' }] }],
  secret: 'hunter2',
  labels: { zone: 'a,b', password: 'hunter2' },
  proxies: ['10.0.0.0/8', '::1'],
  scalers: { docker: { socket: '/s', registry: { password: 'hunter2' } }, nomad: {} },
  apps: {
    shop: {
      scaler: {
        shell: {
          command: ['a', 'b c'],
          env: ['A=1', 'DB_PASSWORD=hunter2'],
          steps: [{ run: 'x' }, ['y']],
          none: null,
          on: false,
        },
      },
    },
  },
}
const values = resolveConfig(SAMPLE, FILE)
const lines = (shown?: (keys: readonly unknown[]) => string | undefined) =>
  listOptions(SAMPLE, values, () => 'file', shown).map(({ path, text }) => `${path} ${text}`)

describe('listOptions', () => {
  it('lists every option as a user would write it, in the order of the table', () => {
    expect(lines()).toEqual([
      'version none',
      'listen[0].bind :80',
      'listen[0].backlog 511',
      'listen[0].certs none',
      'listen[1].bind :443',
      'listen[1].backlog 511',
      'listen[1].certs[0].cert a.pem',
      'listen[1].certs[0].names none',
      'tunnel.bind :9080',
      'tunnel.tls none',
      'secret (secret)',
      'labels ["zone=a,b","password=(secret)"]',
      'proxies 10.0.0.0/8,::1',
      'scalers.docker.socket /s',
      'scalers.docker.registry.password (secret)',
      'scalers.nomad {}',
      'defaults.max 10',
      'defaults.hold 50s',
      'defaults.queue.requests 100',
      'defaults.queue.bytes 64KiB',
      'defaults.page none',
      'defaults.probes none',
      'apps.shop.hosts none',
      'apps.shop.scaler shell',
      'apps.shop.scaler.shell.command a,b c',
      'apps.shop.scaler.shell.env A=1,DB_PASSWORD=(secret)',
      'apps.shop.scaler.shell.steps[0].run x',
      'apps.shop.scaler.shell.steps[1] y',
      'apps.shop.scaler.shell.none null',
      'apps.shop.scaler.shell.on false',
      'apps.shop.max none',
      'apps.shop.hold none',
      'apps.shop.queue.requests none',
      'apps.shop.queue.bytes none',
      'apps.shop.page none',
      'apps.shop.probes none',
    ])
  })

  it.each([{}, null])('has no more than the name for a choice without options: %j', (shell) => {
    const values = resolveConfig(SAMPLE, { apps: { shop: { scaler: { shell } } } })
    const listed = listOptions(SAMPLE, values, () => '').filter(({ path }) => path.includes('scaler'))
    expect(listed.map(({ path, text }) => `${path} ${text}`)).toEqual([
      'scalers none',
      'apps.shop.scaler shell',
    ])
  })

  it('shows no secret, wherever it stands', () => {
    expect(lines(() => 'written')).toEqual(
      expect.arrayContaining(['secret (secret)', 'scalers.docker.registry.password (secret)']),
    )
    expect(lines().join('\n')).not.toContain('hunter2')
  })

  it('shows what the file says, where that is to be shown, also inside lists and maps', () => {
    const written = new Map([
      ['listen,1,bind', '$PORT'],
      ['proxies,0', '$NET'],
      ['labels,zone', '$ZONE'],
      ['apps,shop,scaler,shell,command,1', '$ARG'],
    ])
    const text = lines((keys) => written.get(keys.join()))
    expect(text).toEqual(
      expect.arrayContaining([
        'listen[1].bind $PORT',
        'proxies $NET,::1',
        'labels zone=$ZONE,password=(secret)',
        'apps.shop.scaler.shell.command a,$ARG',
      ]),
    )
  })

  it('asks where each came from, by keys and by the name that Collected.source has', () => {
    const asked: string[] = []
    listOptions(SAMPLE, values, (keys, option) => {
      asked.push(`${keys.join('/')} ${option}`)
      return 'x'
    })
    expect(asked).toEqual(
      expect.arrayContaining([
        'defaults/hold defaults.holdMs',
        'listen/1/certs/0/cert listen[1].certs[0].cert',
        'apps/shop/scaler/shell/command apps.shop.scaler.shell.command',
      ]),
    )
    const [first] = listOptions(SAMPLE, values, (keys) => `from ${keys}`)
    expect(first).toEqual({ path: 'version', keys: ['version'], text: 'none', source: 'from version' })
  })

  it('quotes what is empty or would steer a terminal', () => {
    const table = defineOptions({
      empty: { kind: 'string', default: '', doc: 'X.' },
      escape: { kind: 'string', default: '\x1b[2J\x9b', doc: 'X.' },
      list: { kind: 'strings', default: [], doc: 'X.' },
      map: { kind: 'map', default: {}, doc: 'X.' },
    })
    expect(listOptions(table, resolveConfig(table, {}), () => '').map(({ text }) => text)).toEqual([
      '""',
      '"\\u001b[2J\\u009b"',
      '[]',
      '{}',
    ])
  })

  it('stops looking into options that are nested without end', () => {
    const circle: Record<string, unknown> = { name: 'x' }
    circle.again = circle
    const file = { scalers: { docker: circle } }
    const listed = listOptions(SAMPLE, resolveConfig(SAMPLE, file), () => '')
    expect(listed.filter(({ path }) => path.startsWith('scalers')).length).toBeLessThan(50)
    expect(listed.filter(({ text }) => text === '…')).toHaveLength(1)
  })
})
