import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { CompiledLinker } from './linker-process.testkit.ts'
import { TestEdge } from './tunnel/edge.testkit.ts'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 })

/** Runs in the linker before its first module: notes what is loaded, and between it what is spawned. */
const PRELOAD = `
const childProcess = require('node:child_process')
const fs = require('node:fs')
const { basename } = require('node:path')
const Module = require('node:module')
const note = (what) => fs.appendFileSync(process.env.LOAD_LOG, what + '\\n')
const { _load: load } = Module
Module._load = function (specifier, ...rest) {
  note(specifier)
  return load.call(this, specifier, ...rest)
}
const read = fs.readFileSync
fs.readFileSync = (file, ...rest) => {
  if (/bundle-[^/]+$/.test(file)) note('./' + basename(file))
  return read(file, ...rest)
}
const { getBuiltinModule } = process
process.getBuiltinModule = (name) => {
  note(name)
  return getBuiltinModule(name)
}
const { performance } = globalThis
Object.defineProperty(globalThis, 'performance', { get: () => (note('performance'), performance) })
const { spawn } = childProcess
childProcess.spawn = (command, ...rest) => {
  note('spawn ' + command)
  return spawn(command, ...rest)
}
`

let compiled: CompiledLinker
let edge: TestEdge

beforeAll(async () => {
  compiled = new CompiledLinker()
  edge = await TestEdge.start()
})
afterEach(() => compiled.end())
afterAll(async () => {
  await edge.close()
  compiled.remove()
})

/** What a linker loaded, and what it spawned meanwhile, in order. */
async function loads(...flags: string[]): Promise<string[]> {
  const log = join(compiled.folder, 'loads.txt')
  const preload = join(compiled.folder, 'preload.cjs')
  writeFileSync(log, '')
  writeFileSync(preload, PRELOAD)
  const env = { LOAD_LOG: log, NODE_OPTIONS: `--require ${preload}` }
  const linker = compiled.run(['-e', edge.address, '-r', 'shop', ...flags, '--', 'sh', '-c', 'exit 3'], env)
  expect(await linker.ends(), linker.stderr).toBe(3)
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n')
  return lines.slice(lines.findIndex((line) => line.endsWith('brxy-link')) + 1)
}

const APPLICATION = 'spawn sh'
const files = (loaded: readonly string[]) => loaded.filter((specifier) => specifier.startsWith('./'))

it('starts the application before it loads the tunnel, the HTTP path or ws; each of the two is one file', async () => {
  const order = await loads()
  const spawnedAt = order.indexOf(APPLICATION)
  expect(files(order.slice(0, spawnedAt))).toEqual(['./bundle-main.cjs', './bundle-start.cjs'])
  expect(files(order.slice(spawnedAt))).toEqual(['./bundle-linker.cjs'])
})

it('starts nothing before the application but its guard, and nothing behind it', async () => {
  const order = await loads()
  const spawned = order.filter((line) => line.startsWith('spawn '))
  expect(spawned).toEqual(['spawn /bin/sh', APPLICATION])
})

it('loads node:crypto while the guard makes the pipes of the application', async () => {
  const order = await loads()
  expect(order.indexOf('node:crypto')).toBeGreaterThan(order.indexOf('spawn /bin/sh'))
  expect(order.indexOf('node:crypto')).toBeLessThan(order.indexOf(APPLICATION))
})

it('loads neither node:http, TLS nor compression for a tunnel that needs none of them', async () => {
  const order = await loads()
  expect(order).toContain('./bundle-linker.cjs')
  for (const name of ['http', 'tls', 'https', 'zlib', 'querystring', 'bufferutil']) {
    expect(order).not.toContain(name)
    expect(order).not.toContain(`node:${name}`)
  }
})

it('tells the time without node:perf_hooks, which the first use of performance.now() loads', async () => {
  const order = await loads()
  expect(order).toContain('./bundle-linker.cjs')
  expect(order).not.toContain('performance')
})

it('loads node:http2 for an application that speaks it, after its start, and for no other', async () => {
  expect(await loads()).not.toContain('node:http2')
  const order = await loads('--h2c')
  expect(order.indexOf('node:http2')).toBeGreaterThan(order.indexOf(APPLICATION))
})

it('asks for the addresses of an edge that has a name', async () => {
  const flags = ['-e', 'edge.invalid:9080', '-r', 'shop', '--log', 'json']
  const linker = compiled.run([...flags, '--', 'sleep', '60'])
  // Whatever a resolver says of a name that nobody has: RFC 6761 6.4.
  expect((await linker.logs('cannot reach the edge')).reason).toMatch(
    /^edge\.invalid:9080: (getaddrinfo|no answer)/,
  )
})

it('has no import() in what is loaded without one', () => {
  const folder = join(compiled.folder, 'dist')
  const bundles = readdirSync(folder).filter((name) => /^bundle-.*\.cjs$/.test(name))
  expect(bundles).toContain('bundle-linker.cjs')
  const importing = bundles.filter((name) => /\bimport\(/.test(readFileSync(join(folder, name), 'utf8')))
  expect(importing).toEqual([])
})

it('loads what a control socket needs for those who want one, before their application, which is told of it', async () => {
  const file = './bundle-control-socket.cjs'
  expect(await loads()).not.toContain(file)
  const order = await loads('--control', join(compiled.folder, 'link.sock'))
  expect(order.indexOf(file)).toBeGreaterThan(0)
  expect(order.indexOf(file)).toBeLessThan(order.indexOf(APPLICATION))
})

it('keeps compiled code for its user, once for all starts', async () => {
  const env = { XDG_CACHE_HOME: join(compiled.folder, 'cache') }
  const own = join(env.XDG_CACHE_HOME, 'brxy', `${process.version}-${process.arch}`)
  const kept = async () => {
    const linker = compiled.run(['-e', edge.address, '-r', 'shop', '--', 'sh', '-c', 'exit 3'], env)
    expect(await linker.ends(), linker.stderr).toBe(3)
    return Object.fromEntries(readdirSync(own).map((name) => [name, statSync(join(own, name)).ino]))
  }
  const first = await kept()
  expect(Object.keys(first).sort()).toEqual(['bundle-linker.cjs', 'bundle-start.cjs'])
  // What is of no use, for it was made with other flags, say, would be made anew.
  expect(await kept()).toEqual(first)
})
