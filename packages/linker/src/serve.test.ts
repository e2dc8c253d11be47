import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { BODY_UNKNOWN, type Farewell, OPEN_PASSIVE } from '@brxy/protocol'
import { describe, expect, it, vi } from 'vitest'
import { freePort } from './app/port.ts'
import { isRunning, until } from './app/processes.testkit.ts'
import { nothingLeft } from './linker-process.testkit.ts'
import { linkerWorld } from './linker-world.testkit.ts'
import { TestEdge, type TestSession, type TestStream } from './tunnel/edge.testkit.ts'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 })

/** An application for `node -e`: shows itself, prints, ends, or echoes for as long as its client sends. */
const APP = `
  const { createServer } = require('node:http')
  let unwell = process.env.UNWELL
  process.on('SIGUSR2', () => { unwell = '' })
  if (process.env.STUBBORN) process.on('SIGTERM', () => {})
  createServer((request, response) => {
    const [path, query] = request.url.split('?')
    if (path === '/healthz') {
      response.statusCode = unwell ? 503 : 200
      return response.end(() => process.stdout.write(unwell ? 'unwell\\n' : ''))
    }
    if (path === '/exit') process.exit(Number(query))
    if (path === '/print') return process.stdout.write(query, () => response.end('printed'))
    if (path === '/self')
      return response.end(JSON.stringify({ pid: process.pid, argv: process.argv.slice(1), env: process.env }))
    response.flushHeaders()
    request.pipe(response)
  }).listen(process.env.PORT, '127.0.0.1')
`
const NODE_APP = ['--', process.execPath, '-e', APP]
/** One that never listens, where that does not matter: it starts faster. */
const SLEEP = ['--', 'sleep', '60']

const world = linkerWorld()
const { link } = world

/** A request that the application works on until its body is ended. */
async function running(session: TestSession): Promise<TestStream> {
  const stream = session.open({ method: 'POST', target: '/echo', body: BODY_UNKNOWN })
  await until('the head of the response', () => stream.head !== '')
  return stream
}

describe('an application that is started', () => {
  it('gets its port as PORT and {port}, and everything but the token', async () => {
    const linker = link([...NODE_APP, 'listen={port}'], { BRXY_TOKEN: 'secret', COLOR: 'blue' })
    const session = await world.edge.granted(1)
    const self = JSON.parse((await session.get('/self')).text)
    const { port, pid } = await linker.logs('application started')
    expect(self).toMatchObject({ pid, argv: [`listen=${port}`], env: { PORT: `${port}`, COLOR: 'blue' } })
    expect(Object.keys(self.env)).not.toContain('BRXY_TOKEN')
    expect(world.edge.tokens).toEqual(['Bearer secret'])
  })

  it('gets the port that --app-port names', async () => {
    const port = await freePort(Math.random)
    link(['--app-port', `${port}`, ...NODE_APP])
    const session = await world.edge.granted(1)
    expect(JSON.parse((await session.get('/self')).text).env.PORT).toBe(`${port}`)
  })

  it('prints through the linker byte for byte, whose own lines go to standard error', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const print = `process.stdout.write(Buffer.from('${bytes.toString('hex')}', 'hex')); console.error('oops')`
    const linker = link(['--', process.execPath, '-e', print])
    expect(await linker.ends()).toBe(75)
    expect(linker.stdout.equals(bytes)).toBe(true)
    expect(linker.stderr).toContain('oops\n')
    expect(linker.logged('application started')).toHaveLength(1)
  })

  it('gets no request before its health page is ready', async () => {
    const linker = link(['--health', '/healthz', ...NODE_APP], { UNWELL: '1' })
    const session = await world.edge.session()
    await linker.prints('unwell\nunwell\n')
    expect(session.session.unspent).toBe(0)
    process.kill((await linker.logs('application started')).pid as number, 'SIGUSR2')
    await world.edge.granted(1)
  })

  it('may go on printing when nobody reads any more', async () => {
    const linker = link(NODE_APP)
    const session = await world.edge.granted(1)
    linker.child.stdout?.destroy()
    for (let count = 0; count < 3; count++) {
      await until('a grant', () => session.session.unspent === 1)
      expect((await session.get('/print?nothing')).text).toBe('printed')
    }
  })

  it('is reported when it never listens, and stopped: 124', async () => {
    const linker = link(['--start-timeout', '300ms', ...SLEEP])
    expect(await linker.ends()).toBe(124)
    expect((await world.edge.session()).statuses).toMatchObject([
      { phase: 'failed', exitCode: null, reason: 'the application did not listen within 0.3 s' },
    ])
  })

  it('is reported with its status and output before the linker ends with that status', async () => {
    const linker = link(['--', 'sh', '-c', 'echo "no database at :$PORT" >&2; exit 3'])
    expect(await linker.ends()).toBe(3)
    const { port } = await linker.logs('application started')
    const session = await world.edge.session()
    await session.says('closed link/left')
    expect(session.log).toEqual(['hello', 'status failed', 'closed link/left'])
    expect(session.statuses).toMatchObject([{ exitCode: 3, output: `no database at :${port}\n` }])
  })

  it.each([
    ['a signal ends it: 128 and its number', 'kill -9 $$', 137],
    ['it ends well without having served: 75, try again', 'exit 0', 75],
  ])('decides the exit status when %s', async (_when, script, code) => {
    expect(await link(['--', 'sh', '-c', script]).ends()).toBe(code)
  })

  it.each([0, 7])('decides the exit status when it ends with %i after it has served', async (code) => {
    const linker = link(NODE_APP)
    const session = await world.edge.granted(1)
    expect((await session.get(`/exit?${code}`)).outcome).not.toBe('end')
    expect(await linker.ends()).toBe(code)
    expect(session.statuses.at(-1)).toMatchObject({ phase: 'failed', exitCode: code })
  })

  it.each([
    ['does not exist: 127', './no-such-app', 127, 'link/app-not-found'],
    ['is not executable: 126', '/dev/null', 126, 'link/app-not-executable'],
  ])('is refused at once when its command %s', async (_what, command, code, error) => {
    const linker = link(['--', command])
    expect(await linker.ends()).toBe(code)
    expect(linker.stderr).toMatch(new RegExp(`^brxy link: ${command}: .* \\(${error}\\)\n$`))
    expect(world.edge.tokens).toEqual([])
  })

  it('dies with a linker that is killed', async () => {
    const linker = link(NODE_APP, { STUBBORN: '1' })
    await world.edge.granted(1)
    linker.signal('SIGKILL')
    expect(await linker.ends()).toBe('SIGKILL')
    await nothingLeft()
  })
})

describe('an application that runs anyway', () => {
  it('is attached with --to, and goes on when the linker ends', async () => {
    const server = createServer((request, response) => response.end(request.url)).listen(0, '127.0.0.1')
    await until('the application listens', () => server.listening)
    try {
      const linker = link(['--to', `127.0.0.1:${(server.address() as AddressInfo).port}`, '-c', '3'])
      const session = await world.edge.granted(3)
      expect((await session.get('/attached')).text).toBe('/attached')
      linker.signal('SIGTERM')
      expect(await linker.ends()).toBe(0)
      expect(linker.logged('application started')).toEqual([])
      expect(server.listening).toBe(true)
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

  it('is waited for, and so is its edge: between two dials nothing else keeps the process alive', async () => {
    const { port, address } = world.edge
    await world.edge.close()
    const linker = world.compiled.run(['-e', address, '-r', 'shop', '--to', '127.0.0.1:1', '--lost', '30s'])
    await until('longer and longer pauses', () => linker.logged('cannot reach the edge').length > 7)
    world.edge = await TestEdge.start({ port })
    expect((await world.edge.session()).hello?.phase).toBe('starting')
    linker.signal('SIGINT')
    expect(await linker.ends()).toBe(0)
  })
})

describe('a linker that an edge launched', () => {
  it('reports to it what cannot be run', async () => {
    const linker = link(['--', './no-such-app'], { BRXY_LAUNCH: 'l-1', BRXY_INSTANCE: 'pod-1' })
    expect(await linker.ends()).toBe(127)
    const { hello, statuses } = await world.edge.session()
    expect(hello).toMatchObject({ route: 'shop', launch: 'l-1', platform: 'pod-1', phase: 'starting' })
    expect(statuses).toMatchObject([{ phase: 'failed', exitCode: 127 }])
    expect(statuses[0]?.reason).toContain('./no-such-app: command not found')
  })

  it('says nothing while all is well: its launcher does', async () => {
    const linker = link(NODE_APP, { BRXY_LAUNCH: 'l-1' })
    const session = await world.edge.granted(1)
    await session.get('/print?hello')
    linker.signal('SIGTERM')
    expect(await linker.ends()).toBe(0)
    expect([linker.stdout.toString(), linker.stderr]).toEqual(['hello', ''])
  })
})

describe('signals', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('drain at %s: what runs is finished', async (signal) => {
    const linker = link(NODE_APP)
    const session = await world.edge.granted(1)
    const stream = await running(session)
    linker.signal(signal)
    await session.says('drain')
    stream.write('the rest')
    stream.stream.end()
    await stream.over
    expect([stream.outcome, stream.text]).toEqual(['end', 'the rest'])
    expect(await linker.ends()).toBe(0)
    await session.says('closed link/left')
  })

  it('wait for what runs no longer than --drain', async () => {
    const linker = link(['--drain', '100ms', ...NODE_APP])
    const stream = await running(await world.edge.granted(1))
    linker.signal('SIGTERM')
    expect(await linker.ends()).toBe(0)
    await stream.over
    expect(stream.outcome).not.toBe('end')
  })

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('end it at once when %s is the second one', async (second, code) => {
    const linker = link(NODE_APP, { STUBBORN: '1' })
    const session = await world.edge.granted(1)
    await running(session)
    linker.signal('SIGTERM')
    await session.says('drain')
    linker.signal(second)
    expect(await linker.ends()).toBe(code)
    await nothingLeft()
  })

  it('stop an application that is still starting', async () => {
    const linker = link(SLEEP)
    const { pid } = await linker.logs('application started')
    linker.signal('SIGTERM')
    expect(await linker.ends()).toBe(0)
    expect(isRunning(pid as number)).toBe(false)
  })
})

describe('an idle instance', () => {
  it('asks to leave, and leaves when the edge says GO', async () => {
    const linker = link(['--idle', '100ms', ...NODE_APP])
    const session = await world.edge.session()
    await session.says('leave')
    session.session.verdict(true)
    expect(await linker.ends()).toBe(0)
    await session.says('closed link/left')
    expect(session.session.unspent).toBe(0)
  })

  it('serves on when the edge says STAY, and asks again', async () => {
    const linker = link(['--idle', '1s', ...NODE_APP])
    const session = await world.edge.session()
    await session.says('leave')
    session.session.verdict(false)
    await world.edge.granted(1)
    expect((await session.get('/self')).status).toBe(200)
    const leaves = () => session.log.filter((word) => word === 'leave').length
    await until('a second LEAVE', () => leaves() === 2)
    session.session.verdict(true)
    expect(await linker.ends()).toBe(0)
  })
})

describe('an instance that only probes visit', () => {
  it('answers them, asks to leave an idle time after its last real request, and leaves', async () => {
    const linker = link(['--idle', '1s', ...NODE_APP])
    const session = await world.edge.granted(1)
    expect((await session.get('/healthz')).status).toBe(200)
    let probes = 0
    while (!session.log.includes('leave')) {
      await until('a grant or the end', () => session.session.unspent === 1 || session.log.includes('leave'))
      if (session.session.unspent === 0) continue
      expect((await session.get('/healthz', { bits: OPEN_PASSIVE })).status).toBe(200)
      probes++
    }
    expect(probes).toBeGreaterThan(5)
    session.session.verdict(true)
    expect(await linker.ends()).toBe(0)
  })
})

describe('an application that is no HTTP server', () => {
  const ECHO = `
    const { createServer } = require('node:net')
    createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {})
      socket.write('220 ready ')
      socket.pipe(socket)
    }).listen(process.env.PORT, '127.0.0.1')
  `
  const TCP_APP = ['--', process.execPath, '-e', ECHO]

  it.each([
    ['--tcp', ['--tcp', ...TCP_APP], {}],
    ['BRXY_TCP', TCP_APP, { BRXY_TCP: 'true' }],
  ])('is served with %s: bytes both ways, and half-close', async (_how, args, env) => {
    const linker = link(args, env)
    const session = await world.edge.granted(1)
    const stream = session.openTcp()
    await stream.receives('220 ready ')
    stream.write('\0 anything')
    stream.stream.end()
    await stream.over
    expect([stream.outcome, stream.text]).toEqual(['end', '220 ready \0 anything'])
    await world.edge.granted(1)
    linker.signal('SIGTERM')
    expect(await linker.ends()).toBe(0)
  })
})

describe('an edge', () => {
  it('that refuses the token ends the linker with 77', async () => {
    world.edge.refusal = { status: 401, body: '{"code":"token/expired","message":"the token has expired"}' }
    const linker = link(SLEEP)
    expect(await linker.ends()).toBe(77)
    expect(await linker.logs('refused by the edge')).toMatchObject({ level: 'error', code: 'token/expired' })
    expect(linker.stderr).toContain('the token has expired')
  })

  it.each([
    ['the token', 'token/wrong-route', 77],
    ['anything else', 'protocol/version', 69],
  ])('that rejects %s for good ends the linker', async (_what, code, status) => {
    world.edge.answer = () => ({ code, message: 'not you', retryable: false })
    const linker = link(SLEEP)
    expect(await linker.ends()).toBe(status)
    expect(await linker.logs('refused by the edge')).toMatchObject({ code })
    expect(linker.stderr).toContain('not you')
  })

  it('that rejects the linker for now is dialled again', async () => {
    const later: Farewell = { code: 'edge/busy', message: 'later', retryable: true }
    world.edge.answer = (_hello, count) => (count === 0 ? later : {})
    link(NODE_APP)
    await world.edge.granted(1, 1)
  })

  it('that was never there ends the linker with 69 after --lost', async () => {
    const port = await freePort(Math.random)
    const linker = world.compiled.run(['-e', `127.0.0.1:${port}`, '-r', 'shop', '--lost', '300ms', ...SLEEP])
    expect(await linker.ends()).toBe(69)
    expect(await linker.logs('cannot reach the edge')).toMatchObject({ code: 'link/unreachable' })
  })

  it('that was there and is gone ends the linker with 0 after --lost', async () => {
    const linker = link(['--lost', '300ms', ...NODE_APP])
    await world.edge.granted(1)
    world.edge.refusal = { status: 503, body: 'restarting' }
    world.edge.cut()
    expect(await linker.ends()).toBe(0)
  })

  it('that was lost is dialled again, with the token that the file holds by then', async () => {
    const file = join(world.compiled.folder, 'token')
    writeFileSync(file, 'first\n')
    link(NODE_APP, { BRXY_TOKEN_FILE: file })
    await world.edge.granted(1)
    writeFileSync(file, 'second\n')
    world.edge.cut()
    const { hello } = await world.edge.granted(1, 1)
    expect(hello).toMatchObject({ replaces: 's-1', phase: 'ready' })
    expect(world.edge.tokens).toEqual(['Bearer first', 'Bearer second'])
  })
})
