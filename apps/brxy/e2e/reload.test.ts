import { once } from 'node:events'
import { Agent, type IncomingMessage } from 'node:http'
import {
  begin,
  EdgeProcess,
  eventually,
  expectNoLeftovers,
  freePorts,
  markedProcesses,
} from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { linked, nodeApp } from './apps.ts'
import { type Config, ConfigFile, launched } from './config-file.ts'

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

async function start(apps: Record<string, object>, more: Config = {}, env: Record<string, string> = {}) {
  file.set(apps, more)
  edge = await EdgeProcess.start({ file: file.path, env })
}

/** Puts another file in force, without a process of its own. */
async function change(apps: Record<string, object>, more: Config = {}): Promise<void> {
  file.set(apps, more)
  const before = edge.matching('reloaded').length
  edge.signal('SIGHUP')
  await edge.event('reloaded', undefined, before + 1)
}

/** The same by hand. @returns what it prints */
async function reload(apps: Record<string, object>, more: Config = {}): Promise<string> {
  file.set(apps, more)
  const { code, stdout, stderr } = await file.reload(edge)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}

const echo = launched(linked(nodeApp('echo')))
const slow = launched(linked(nodeApp('serial', { seconds: 1 })))
const at = (host: string) => edge.ask('/', { host })

describe('brxy reload', () => {
  it('prints what is different, and serves it', async () => {
    const shop = { hosts: ['shop.test'], scaler: echo }
    await start({ shop, old: { hosts: ['old.test'], scaler: echo } })
    expect((await at('blog.test')).status).toBe(404)
    const diff = await reload(
      { shop: { ...shop, max: 40, hold: '5s' }, blog: { hosts: ['blog.test'], scaler: echo } },
      { defaults: { max: 20 } },
    )
    const lines = ['defaults.max: 10 -> 20', 'apps.shop.max: 10 -> 40', 'apps.shop.hold: 50s -> 5s']
    expect(diff.trimEnd().split('\n').sort()).toEqual([...lines, '+ apps.blog', '- apps.old'].sort())
    expect((await at('blog.test')).json().env.ROUTE).toBe('blog')
    expect((await at('old.test')).status).toBe(404)
    expect((await file.reload(edge)).stdout).toBe('no option is different\n')
  })

  it('warns of a program that is not there, and so does the log', async () => {
    await start({})
    file.set({ shop: { scaler: launched(['brxi', 'link']) } })
    const { code, stdout, stderr } = await file.reload(edge)
    const warning =
      /brxy\.yaml:\d+:\d+: warning: apps\.shop\.scaler\.shell\.command\[0\]: "brxi" is not found/
    expect({ code, stdout }).toEqual({ code: 0, stdout: '+ apps.shop\n' })
    expect(stderr).toMatch(warning)
    expect(await edge.event('config warning')).toMatchObject({
      level: 'warn',
      problem: expect.stringMatching(warning),
    })
  })

  it('finds the edge, its token and its state by the file alone, from any directory', async () => {
    const [admin] = await freePorts(1)
    await start({}, { admin: { bind: `127.0.0.1:${admin}` } })
    const elsewhere = new ConfigFile()
    try {
      for (const words of [['-f', file.path], [file.path]]) {
        const { code, stdout, stderr } = await elsewhere.run(['reload', ...words])
        expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'no option is different\n', stderr: '' })
      }
    } finally {
      elsewhere.remove()
    }
  })

  it('shows the configured admin token, by file or variable; a wrong one is refused with exit code 77', async () => {
    file.beside('token', 'a-token-of-the-operator\n')
    await start({}, { admin: { bind: '127.0.0.1:0', token: { file: 'token' } } })
    const env = { BRXY_ADMIN_TOKEN: 'a-token-of-the-operator' }
    expect(await file.reload(edge, [], env)).toMatchObject({ code: 0 })
    const refused = await file.reload(edge, [], { BRXY_ADMIN_TOKEN: 'a-token-of-somebody' })
    expect(refused).toMatchObject({ code: 77, stdout: '' })
    expect(refused.stderr).toMatch(/^brxy reload: the edge at \S+ answered 401: /)
    const bare = await fetch(`http://${edge.admin}/v1/reload`, { method: 'POST' })
    expect(bare.status).toBe(401)
    expect(edge.matching('reloaded').length).toBe(1)
  })

  it('of an edge without a file exits 2, and with no edge at all 69', async () => {
    edge = await EdgeProcess.start()
    const refused = await file.reload(edge)
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toContain('this edge has no configuration file')
    const [nobody] = await freePorts(1)
    const alone = await file.run(['reload', '--admin', `127.0.0.1:${nobody}`, '--state-dir', edge.stateDir])
    expect(alone).toMatchObject({ code: 69, stdout: '' })
    expect(alone.stderr).toContain(`no edge answers at 127.0.0.1:${nobody}`)
  })

  it('--json tells programs what is different, or wrong', async () => {
    await start({})
    file.set({ blog: { hosts: ['blog.test'] } })
    const good = JSON.parse((await file.reload(edge, ['--json'])).stdout)
    expect(good).toMatchObject({ ok: true, changes: [{ path: 'apps.blog', kind: 'added' }] })
    file.set({ blog: { hots: ['blog.test'] } })
    const { code, stdout } = await file.reload(edge, ['--json'])
    expect({ code, ok: JSON.parse(stdout).ok }).toEqual({ code: 78, ok: false })
    expect(JSON.parse(stdout).problems).toEqual([
      expect.stringContaining('apps.blog.hots: there is no such option'),
    ])
  })
})

describe('SIGHUP to an edge with a file', () => {
  it('reloads it, and says so in the log', async () => {
    await start({})
    file.set({ blog: { hosts: ['blog.test'], scaler: echo } })
    edge.signal('SIGHUP')
    const { changes } = await edge.event('reloaded')
    expect(changes).toMatchObject([{ path: 'apps.blog', kind: 'added' }])
    expect((await at('blog.test')).status).toBe(200)
  })
})

describe('an app that a reload removes', () => {
  it('finishes the running request, gives up the held one with 404, and its processes go', async () => {
    const shop = { hosts: ['shop.test'], max: 1, scaler: slow }
    await start({ shop, blog: { hosts: ['blog.test'], scaler: echo } })
    const running = at('shop.test')
    await edge.event('ready')
    const held = at('shop.test')
    await eventually('one held', async () => (await appStatus('shop')).held.count === 1)
    await change({ blog: { hosts: ['blog.test'], scaler: echo } })
    expect((await at('shop.test')).status).toBe(404)
    const refused = await held
    expect(refused.status).toBe(404)
    // Nobody had to wait for the running one.
    expect(edge.matching('request', ({ status }) => status === 200)).toEqual([])
    expect((await running).status).toBe(200)
    await eventually('nothing but the edge runs', () => markedProcesses().length === 1)
    expect((await at('blog.test')).status).toBe(200)
  })
})

describe('an app that a reload changes', () => {
  it('starts more for what is held as soon as max allows it', async () => {
    const shop = { scaler: launched(linked(nodeApp('silent'))) }
    await start({ shop: { ...shop, max: 1 } })
    const clients = ['/one', '/two'].map((path) => begin(edge.port, path).on('error', () => {}))
    clients[0].end()
    await edge.event('asked /one')
    clients[1].end()
    await eventually('one held', async () => (await appStatus('shop')).held.count === 1)
    await change({ shop: { ...shop, max: 2 } })
    expect(await edge.event('asked /two')).toMatchObject({ instance: 'shop/2' })
    for (const client of clients) client.destroy()
  })

  it('starts new instances with its new command; those that run go on until they leave', async () => {
    await start({ shop: { scaler: slow } })
    const old = await at('shop.test')
    await change({ shop: { scaler: echo } })
    const busy = at('shop.test')
    await eventually('a busy instance', async () => (await appStatus('shop')).instances[0].busy === 1)
    const second = at('shop.test')
    await edge.event('ready', undefined, 2)
    expect((await busy).text).toBe(old.text)
    await second
    // The newest is served first.
    expect((await at('shop.test')).json().env.ROUTE).toBe('shop')
    expect(edge.matching('left')).toEqual([])
  })

  it('follows its hosts and paths at once, with the instances that it has', async () => {
    await start({ shop: { hosts: ['shop.test'], scaler: echo } })
    const { pid } = (await at('shop.test')).json()
    await change({ shop: { hosts: ['store.test'], paths: [{ prefix: '/x', strip: true }], scaler: echo } })
    expect((await at('shop.test')).status).toBe(404)
    expect((await at('store.test')).status).toBe(404)
    expect((await edge.ask('/x/y', { host: 'store.test' })).json()).toMatchObject({ pid, url: '/y' })
  })
})

describe('listeners', () => {
  it('are opened and closed by a reload; what they have accepted goes on', async () => {
    const ports = await freePorts(3)
    const [one, two, three] = ports.map((port) => `127.0.0.1:${port}`)
    const shop = { shop: { scaler: echo } }
    await start(shop, { listen: [one, two] })
    const agent = new Agent({ keepAlive: true })
    const again = async (port: number) => {
      const asked = begin(port, '/', { agent }).end()
      const [response] = (await once(asked, 'response')) as [IncomingMessage]
      await once(response.resume(), 'end')
      return [response.statusCode, asked.reusedSocket]
    }
    for (const port of ports.slice(0, 2)) expect(await again(port)).toEqual([200, false])
    await change(shop, { listen: [two, three] })
    for (const port of ports.slice(0, 2)) expect(await again(port)).toEqual([200, true])
    agent.destroy()
    expect((await fetch(`http://${three}/`)).status).toBe(200)
    await expect(fetch(`http://${one}/`)).rejects.toThrow('fetch failed')
  })

  it('of which one is taken leave everything as it was: exit code 78, which address, and nothing opened', async () => {
    const [one, two, three] = (await freePorts(3)).map((port) => `127.0.0.1:${port}`)
    await start({ shop: { scaler: echo } }, { listen: [one] })
    const other = await EdgeProcess.start({ flags: ['-p', two] })
    try {
      file.set({}, { listen: [three, two] })
      const { code, stdout, stderr } = await file.reload(edge)
      expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
      expect(stderr).toContain(two)
      expect(stderr).toContain('nothing was changed')
    } finally {
      await other.close()
    }
    await expect(fetch(`http://${three}/`)).rejects.toThrow('fetch failed')
    expect((await at('shop.test')).status).toBe(200)
  })
})

describe('a file that cannot be used', () => {
  it('changes nothing: exit code 78 with the line, the same in the log, and the next good one works', async () => {
    await start({ shop: { hosts: ['shop.test'], scaler: echo } })
    const { pid } = (await at('shop.test')).json()
    file.write('version: 1\napps:\n  shop: { max: ten }\n')
    const { code, stdout, stderr } = await file.reload(edge)
    expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
    const line = `${file.path}:3:16: apps.shop.max: "ten" is not a whole number`
    expect(stderr).toContain(line)
    expect(stderr).toContain('nothing was changed')
    const logged = await edge.event('reload failed')
    expect(logged).toMatchObject({ level: 'error', problems: [expect.stringContaining(line)] })
    edge.signal('SIGHUP')
    await edge.event('reload failed', undefined, 2)
    expect((await at('shop.test')).json().pid).toBe(pid)
    await change({ shop: { hosts: ['store.test'], scaler: echo } })
    expect((await at('store.test')).json().pid).toBe(pid)
  })

  it('and by which no edge is found, either, changes nothing as well', async () => {
    await start({})
    file.write('version: 1\nadmin: { bind: 9081\n')
    const { code, stdout, stderr } = await file.run(['reload'])
    expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
    expect(stderr).toMatch(/^brxy\.yaml:3:1: .*\nbrxy reload: nothing was changed\n$/)
    expect(edge.matching('reload failed')).toEqual([])
  })

  it.each(['stateDir', 'owner'])('has another %s, which only a new process can have', async (key) => {
    await start({})
    file.set({ blog: { hosts: ['blog.test'] } }, { [key]: 'elsewhere' })
    const { code, stderr } = await file.reload(edge)
    expect(code).toBe(78)
    expect(stderr).toMatch(
      new RegExp(`brxy\\.yaml:\\d+:\\d+: ${key}: cannot change while the edge runs; restart it`),
    )
    expect((await edge.status()).apps).toEqual([])
  })
})

interface SeenApp {
  readonly app: string
  readonly held: { readonly count: number }
  readonly instances: readonly { readonly busy: number }[]
}

async function appStatus(name: string): Promise<SeenApp> {
  const { apps } = (await edge.status()) as { apps: readonly SeenApp[] }
  const found = apps.find(({ app }) => app === name)
  if (found === undefined) throw new Error(`there is no app ${name}`)
  return found
}
