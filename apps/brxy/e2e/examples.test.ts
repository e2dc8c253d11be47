import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type Answer,
  type AskOptions,
  ask,
  BRXY,
  brxy,
  eventually,
  expectNoLeftovers,
  freePorts,
  hasPeer,
  type LoggedEvent,
  Running,
  runToEnd,
  tempDir,
} from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const EXAMPLES = join(ROOT, 'examples/config')
const HELLO = /^hello from process (\d+), GET (.*)\n$/
/** What the files leave open, so that edges start beside others; the application is quick here. */
const FREE = { PORT: '0', BRXY_TUNNEL: '127.0.0.1:0', BRXY_ADMIN: '127.0.0.1:0', SECONDS: '0.1' }
/** A window that never opens: there is no 30th of February. */
const NEVER = '0 0 30 2 *'

let dir: ReturnType<typeof tempDir>
let running: Running[]
let edge: Running
/** Of each `listen`. */
let ports: number[]

beforeEach(() => {
  dir = tempDir()
  running = []
})

afterEach(async () => {
  for (const each of running.reverse()) await each.stop(30_000)
  await expectNoLeftovers()
  dir.remove()
})

/** A real edge with the file, as somebody in its directory would start it; its instances end with it. */
async function start(file: string, env: NodeJS.ProcessEnv = {}): Promise<void> {
  await startAs(['edge', '-f', file], EXAMPLES, { ...FREE, ...env })
}

/** The same with any command line. */
async function startAs(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<void> {
  const own = { BRXY_LOG: 'json', BRXY_ON_EXIT: 'stop', BRXY_STATE_DIR: dir.path }
  edge = brxy(args, { cwd, env: { ...own, ...env } })
  running.push(edge)
  const { clients } = await event('listening')
  ports = (clients as string[]).map((address) => Number(address.split(':').pop()))
}

function events(msg: string): LoggedEvent[] {
  const lines = edge.stdout.split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as LoggedEvent).filter((each) => each.msg === msg)
}

async function event(
  msg: string,
  match: (event: LoggedEvent) => boolean = () => true,
  nth = 1,
): Promise<LoggedEvent> {
  return eventually(`event ${nth} "${msg}"`, () => {
    const found = events(msg).filter(match)[nth - 1]
    if (found === undefined && edge.exit !== null) throw new Error(`the edge ended:\n${edge.output}`)
    return found
  })
}

const get = (path: string, options?: AskOptions): Promise<Answer> => ask(ports[0], path, options)

/** The path that the application saw. */
async function seen(path: string, host: string): Promise<string | undefined> {
  return HELLO.exec((await get(path, { host })).text)?.[2]
}

/** The apps that have been launched, in order. */
const launched = () => events('launching').map(({ app }) => app)

/** A command that ends by itself, well and without a warning. */
async function run(args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = EXAMPLES): Promise<string> {
  const { code, stdout, stderr } = await runToEnd(process.execPath, [BRXY, ...args], { cwd, env })
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' })
  return stdout
}

/** The code of a page, or of what follows one of its headings. */
function codeOf(page: string, language: 'yaml' | 'sh', heading = ''): string[] {
  const text = readFileSync(join(ROOT, page), 'utf8')
  const from = text.indexOf(`\n${heading}`)
  const blocks = text.slice(from).matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))
  return [...blocks].map(([, code]) => code)
}

function platformEnvironment(): { SECRET_FILE: string; ADMIN_TOKEN: string } {
  const secret = join(dir.path, 'platform-secret')
  writeFileSync(secret, 'a secret that signs tokens\n')
  return { SECRET_FILE: secret, ADMIN_TOKEN: 'an-admin-token' }
}

describe('brxy check', () => {
  it.each(readdirSync(EXAMPLES).filter((name) => name.endsWith('.yaml')))(
    'finds nothing wrong in %s',
    async (file) => {
      expect(await run(['check', file], platformEnvironment())).toMatch(
        new RegExp(`\n${file} is good: \\d app`),
      )
    },
  )

  it('says where a request goes, as hosts-and-paths.yaml shows', async () => {
    const args = ['check', 'hosts-and-paths.yaml', '--route', 'shop.localhost/api/items']
    expect(await run(args)).toContain('app api (apps.api: host shop.localhost, path /api,')
  })

  it('asks for the secret that platform.yaml needs', async () => {
    const { code, stderr } = await runToEnd(process.execPath, [BRXY, 'check', 'platform.yaml'], {
      cwd: EXAMPLES,
      env: { ADMIN_TOKEN: 'x' },
    })
    expect(code).toBe(78)
    expect(stderr).toMatch(/^platform\.yaml:\d+:\d+: secret\.file: the variable SECRET_FILE is not set/)
  })
})

describe('one-app.yaml', () => {
  it('sleeps until somebody asks, at any host', async () => {
    await start('one-app.yaml')
    expect(launched()).toEqual([])
    expect(await seen('/x', 'any.localhost')).toBe('/x')
    expect(launched()).toEqual(['web'])
  })
})

describe('hosts-and-paths.yaml', () => {
  it('gives the API what is under /api, without it, and the rest to the shop', async () => {
    await start('hosts-and-paths.yaml')
    expect(await seen('/cart', 'shop.localhost')).toBe('/cart')
    expect(await seen('/api/items', 'shop.localhost')).toBe('/items')
    expect(await seen('/api', 'shop.localhost')).toBe('/')
    expect(await seen('/apis', 'shop.localhost')).toBe('/apis')
    expect((await get('/', { host: 'other.localhost' })).status).toBe(404)
    expect(launched()).toEqual(['shop', 'api'])
  })
})

describe('previews.yaml', () => {
  it('makes an app of each host below, and no more than it may', async () => {
    await start('previews.yaml', { MAX_PREVIEWS: '2' })
    for (const branch of ['fix-login', 'dark-mode']) {
      expect(await seen('/', `${branch}.preview.localhost`)).toBe('/')
    }
    const third = await get('/', { host: 'third.preview.localhost' })
    expect(third.status).toBe(503)
    expect(third.headers['proxy-status']).toContain('edge/too-many-apps')
    expect((await get('/', { host: 'preview.localhost' })).status).toBe(404)
    expect(launched()).toEqual(['fix-login.preview.localhost', 'dark-mode.preview.localhost'])
    expect(edge.stdout).toContain('preview of dark-mode')
  })
})

describe('office-hours.yaml', () => {
  it('has two instances ready in office hours although nobody asks', async () => {
    await start('office-hours.yaml', { OPENS: '* * * * *' })
    await event('ready', undefined, 2)
    expect(launched()).toEqual(['intranet', 'intranet'])
  })

  it('is woken at night by people, and not by probes', async () => {
    await start('office-hours.yaml', { OPENS: NEVER })
    const probe = await get('/healthz')
    expect([probe.status, probe.text]).toEqual([200, 'asleep'])
    expect((await get('/', { headers: { 'user-agent': 'Uptime-Kuma/1.23' } })).status).toBe(204)
    expect(launched()).toEqual([])
    expect(await seen('/', 'localhost')).toBe('/')
    // Now the application itself says how it is.
    expect(await seen('/healthz', 'localhost')).toBe('/healthz')
    expect(launched()).toEqual(['intranet'])
  })

  it('that cannot be started has its fallback, and without one its own page', async () => {
    const fallback = createServer((_request, response) => response.end('a copy of yesterday'))
    await new Promise<void>((resolve) => fallback.listen(0, '127.0.0.1', resolve))
    const { port } = fallback.address() as AddressInfo
    try {
      await start('office-hours.yaml', { OPENS: NEVER, APP: 'no-such-app.mjs', FALLBACK_PORT: `${port}` })
      const answer = await get('/')
      expect([answer.status, answer.text]).toEqual([200, 'a copy of yesterday'])
    } finally {
      await new Promise((resolve) => fallback.close(resolve))
    }
    const page = await get('/', { headers: { accept: 'text/html' } })
    expect(page.status).toBe(503)
    expect(page.text).toContain('<h1>Back in a moment</h1>')
    expect(page.text).not.toContain('{{')
  })
})

describe('platform.yaml', () => {
  it('serves every app at both addresses, keeps one awake, and takes a linker that comes by itself', async () => {
    const [tunnelPort, adminPort, appPort] = await freePorts(3)
    const env = {
      ...platformEnvironment(),
      INTERNAL_PORT: '0',
      TUNNEL_PORT: `${tunnelPort}`,
      ADMIN_PORT: `${adminPort}`,
      BRXY_TUNNEL: undefined,
      BRXY_ADMIN: undefined,
    }
    await start('platform.yaml', env)
    await event('ready', ({ app }) => app === 'shop')
    expect(launched()).toEqual(['shop'])
    for (const port of ports) {
      const answers = await Promise.all(
        ['shop.localhost', 'www.shop.localhost', 'blog.localhost'].map((host) => ask(port, '/', { host })),
      )
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    }

    const token = await run(['token', '--route', 'legacy'], { BRXY_SECRET_FILE: env.SECRET_FILE })
    const app = join(ROOT, 'examples/demo/app.mjs')
    running.push(new Running(process.execPath, [app], { env: { PORT: `${appPort}`, SECONDS: '0' } }))
    const target = ['-e', `127.0.0.1:${tunnelPort}`, '--to', `127.0.0.1:${appPort}`]
    running.push(brxy(['link', '--route', 'legacy', ...target], { env: { BRXY_TOKEN: token.trim() } }))
    expect(await seen('/anyway', 'legacy.localhost')).toBe('/anyway')

    expect(await run(['reload', '-f', 'platform.yaml'], { ...FREE, ...env })).toBe('no option is different\n')
  })
})

describe('docs/config.md', () => {
  it.each(codeOf('docs/config.md', 'yaml'))('shows what a file may have: %#', async (code) => {
    mkdirSync(join(dir.path, 'errors'))
    writeFileSync(join(dir.path, 'errors/5xx.html'), '{{detail}}')
    writeFileSync(join(dir.path, 'brxy'), 'a secret that signs tokens')
    const text = code.replace('/run/secrets/', './')
    // Programs of the reader's own, or of a package that need not be here.
    for (const program of ['start-preview', 'redis-server'])
      writeFileSync(join(dir.path, program), '', { mode: 0o755 })
    writeFileSync(join(dir.path, 'x.yaml'), text.startsWith('version:') ? text : `version: 1\n${text}`)
    const PATH = `${process.env.PATH}:${dir.path}`
    await run(['check', 'x.yaml'], { ADMIN_TOKEN: 'an-admin-token', PATH }, dir.path)
  })
})

describe('README.md', () => {
  it('has a file of two apps, and four commands that do what it says', async () => {
    const heading = '## Several apps'
    const [file] = codeOf('README.md', 'yaml', heading)
    const [commands] = codeOf('README.md', 'sh', heading)
    const [check, route, serve, reload, ...more] = commands
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ').slice(1))
    expect(more).toEqual([])
    symlinkSync(join(ROOT, 'examples'), join(dir.path, 'examples'))
    const yaml = join(dir.path, 'brxy.yaml')
    writeFileSync(yaml, file)
    const [adminPort] = await freePorts(1)
    const env = { ...FREE, BRXY_PORT: '0', BRXY_ADMIN: `127.0.0.1:${adminPort}`, BRXY_STATE_DIR: dir.path }
    expect(await run(check, {}, dir.path)).toContain('brxy.yaml is good: 2 apps, 2 routes.')
    expect(await run(route, {}, dir.path)).toContain('app hello ')
    await startAs(serve, dir.path, env)
    expect(await seen('/hello/x', 'localhost')).toBe('/x')
    if (hasPeer('python3')) expect((await get('/brxy.yaml')).text).toBe(file)
    writeFileSync(yaml, file.replace('"4"', '"5"'))
    expect(await run(reload, env, dir.path)).toContain('apps.files.scaler.shell.command')
  })
})
