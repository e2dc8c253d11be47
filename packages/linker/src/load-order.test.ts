import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { CompiledLinker } from './linker-process.testkit.ts'
import { TestEdge } from './tunnel/edge.testkit.ts'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 })

const SPAWN = 'spawn'

/** Runs in the thread of the module hooks, before a module is loaded: notes what was imported. */
const HOOKS = `
import { appendFileSync } from 'node:fs'
export function resolve(specifier, context, next) {
  appendFileSync(process.env.LOAD_LOG, specifier + '\\n')
  return next(specifier, context)
}
`

/** Runs in the linker before its first module: notes the application's spawn, between the imports before and after. */
const PRELOAD = `
import childProcess from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { register, syncBuiltinESMExports } from 'node:module'
register('./hooks.mjs', import.meta.url)
const { spawn } = childProcess
childProcess.spawn = (...args) => {
  appendFileSync(process.env.LOAD_LOG, '${SPAWN}\\n')
  return spawn(...args)
}
syncBuiltinESMExports()
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

/** What a linker imported, and the spawn of its application among it, in order. */
async function loads(...flags: string[]): Promise<string[]> {
  const log = join(compiled.folder, 'loads.txt')
  const preload = join(compiled.folder, 'preload.mjs')
  writeFileSync(log, '')
  writeFileSync(join(compiled.folder, 'hooks.mjs'), HOOKS)
  writeFileSync(preload, PRELOAD)
  const env = { LOAD_LOG: log, NODE_OPTIONS: `--import ${pathToFileURL(preload).href}` }
  const linker = compiled.run(['-e', edge.address, '-r', 'shop', ...flags, '--', 'sh', '-c', 'exit 3'], env)
  expect(await linker.ends(), linker.stderr).toBe(3)
  return readFileSync(log, 'utf8').trimEnd().split('\n')
}

it('starts the application before it loads the tunnel, the HTTP path or ws; each of the two is one file', async () => {
  const order = await loads()
  const spawnedAt = order.indexOf(SPAWN)
  const files = (specifiers: string[]) =>
    specifiers.filter((specifier) => !/^(node:|file:|\/)/.test(specifier))
  expect(files(order.slice(0, spawnedAt))).toEqual(['../dist/bundle-main.js', './bundle-start.js'])
  const after = new Set(files(order.slice(spawnedAt)))
  after.delete('./bundle-start.js')
  expect([...after]).toEqual([SPAWN, './bundle-linker.js', './bundle-attached-application.js'])
})

it('loads node:http2 for an application that speaks it, after its start, and for no other', async () => {
  expect(await loads()).not.toContain('node:http2')
  const order = await loads('--h2c')
  expect(order.indexOf('node:http2')).toBeGreaterThan(order.indexOf(SPAWN))
})

it('loads what a control socket needs for those who want one, before their application, which is told of it', async () => {
  const file = './bundle-control-socket.js'
  expect(await loads()).not.toContain(file)
  const order = await loads('--control', join(compiled.folder, 'link.sock'))
  expect(order.indexOf(file)).toBeGreaterThan(0)
  expect(order.indexOf(file)).toBeLessThan(order.indexOf(SPAWN))
})
