import { createServer } from 'node:net'
import {
  BRXY,
  brxy,
  EdgeProcess,
  eventually,
  expectNoLeftovers,
  freePorts,
  type LoggedEvent,
  Running,
  runToEnd,
  tempDir,
} from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { brxyToken, linked, nodeApp, shell } from './apps.ts'

let dir: ReturnType<typeof tempDir>
/** What a test has started. */
let running: Running[]

beforeEach(() => {
  dir = tempDir()
  running = []
})

afterEach(async () => {
  for (const process of running) await process.stop()
  dir.remove()
  await expectNoLeftovers()
})

function run(words: readonly string[], env: Record<string, string> = {}) {
  return runToEnd(process.execPath, [BRXY, ...words], { env })
}

async function startEdge(...options: Parameters<typeof EdgeProcess.start>): Promise<EdgeProcess> {
  const edge = await EdgeProcess.start(...options)
  running.push(edge)
  return edge
}

/** An edge on free ports that says the same to people as on a terminal. */
async function textEdge(...words: string[]): Promise<Running & { port: number }> {
  const [port, tunnel, admin] = await freePorts(3)
  const addresses = ['-p', `${port}`, '--tunnel', `127.0.0.1:${tunnel}`, '--admin', `127.0.0.1:${admin}`]
  const flags = ['--state-dir', dir.path, '--log', 'text']
  const edge = Object.assign(brxy(['edge', ...addresses, ...flags, ...words]), { port })
  running.push(edge)
  await edge.prints(/\^C stops\n/)
  return edge
}

describe('--help', () => {
  it.each(['edge', 'link', 'token', 'status'])(
    'of %s: usage, examples, and each flag with its variable; at most 40 lines of 100 columns',
    async (command) => {
      const { code, stdout, stderr } = await run([command, '--help'])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      const lines = stdout.trimEnd().split('\n')
      expect(lines.length).toBeLessThanOrEqual(40)
      expect(lines.filter((line) => line.length > 100)).toEqual([])
      expect(lines[0]).toMatch(new RegExp(`^Usage: brxy ${command} .*`))
      expect(stdout).toContain('Examples:')
      // A flag and what is said of it, up to the next.
      const flags = stdout.split(/\n(?= {2}(?:-\w, | {4})--)/).slice(1)
      expect(flags.length).toBeGreaterThanOrEqual(2)
      for (const flag of flags.filter((text) => !/--(help|version)\b/.test(text))) {
        expect(flag).toMatch(/\([^()]*BRXY_[A-Z\d_]+\)/)
      }
    },
  )

  it('names defaults in the units in which they are typed', async () => {
    expect((await run(['edge', '--help'])).stdout).toMatch(/--hold TIME .*\(default 50s, BRXY_HOLD\)/)
    expect((await run(['link', '--help'])).stdout).toMatch(
      /-c, --concurrency N .*\(default 1, BRXY_CONCURRENCY\)/,
    )
  })

  it('of brxy lists the commands, and `help` is the same', async () => {
    const { code, stdout } = await run(['--help'])
    expect(code).toBe(0)
    for (const command of ['edge', 'link', 'token', 'status']) expect(stdout).toContain(`brxy ${command}`)
    expect((await run(['help'])).stdout).toBe(stdout)
  })

  it('--version prints the version of the package', async () => {
    const { stdout } = await run(['--version'])
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\S*\n$/)
    expect((await run(['link', '--version'])).stdout).toBe(stdout)
  })
})

describe('a mistake on the command line', () => {
  it.each([
    [[], 'which command? One of edge, link, token, status'],
    [['egde'], 'there is no command "egde"; did you mean edge?'],
    [['edge', '--patiense', '3s'], 'there is no flag --patiense; did you mean --patience?'],
    [['edge', '--xyzzy'], 'there is no flag --xyzzy'],
    [['edge', 'python3'], '"python3" is one word too many; the command to run goes after --'],
    [['edge', 'brxy.yaml'], '"brxy.yaml" is one word too many; a file goes after -f'],
    [['init', 'node', 'server.js'], '"server.js" is one word too many; the command to run goes after --'],
    [['edge', '--max'], '--max needs a value'],
    [['edge', '--max', '3', '--max', '4'], '--max: is given twice'],
    [['edge', '--max', 'ten'], '--max: "ten" is not a whole number'],
    [['edge', '--max', '0'], '--max: "0" is below the minimum; give at least 1'],
    [['edge', '--hold', '50'], '--hold: "50" has no unit'],
    [['edge', '--log', 'xml'], '--log: "xml" must be one of auto, text, json'],
    [['edge', '-p', 'web'], '"web" is no address; expected PORT, HOST:PORT or [IPV6]:PORT'],
    [['edge', '--host', '*.*'], '"*.*" is no host pattern'],
    [['token'], '--route: is required'],
    [['token', '--rout', 'a'], '--rout; did you mean --route?'],
    [['link', '--concurency', '4'], '--concurency: there is no such flag; did you mean --concurrency?'],
    [['link', '-r', 'web'], 'nothing to serve: give a command after --, or --to host:port'],
    [['link', '--', 'true'], 'which app is this? Give --route, or set ROUTE'],
    [['link', '-r', 'web', '-c', '0', '--', 'true'], '--concurrency: "0" is below the minimum'],
    [['link', '-r', 'web', '-e', 'http://a', '--', 'true'], 'http://a'],
  ])('brxy %j exits 2, says what is wrong and what is right, and starts nothing', async (words, text) => {
    const { code, stdout, stderr } = await run(words)
    expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(
      new RegExp(`^brxy ?${words.length === 0 || words[0] === 'egde' ? '' : words[0]}: `),
    )
    expect(stderr).toContain(text)
    expect(stderr).not.toContain('    at ')
  })

  it('in the environment exits 78 and names the variable', async () => {
    for (const command of [['edge'], ['link', '-r', 'web', '--', 'true']]) {
      const { code, stderr } = await run(command, { BRXY_DRAIN: 'soon' })
      expect(code).toBe(78)
      expect(stderr).toContain('BRXY_DRAIN: "soon" is not a duration')
    }
  })
})

describe('the environment', () => {
  it('sets what is no flag as well as what is; a flag wins', async () => {
    const env = { BRXY_HOLD: '300ms', BRXY_QUEUE_REQUESTS: '1' }
    const command = linked(shell('exec sleep 600'), [], { BRXY_STOP: '100ms' })
    const edge = await startEdge({ env, command, flags: ['--max', '1'] })
    const answers = await Promise.all([edge.ask(), edge.ask()])
    expect(answers.map(({ headers }) => headers['proxy-status']).sort()).toEqual([
      expect.stringContaining('edge/hold-full'),
      expect.stringContaining('edge/hold-timeout'),
    ])
    const other = await startEdge({ env, command, flags: ['--hold', '1s'] })
    expect((await other.ask()).tookMs).toBeGreaterThanOrEqual(1000)
  })
})

describe('a port that is taken', () => {
  it('by another program ends the edge with 69, and says which and how to choose another', async () => {
    const server = createServer()
    const [tunnel, admin] = await freePorts(2)
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
    })
    const rest = ['--tunnel', `127.0.0.1:${tunnel}`, '--admin', `127.0.0.1:${admin}`, '--state-dir', dir.path]
    const { code, stderr, stdout } = await run(['edge', '-p', `${port}`, ...rest])
    server.close()
    expect({ code, stdout }).toEqual({ code: 69, stdout: '' })
    expect(stderr).toMatch(new RegExp(`^brxy edge: (127\\.0\\.0\\.1|localhost):?.*${port}.* is taken`))
  })

  it('and is the default of tunnel or admin makes room: a second edge on a machine just works', async () => {
    const start = async () => {
      const [port] = await freePorts(1)
      const words = ['-p', `${port}`, '--log', 'json', '--state-dir', dir.path]
      const edge = brxy(['edge', ...words, '--', ...linked(nodeApp('echo'))])
      running.push(edge)
      const [line] = await edge.prints(/^.*"msg":"listening"\}$/m)
      return { port, edge, ...(JSON.parse(line) as { tunnel: string; admin: string }) }
    }
    // The first may have to move as well, if something else on this machine has these ports.
    const first = await start()
    const second = await start()
    expect(second.tunnel).not.toBe(first.tunnel)
    expect(second.admin).not.toBe(first.admin)
    expect(second.edge.stdout).toContain('127.0.0.1:9080 is taken; the tunnel port is a free one')
    expect(second.edge.stdout).toContain('127.0.0.1:9081 is taken; the admin port is a free one')
    for (const { port } of [first, second]) {
      expect(await (await fetch(`http://localhost:${port}/`)).json()).toMatchObject({
        env: { ROUTE: 'localhost' },
      })
    }
  })
})

describe('the words of a command', () => {
  it('reach the application as they were typed, through both commands', async () => {
    const words = [
      '1.10',
      '0x10',
      '1e3',
      '-c',
      '--help',
      '--flag',
      '--no-x',
      '--x=',
      '',
      'a b',
      '$HOME',
      "'",
      '--',
      'z',
    ]
    const edge = await startEdge({ command: linked([...nodeApp('echo'), ...words], ['-c', '2']) })
    expect((await edge.ask()).json().argv).toEqual(words)
    expect((await edge.ask()).json().env.PORT).toMatch(/^\d+$/)
  })

  it('have {port} replaced wherever it stands', async () => {
    const edge = await startEdge({ command: linked([...nodeApp('echo'), '{port}', 'a={port},{port}']) })
    const { argv, env } = (await edge.ask()).json()
    expect(argv).toEqual([env.PORT, `a=${env.PORT},${env.PORT}`])
  })
})

describe('what people read', () => {
  it('one line an event, with who, what and how long', async () => {
    const app = nodeApp('serial', { seconds: 0.2 })
    const edge = await textEdge('--', ...linked(app, ['--idle', '300ms']))
    expect(await (await fetch(`http://localhost:${edge.port}/a`)).text()).toMatch(/^\d+\n$/)
    await edge.prints(/idle.*, left\n/)
    const [first, ...lines] = edge.stdout.trimEnd().split('\n')
    expect(first).toMatch(/^brxy \d\S* {2}http:\/\/\S+:\d+ {2}.*\^C stops$/)
    for (const line of lines) expect(line).toMatch(/^\d\d:\d\d:\d\d \S/)
    expect(lines.map((line) => line.slice('hh:mm:ss '.length))).toEqual([
      expect.stringMatching(/^localhost +1 held, starting copy 1$/),
      expect.stringMatching(/^localhost\/1 +ready in [\d.]+m?s, 1 slot$/),
      expect.stringMatching(/^localhost\/1 +GET \/a 200 [\d.]+m?s \(held [\d.]+m?s\)$/),
      expect.stringMatching(/^localhost\/1 +idle.*, left$/),
    ])
  })

  it('a failed start with its status and the last output', async () => {
    const edge = await textEdge('--', ...linked(shell('echo "no such database"; exit 3')))
    expect((await fetch(`http://localhost:${edge.port}/`)).status).toBe(503)
    await edge.prints(/localhost\/1 +failed to start .*status 3.*next try in/)
    await edge.prints(/\| no such database/)
  })
})

describe('an edge whose reader goes away', () => {
  it.each(['text', 'json'])('serves on, and ends in order (%s)', async (log) => {
    const [port, tunnel, admin] = await freePorts(3)
    const addresses = ['-p', `${port}`, '--tunnel', `127.0.0.1:${tunnel}`, '--admin', `127.0.0.1:${admin}`]
    const flags = ['--state-dir', dir.path, '--log', log, '--requests', 'on']
    const edge = brxy(['edge', ...addresses, ...flags, '--', ...linked(nodeApp('echo'))])
    running.push(edge)
    await edge.prints(/listening|\^C stops/)
    edge.child.stdout?.destroy()
    edge.child.stderr?.destroy()
    for (let i = 0; i < 5; i++) expect((await fetch(`http://localhost:${port}/`)).status).toBe(200)
    edge.signal('SIGTERM')
    expect(await edge.ends()).toEqual({ code: 0, signal: null })
  })
})

describe('what programs read', () => {
  it('every line is JSON with time, level and msg; output of the application is app, instance, stream and msg', async () => {
    const start = 'echo to-stdout; echo to-stderr >&2; exec "$@"'
    const edge = await startEdge({ command: linked(shell(start, ...nodeApp('echo'))) })
    await edge.ask()
    for (const stream of ['stdout', 'stderr']) {
      const line = await edge.event(`to-${stream}`)
      expect(line).toMatchObject({ app: 'localhost', instance: 'localhost/1', stream })
    }
    edge.signal('SIGTERM')
    await edge.ends()
    const lines = edge.stdout.trimEnd().split('\n')
    for (const event of lines.map((line) => JSON.parse(line) as LoggedEvent)) {
      expect(event).toMatchObject({
        level: expect.any(String),
        time: expect.any(String),
        msg: expect.any(String),
      })
    }
    expect(edge.stderr).toBe('')
  })
})

describe('brxy status', () => {
  it('prints a table, and the same as JSON; of one app if asked', async () => {
    const edge = await startEdge({ command: linked(nodeApp('echo'), ['-c', '3']) })
    const status = (...words: string[]) => run(['status', '--admin', edge.admin, ...words])
    expect((await status()).stdout).toBe('No app has been asked for yet.\n')
    for (const host of ['a.test', 'b.test']) await edge.ask('/', { host })
    const { code, stdout } = await status()
    expect(code).toBe(0)
    expect(stdout.split('\n').map((line) => line.trim().split(/ {2,}/))).toEqual([
      ['APP', 'HELD', 'INSTANCE', 'SLOTS', 'BUSY', 'PHASE'],
      ['a.test', '0', 'a.test/1', '3', '0', 'ready'],
      ['b.test', '0', 'b.test/1', '3', '0', 'ready'],
      [''],
    ])
    expect(await status('c.test')).toMatchObject({
      code: 69,
      stderr: expect.stringContaining('has no app "c.test"'),
    })
    const only = JSON.parse((await status('--json', 'b.test')).stdout)
    expect(only.apps).toMatchObject([
      { app: 'b.test', held: { count: 0 }, instances: [{ phase: 'ready', slots: 3 }] },
    ])
  })

  it('exits 69 where no edge answers, and says how to name another', async () => {
    const [port] = await freePorts(1)
    const { code, stderr } = await run(['status', '--admin', `127.0.0.1:${port}`])
    expect(code).toBe(69)
    expect(stderr).toContain(`no edge answers at 127.0.0.1:${port}`)
    expect(stderr).toContain('--admin HOST:PORT')
  })
})

describe('a linker on its own', () => {
  async function link(...app: string[]): Promise<Running> {
    const edge = await startEdge()
    const words = ['link', '-r', 'web', '-e', edge.tunnel, '--', ...app]
    const linker = brxy(words, { env: { BRXY_TOKEN: await brxyToken(edge, 'web') } })
    running.unshift(linker)
    await edge.event('ready')
    return linker
  }

  it("passes the application's output byte for byte, without a line of its own in it", async () => {
    const bytes = String.raw`\101\000\r\n\n no end of line`
    const linker = await link(...shell(`printf '${bytes}'; exec "$@"`, ...nodeApp('echo')))
    await eventually('the output', () => linker.stdout.endsWith('line'))
    expect(linker.stdout).toBe('A\0\r\n\n no end of line')
  })

  it('serves on when the reader of its output is gone', async () => {
    const edge = await startEdge()
    const token = await brxyToken(edge, 'web')
    const chatty = shell('( while :; do echo chatter; sleep 0.02; done ) & exec "$@"', ...nodeApp('echo'))
    const words = [BRXY, 'link', '-r', 'web', '-e', edge.tunnel, '--', ...chatty]
    const linker = new Running(process.execPath, words, { env: { BRXY_TOKEN: token } })
    running.unshift(linker)
    await linker.prints(/chatter/)
    linker.child.stdout?.destroy()
    linker.child.stderr?.destroy()
    await edge.event('ready')
    // Chatter meets a closed pipe many times meanwhile.
    for (let i = 0; i < 20; i++) expect((await edge.ask('/', { host: 'web' })).status).toBe(200)
    expect(linker.exit).toBe(null)
    linker.signal('SIGTERM')
    expect(await linker.ends()).toEqual({ code: 0, signal: null })
  })
})
