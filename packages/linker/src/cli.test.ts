import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { isRunning, until } from './app/processes.testkit.ts'
import { CompiledLinker } from './cli.testkit.ts'
import { RawApp } from './forward/raw-app.testkit.ts'
import { TestEdge } from './tunnel/edge.testkit.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }) // real processes on a busy machine

let linker: CompiledLinker
let edge: TestEdge
let folder: string

beforeAll(() => {
  linker = new CompiledLinker()
  folder = mkdtempSync(join(tmpdir(), 'brxy-cli-'))
})
afterAll(() => {
  linker.remove()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  edge = await TestEdge.start()
})
afterEach(async () => {
  await linker.stop()
  await edge.close()
  expect(edge.bugs).toEqual([])
})

/** A web application: answers with what it is asked for; `/wait` when it gets SIGUSR2. */
const APP = `
  const held = []
  process.on('SIGUSR2', () => { for (const answer of held.splice(0)) answer.end('at last') })
  require('node:http').createServer((request, answer) => {
    if (request.url === '/wait') { console.log('waiting'); held.push(answer) }
    else if (request.url === '/env') answer.end(JSON.stringify(process.env))
    else answer.end(request.method + ' ' + request.url)
  }).listen(Number(process.env.PORT), '127.0.0.1', () => console.log('app listens'))
`
const app = (script = APP) => ['--', process.execPath, '-e', script]
const flags = (...more: string[]) => ['-e', edge.address, '-r', 'shop.example', '--token', 'secret', ...more]

describe('the command line', () => {
  test.for(['--help', '-h'])('%s fits a screen: usage, examples, defaults and variables', async (flag) => {
    const run = linker.run([flag])
    expect(await run.exits()).toBe(0)
    const lines = run.out.trimEnd().split('\n')
    expect(lines.length).toBeLessThanOrEqual(40)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100)
    expect(lines[0]).toMatch(/^Usage: brxy link /)
    for (const word of ['Examples:', '-c, --concurrency N', 'default 1', 'BRXY_CONCURRENCY', '--help'])
      expect(run.out).toContain(word)
    expect(run.stderr).toBe('')
  })

  test('--version is that of the package', async () => {
    const run = linker.run(['--version'])
    expect(await run.exits()).toBe(0)
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
    expect(run.out).toBe(`${version}\n`)
  })

  test.for([
    ['a mistyped flag', ['--concurency', '2', '--', 'true'], 'no such flag; did you mean --concurrency?'],
    ['a value out of range', ['-c', '0', '--', 'true'], '--concurrency: "0" is below the minimum'],
    ['a time without a unit', ['--idle', '60', '--', 'true'], '--idle: "60"'],
    ['no route', ['--', 'true'], 'Give --route, or set ROUTE (link/no-route)'],
    ['no application', ['-r', 'a'], 'give a command after --, or --to host:port (link/no-command)'],
    ['two applications', ['-r', 'a', '--to', ':1', '--', 'true'], 'not both (link/two-applications)'],
    ['no edge address', ['-r', 'a', '-e', 'http://edge', '--', 'true'], 'not http (link/bad-edge)'],
    ['no address to attach to', ['-r', 'a', '--to', 'nowhere'], '--to "nowhere" is no address'],
    ['an empty command', ['-r', 'a', '--'], 'no application command'],
  ] as const)('%s is a usage error, before anything is started', async ([, args, message]) => {
    const run = linker.run(args)
    expect(await run.exits()).toBe(2)
    expect(run.stderr).toContain(message)
    expect(run.stderr).toMatch(/^brxy link: /)
    expect(run.out).toBe('')
  })

  test.for([
    [{ BRXY_IDLE: 'soon' }, 'BRXY_IDLE: "soon"'],
    [{ BRXY_TOKEN_FILE: '/nonexistent/token' }, 'cannot read the file "/nonexistent/token"'],
  ] as const)('a mistake in the environment is bad configuration: %j', async ([env, message]) => {
    const run = linker.run(['-r', 'a', '--', 'true'], env)
    expect(await run.exits()).toBe(78)
    expect(run.stderr).toContain(message)
  })

  test('words after the command are the application’s as they are, with and without --', async () => {
    const script = 'require("node:fs").writeSync(1, process.argv.slice(1).join(" ")); process.exit(9)'
    const words = [process.execPath, '-e', script, 'a', '--help', '-c', '1.10', '0x10', '1e3']
    for (const command of [['--', ...words], words]) {
      const run = linker.run([...flags(), ...command])
      expect(await run.exits()).toBe(9)
      expect(run.out).toBe('a --help -c 1.10 0x10 1e3')
    }
  })
})

describe('an application', () => {
  test('gets its port in PORT and {port}, is waited for, and serves', async () => {
    const script = APP.replace('Number(process.env.PORT)', 'Number(process.argv[1])')
    const command = ['--', process.execPath, '-e', script, '{port}']
    const run = linker.run([...flags('-c', '2'), ...command], { ROUTE: 'ignored' })
    const session = await edge.granted(2)
    expect(session.hello).toMatchObject({ route: 'shop.example', slots: 2 })
    expect((await session.get('/hello')).text).toBe('GET /hello')
    const port = Number(JSON.parse((await session.get('/env')).text).PORT)
    expect(port).toBeGreaterThanOrEqual(20_000)
    expect(port).toBeLessThanOrEqual(32_767)
    await run.prints('app listens\n')
  })

  test('is configured by the environment as well, and does not see the token', async () => {
    linker.run(app(), {
      ROUTE: 'from.route',
      BRXY_EDGE: `ws://${edge.address}`,
      BRXY_TOKEN: 'from-env',
      BRXY_CONCURRENCY: '3',
      BRXY_LAUNCH: 'launch-7',
      BRXY_INSTANCE: 'pod-1',
    })
    const session = await edge.granted(3)
    expect(session.hello).toMatchObject({ route: 'from.route', launch: 'launch-7', platform: 'pod-1' })
    expect(edge.tokens).toEqual(['Bearer from-env'])
    const env = JSON.parse((await session.get('/env')).text)
    expect([env.BRXY_TOKEN, env.BRXY_LAUNCH]).toEqual([undefined, 'launch-7'])
  })

  test('may print whatever it likes: it passes through byte for byte', async () => {
    const script = `
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet))
      for (let i = 0; i < 400; i++) require('node:fs').writeSync(1, bytes)
      process.exit(5)`
    const run = linker.run([...flags(), ...app(script)])
    expect(await run.exits()).toBe(5)
    expect(run.stdout.length).toBe(102_400)
    expect(run.stdout.subarray(0, 256)).toEqual(Buffer.from(Array.from({ length: 256 }, (_, octet) => octet)))
  })

  test('that exits at once is reported with status and output, before the linker exits too', async () => {
    const run = linker.run([...flags(), ...app('console.log("no database"); process.exit(3)')])
    expect(await run.exits()).toBe(3)
    const session = await edge.session()
    await session.says('closed link/left')
    expect(session.statuses).toMatchObject([
      { phase: 'failed', exitCode: 3, signal: null, output: 'no database\n' },
    ])
    expect(run.stderr).toContain('the application exited with status 3 before it listened')
  })

  test('that was never found or cannot run: 127, 126', async () => {
    const file = join(folder, 'plain.txt')
    writeFileSync(file, 'no program')
    chmodSync(file, 0o644)
    for (const [command, code, message] of [
      ['brxy-no-such-program', 127, 'command not found'],
      [file, 126, 'permission denied'],
    ] as const) {
      const run = linker.run([...flags(), '--', command])
      expect(await run.exits()).toBe(code)
      expect(run.stderr).toContain(message)
    }
    // By hand nobody waits for it.
    expect(edge.sessions.length).toBe(0)
  })

  test('that could not be started is reported to the edge that launched it', async () => {
    const run = linker.run([...flags(), '--', 'brxy-no-such-program'], { BRXY_LAUNCH: 'l-1' })
    expect(await run.exits()).toBe(127)
    const session = await edge.session()
    expect(session.statuses).toMatchObject([{ phase: 'failed', exitCode: 127 }])
    expect(session.statuses[0]?.reason).toContain('brxy-no-such-program: command not found')
  })

  test('that never listens ends with 124, and is stopped', async () => {
    const run = linker.run([...flags('--start-timeout', '500ms'), ...app('setInterval(() => {}, 1000)')])
    const pid = await run.appPid()
    expect(await run.exits()).toBe(124)
    expect((await edge.session()).statuses[0]?.reason).toContain('did not listen within 0.5 s')
    expect(isRunning(pid)).toBe(false)
  })

  test('whose health page is not ready yet gets no request', async () => {
    const script = `
      let ready = false
      process.on('SIGUSR2', () => { ready = true })
      require('node:http').createServer((request, answer) => {
        answer.statusCode = request.url === '/healthz' && !ready ? 503 : 200
        answer.end('served')
        if (request.url === '/healthz' && !ready) console.log('asked')
      }).listen(Number(process.env.PORT), '127.0.0.1')`
    const run = linker.run([...flags('--health', '/healthz'), ...app(script)])
    const session = await edge.session()
    await run.prints('asked\nasked\n')
    expect(session.session.unspent).toBe(0)
    process.kill(await run.appPid(), 'SIGUSR2')
    await edge.granted(1)
  })
})

describe('an attached application', () => {
  test('is served, and neither started nor stopped', async () => {
    const raw = await RawApp.answering('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    try {
      const run = linker.run([...flags('--to', `127.0.0.1:${raw.port}`)])
      const session = await edge.granted(1)
      expect((await session.get()).text).toBe('ok')
      run.signal('SIGTERM')
      expect(await run.exits()).toBe(0)
    } finally {
      await raw.close()
    }
  })

  test('is waited for, and so is its edge: nothing else keeps the process alive', async () => {
    const args = flags('--to', '127.0.0.1:1', '--lost', '30s')
    const { port } = edge
    await edge.close()
    const run = linker.run(args)
    await until('longer and longer pauses', () => run.stderr.split('cannot reach the edge').length > 8)
    edge = await TestEdge.start({ port })
    expect((await edge.session()).hello?.phase).toBe('starting')
    run.signal('SIGINT')
    expect(await run.exits()).toBe(0)
  })
})

describe('the end', () => {
  test('SIGTERM lets the running request finish, then stops the application', async () => {
    const run = linker.run([...flags(), ...app()])
    const session = await edge.granted(1)
    const answer = session.open({ target: '/wait' })
    await run.prints('waiting')
    run.signal('SIGTERM')
    await session.says('drain')
    const pid = await run.appPid()
    process.kill(pid, 'SIGUSR2')
    await answer.over
    expect([answer.outcome, answer.text]).toEqual(['end', 'at last'])
    expect(await run.exits()).toBe(0)
    expect(isRunning(pid)).toBe(false)
    await session.says('closed link/left')
  })

  test.for([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('a second %s ends everything at once', async ([signal, code]) => {
    const stubborn = `process.on('SIGTERM', () => console.log('not now'));${APP}`
    const run = linker.run([...flags(), ...app(stubborn)])
    const session = await edge.granted(1)
    const answer = session.open({ target: '/wait' })
    await run.prints('waiting')
    run.signal(signal)
    await session.says('drain')
    const pid = await run.appPid()
    run.signal(signal)
    expect(await run.exits()).toBe(code)
    expect(isRunning(pid)).toBe(false)
    await answer.over
    expect(answer.outcome).toMatch(/^(lost|reset)/)
  })

  test('a signal that comes before the linker is loaded leaves no application behind', async () => {
    const run = linker.run([...flags(), ...app('setInterval(() => {}, 1000)')])
    const pid = await run.appPid()
    run.signal('SIGTERM')
    expect(await run.exits()).toBe(0)
    expect(isRunning(pid)).toBe(false)
  })

  test('idle: LEAVE, GO, exit 0; STAY keeps it', async () => {
    const run = linker.run([...flags('--idle', '300ms'), ...app()])
    const session = await edge.session()
    await session.says('leave')
    session.session.verdict(false)
    await edge.granted(1)
    expect((await session.get('/again')).text).toBe('GET /again')
    await until('a second LEAVE', () => session.log.filter((what) => what === 'leave').length === 2)
    const pid = await run.appPid()
    session.session.verdict(true)
    expect(await run.exits()).toBe(0)
    expect(isRunning(pid)).toBe(false)
    await session.says('closed link/left')
    expect(session.end?.message).toBe('idle')
  })

  test('token refused: 77, said plainly, without the token', async () => {
    edge.refusal = { status: 401, body: '{"code":"token/expired","message":"the token expired yesterday"}' }
    const run = linker.run([...flags(), ...app()])
    const pid = await run.appPid()
    expect(await run.exits()).toBe(77)
    expect(run.stderr).toContain('the token expired yesterday')
    expect(run.stderr).not.toContain('secret')
    expect(isRunning(pid)).toBe(false)
  })

  test('no edge: 69 after --lost', async () => {
    const run = linker.run(['-e', '127.0.0.1:1', '-r', 'a', '--lost', '500ms', ...app()])
    expect(await run.exits()).toBe(69)
    expect(run.stderr).toContain('ECONNREFUSED')
  })

  test('kill -9 takes the application with it', async () => {
    const run = linker.run([...flags(), ...app()])
    const pid = await run.appPid()
    await edge.granted(1)
    run.signal('SIGKILL')
    await until('the application is gone', () => !isRunning(pid), 3_000)
  })
})

describe('the token', () => {
  test('in a file is read anew at each dial', async () => {
    const file = join(folder, 'token')
    writeFileSync(file, 'first\n')
    linker.run(['-e', edge.address, '-r', 'shop.example', ...app()], { BRXY_TOKEN_FILE: file })
    await edge.granted(1)
    writeFileSync(file, 'second\n')
    edge.cut()
    await edge.granted(1, 1)
    expect(edge.tokens).toEqual(['Bearer first', 'Bearer second'])
  })

  test('on the command line is not outdone by a file that happens to be named', async () => {
    const file = join(folder, 'other-token')
    writeFileSync(file, 'from-file\n')
    linker.run([...flags(), ...app()], { BRXY_TOKEN_FILE: file })
    await edge.granted(1)
    expect(edge.tokens).toEqual(['Bearer secret'])
  })
})
