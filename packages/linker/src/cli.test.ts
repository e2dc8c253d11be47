import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { CompiledLinker } from './linker-process.testkit.ts'
import { TestEdge } from './tunnel/edge.testkit.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }) // real processes on a busy machine

let linker: CompiledLinker
let edge: TestEdge

beforeAll(() => {
  linker = new CompiledLinker()
})
afterAll(() => linker.remove())
beforeEach(async () => {
  edge = await TestEdge.start()
})
afterEach(async () => {
  await linker.end()
  await edge.close()
  expect(edge.bugs).toEqual([])
})

describe('the command line', () => {
  test.for(['--help', '-h'])('%s fits a screen: usage, examples, defaults and variables', async (flag) => {
    const run = linker.run([flag])
    expect(await run.ends()).toBe(0)
    const lines = run.stdout.toString().trimEnd().split('\n')
    expect(lines.length).toBeLessThanOrEqual(40)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100)
    expect(lines[0]).toMatch(/^Usage: brxy link /)
    for (const word of ['Examples:', '-c, --concurrency N', 'default 1', 'BRXY_CONCURRENCY', '--help'])
      expect(run.stdout.toString()).toContain(word)
    expect(run.stderr).toBe('')
  })

  test('--version is that of the package', async () => {
    const run = linker.run(['--version'])
    expect(await run.ends()).toBe(0)
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
    expect(run.stdout.toString()).toBe(`${version}\n`)
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
    [
      'HTTP/2 over opaque TCP',
      ['-r', 'a', '--h2c', '--tcp', '--', 'true'],
      '--h2c: cannot be given with --tcp',
    ],
    [
      'a health page over opaque TCP',
      ['-r', 'a', '--health', '/', '--tcp', '--', 'true'],
      '--health: cannot',
    ],
    [
      'a PROXY header before HTTP/2',
      ['-r', 'a', '--h2c', '--send-proxy', 'v2', '--', 'true'],
      '--send-proxy: cannot be given with --h2c: one connection',
    ],
    ['an empty command', ['-r', 'a', '--'], 'no application command'],
  ] as const)('%s is a usage error, before anything is started', async ([, args, message]) => {
    const run = linker.run(args)
    expect(await run.ends()).toBe(2)
    expect(run.stderr).toContain(message)
    expect(run.stderr).toMatch(/^brxy link: /)
    expect(run.stdout.toString()).toBe('')
  })

  test.for([
    [{ BRXY_IDLE: 'soon' }, 'BRXY_IDLE: "soon"'],
    [{ BRXY_TCP: 'true', BRXY_H2C: 'true' }, 'BRXY_H2C: cannot be given with BRXY_TCP'],
    [{ BRXY_TCP: 'true', BRXY_HEALTH: '/' }, 'BRXY_HEALTH: cannot be given with BRXY_TCP'],
    [{ BRXY_TOKEN_FILE: '/nonexistent/token' }, 'cannot read the file "/nonexistent/token"'],
  ] as const)('a mistake in the environment is bad configuration: %j', async ([env, message]) => {
    const run = linker.run(['-r', 'a', '--', 'true'], env)
    expect(await run.ends()).toBe(78)
    expect(run.stderr).toContain(message)
  })

  test('a flag that contradicts a variable is a usage error', async () => {
    const run = linker.run(['-r', 'a', '--tcp', '--', 'true'], { BRXY_H2C: 'true' })
    expect(await run.ends()).toBe(2)
    expect(run.stderr).toContain('--tcp: cannot be given with BRXY_H2C')
  })

  test('words after the command are the application’s as they are, with and without --', async () => {
    const script = 'require("node:fs").writeSync(1, process.argv.slice(1).join(" ")); process.exit(9)'
    const words = [process.execPath, '-e', script, 'a', '--help', '-c', '1.10', '0x10', '1e3']
    for (const command of [['--', ...words], words]) {
      const run = linker.run(['-e', edge.address, '-r', 'shop', ...command])
      expect(await run.ends()).toBe(9)
      expect(run.stdout.toString()).toBe('a --help -c 1.10 0x10 1e3')
    }
  })
})

describe('the environment', () => {
  const APP = `require('node:http').createServer((request, answer) => {
    answer.end(JSON.stringify(process.env))
  }).listen(Number(process.env.PORT), '127.0.0.1')`
  const NODE_APP = ['--', process.execPath, '-e', APP]

  test('says the same as flags do, and the application does not see the token', async () => {
    linker.run(NODE_APP, {
      ROUTE: 'from.route',
      BRXY_EDGE: `ws://${edge.address}`,
      BRXY_TOKEN: 'from-env',
      BRXY_CONCURRENCY: '3',
      BRXY_LAUNCH: 'launch-7',
    })
    const session = await edge.granted(3)
    expect(session.hello).toMatchObject({ route: 'from.route', launch: 'launch-7' })
    expect(edge.tokens).toEqual(['Bearer from-env'])
    const env = JSON.parse((await session.get()).text)
    expect([env.BRXY_TOKEN, env.BRXY_LAUNCH]).toEqual([undefined, 'launch-7'])
  })

  test('gives way to flags, also where it names a file for the token', async () => {
    const file = join(linker.folder, 'other-token')
    writeFileSync(file, 'from-file\n')
    const flags = ['-e', edge.address, '-r', 'from-flag', '-c', '2', '--token', 'from-flag']
    const env = { ROUTE: 'from-env', BRXY_ROUTE: 'from-env', BRXY_CONCURRENCY: '3', BRXY_TOKEN_FILE: file }
    linker.run([...flags, ...NODE_APP], env)
    expect((await edge.granted(2)).hello?.route).toBe('from-flag')
    expect(edge.tokens).toEqual(['Bearer from-flag'])
  })
})
