import { EdgeProcess, eventually, expectNoLeftovers, freePorts } from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { linked, nodeApp } from './apps.ts'
import { ConfigFile, launched } from './config-file.ts'

let file: ConfigFile
let edge: EdgeProcess

beforeEach(() => {
  file = new ConfigFile()
})

afterEach(async () => {
  await edge.close()
  file.remove()
  await expectNoLeftovers()
})

async function start(flags: readonly string[] = [], env: Record<string, string> = {}): Promise<void> {
  edge = await EdgeProcess.start({ file: file.path, flags, env })
}

const ask = (host: string, path: string) => edge.ask(path, { host })

const scaler = launched(linked(nodeApp('echo')))

describe('an edge with a file', () => {
  it('serves each app by its hosts, wildcards and paths, and others 404; nothing starts unasked', async () => {
    file.set({
      shop: { hosts: ['shop.test', 'www.shop.test'], scaler },
      api: { hosts: ['shop.test'], paths: ['/api', '/api/v1/rest'], scaler },
      rest: { hosts: ['shop.test'], paths: ['/api/v1'], scaler },
      wild: { hosts: ['*.shop.test'], scaler },
    })
    await start()
    const asleep = (await edge.status()).apps
    expect(asleep.map(({ app }: { app: string }) => app)).toEqual(['shop', 'api', 'rest', 'wild'])
    const nobody = await ask('other.test', '/')
    expect(nobody.status).toBe(404)
    expect(nobody.headers['proxy-status']).toBe('brxy; error=destination_not_found; details="edge/no-app"')
    expect(edge.matching('launching')).toEqual([])
    for (const [host, path, route] of [
      ['shop.test', '/', 'shop'],
      ['WWW.shop.test', '/api', 'shop'],
      ['shop.test', '/api?q=1', 'api'],
      ['shop.test', '/apis', 'shop'],
      ['shop.test', '/api/v1/x', 'rest'],
      ['shop.test', '/api/v1/rest/x', 'api'],
      ['a.shop.test', '/', 'wild'],
      ['a.b.shop.test', '/', 'wild'],
    ]) {
      const answer = await ask(host, path)
      expect([answer.json().env.ROUTE, answer.json().url], `${host}${path}`).toEqual([route, path])
    }
    expect(edge.matching('launching').map(({ app }) => app)).toEqual(['shop', 'api', 'rest', 'wild'])
  })

  it('serves what is held below a prefix with a priority before what came a little earlier', async () => {
    const serial = launched(linked(nodeApp('serial', { seconds: 2 })))
    file.set({ shop: { paths: ['/', { prefix: '/checkout', priority: '30s' }], scaler: serial, max: 1 } })
    await start()
    const served: string[] = []
    const begin = (path: string) => ask('any.test', path).then(() => served.push(path))
    const answers = [begin('/first')]
    await edge.event('ready')
    for (const [at, path] of ['/a', '/b', '/checkout/pay'].entries()) {
      answers.push(begin(path))
      await eventually(`${path} held`, async () => (await edge.status()).apps[0].held.count === at + 1)
    }
    await Promise.all(answers)
    expect(served).toEqual(['/first', '/checkout/pay', '/a', '/b'])
  })

  it('takes a stripped prefix off what the application sees, and tells it', async () => {
    file.set({ api: { paths: [{ prefix: '/api', strip: true }], scaler } })
    await start()
    for (const [path, seen] of [
      ['/api/items?x=/api', '/items?x=/api'],
      ['/api', '/'],
      ['/api?q', '/?q'],
      ['/api//evil.test/', '//evil.test/'],
    ]) {
      const { url, headers } = (await ask('any.test', path)).json()
      expect([url, headers['x-forwarded-prefix']], path).toEqual([seen, '/api'])
    }
    // A client cannot claim one.
    const claimed = await edge.ask('/api/x', { headers: { 'x-forwarded-prefix': '/evil' } })
    expect(claimed.json().headers['x-forwarded-prefix']).toBe('/api')
    expect((await ask('any.test', '/apix')).status).toBe(404)
  })

  it('makes each host an app of its own with perHost, at most maxRoutes of them', async () => {
    const previews = { hosts: ['*.preview.test'], perHost: true, maxRoutes: 2, scaler }
    file.set({ previews, shop: { hosts: ['shop.preview.test'], scaler } })
    await start()
    for (const host of ['a.preview.test', 'b.preview.test'])
      expect((await ask(host, '/')).json().env.ROUTE).toBe(host)
    const refused = await ask('c.preview.test', '/')
    expect(refused.status).toBe(503)
    expect(refused.headers['proxy-status']).toContain('details="edge/too-many-apps"')
    expect((await ask('shop.preview.test', '/')).json().env.ROUTE).toBe('shop')
  })

  it('hands on what the file says of the command: environment, directory, shell', async () => {
    const command = [
      'cd',
      '.',
      '&&',
      'FROM=$FROM',
      'exec',
      ...linked(nodeApp('echo')),
      '"dir=$PWD"',
      '"from=$FROM"',
    ]
    file.beside('deep/readme', '')
    file.set({ shop: { scaler: { shell: { command, shell: true, cwd: 'deep', env: { FROM: 'file' } } } } })
    await start()
    const { argv } = (await ask('any.test', '/')).json()
    expect(argv).toEqual([`dir=${file.directory}/deep`, 'from=file'])
  })

  it('is overruled by a variable, and that by a flag', async () => {
    const [own, variable, flag] = await freePorts(3)
    const bind = (port: number) => `127.0.0.1:${port}`
    file.set({}, { listen: [bind(own)] })
    for (const [flags, env, port] of [
      [['-p', bind(flag)], { BRXY_PORT: bind(variable) }, flag],
      [[], { BRXY_PORT: bind(variable) }, variable],
      [[], {}, own],
    ] as const) {
      await start(flags, env)
      expect(edge.port).toBe(port)
      await edge.close()
    }
  })
})
