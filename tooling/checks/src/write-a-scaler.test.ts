import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { ScalerFactory } from '@brxy/scaler'
import {
  BRXY,
  brxy,
  eventually,
  expectNoLeftovers,
  freePorts,
  runToEnd,
  tempDir,
} from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { codeBlocks } from './markdown.ts'
import { ROOT, read } from './tree.ts'

const MOCHA = fileURLToPath(import.meta.resolve('mocha/bin/mocha.js'))
const PAGE = 'docs/write-a-scaler.md'
const MAX_ADAPTER_LINES = 30
/** The kit's own pace, of which 30 s are watched; a busy machine takes several times the rest. */
const KIT_MS = 300_000

/** After which mocha gives up a test that says nothing else. */
const MOCHA_MS = 2_000
/** What it says of a run, as JSON. */
interface Told {
  readonly stats: { readonly passes: number; readonly pending: number; readonly failures: number }
  readonly passes: readonly { readonly duration: number }[]
}

/** The platform of the page tells nobody that something ended; the edge looks each 30 s. */
const LOOKS_MS = 60_000
/** The application that the reader brings. */
const APP = `require('node:http').createServer((_, answer) => answer.end('hello')).listen(process.env.PORT)
`

const blocks = codeBlocks(read(PAGE))
/** Each module says its name in its first line. */
const modules = new Map(
  blocks
    .filter(({ language }) => language === 'js')
    .map(({ text }) => [/^\/\/ (\S+)\n/.exec(text)?.[1] ?? '', text]),
)
const [yaml] = blocks.filter(({ language }) => language === 'yaml')
const [failure] = blocks.filter(({ language }) => language === 'text')

/** The folder of a reader who has done as the page says. */
let folder: ReturnType<typeof tempDir>

beforeEach(() => {
  folder = tempDir()
  for (const [name, text] of modules) writeFileSync(join(folder.path, name), text)
  mkdirSync(join(folder.path, 'node_modules/@brxy'), { recursive: true })
  symlinkSync(join(ROOT, 'packages/scaler'), join(folder.path, 'node_modules/@brxy/scaler'))
  mkdirSync(join(folder.path, 'node_modules/.bin'))
  symlinkSync(BRXY, join(folder.path, 'node_modules/.bin/brxy'))
})

afterEach(async () => {
  // What is told to end at the end of a case is waited for by nobody, and SIGKILL comes after the 45 s of its grace.
  await expectNoLeftovers(60_000)
  folder.remove()
}, 70_000)

/** Runs `node --test mine.test.mjs`, with the cases that match. */
function kit(cases = '.') {
  const words = ['--test', '--test-reporter=spec', `--test-name-pattern=${cases}`, 'mine.test.mjs']
  return run(words)
}

function run(words: readonly string[]) {
  return runToEnd(process.execPath, words, { cwd: folder.path, timeoutMs: KIT_MS })
}

it('every block of the page is one that is run here', () => {
  expect([...modules.keys()]).toEqual(['platform.mjs', 'mine.mjs', 'mine.test.mjs'])
  expect(blocks.map(({ language }) => language)).toEqual(['js', 'js', 'yaml', 'sh', 'js', 'sh', 'text'])
})

it('the adapter of the page has thirty lines, as it says', () => {
  const lines = (modules.get('mine.mjs') ?? '').split('\n').slice(1)
  expect(lines.filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(MAX_ADAPTER_LINES)
})

describe('the adapter of the page', () => {
  /** A module of the page, in the folder of the reader. */
  const load = (name: string) => import(pathToFileURL(join(folder.path, name)).href)

  it('rejects with an error of brxy whatever its platform throws', async () => {
    const { default: mine } = (await load('mine.mjs')) as { default: ScalerFactory }
    const host = { owner: 'o', stateDir: folder.path, changed: () => {}, log: () => {} }
    const app = mine({}, host).app('shop', { command: ['true'] })
    const { signal } = new AbortController()
    writeFileSync(join(folder.path, 'processes'), 'no folder')
    const branded = { code: 'scaler/unavailable', [Symbol.for('brxy.error')]: true }
    const target = { want: 0, start: [], remove: [] }
    for (const call of [() => app.observe(signal), () => app.scale(target, signal)])
      expect(await call().catch((error: unknown) => error)).toMatchObject(branded)
  })

  it('stops what another call has stopped meanwhile', async () => {
    const { stop } = await load('platform.mjs')
    await expect(stop('brxy-gone')).resolves.toBeUndefined()
  })

  it(
    'passes the whole kit with the driver of the page',
    async () => {
      const { code, stdout } = await kit()
      expect(code, stdout).toBe(0)
      const count = (what: string) => Number(new RegExp(`${what} (\\d+)$`, 'm').exec(stdout)?.[1])
      expect(count('fail')).toBe(0)
      expect(count('pass')).toBeGreaterThan(20)
    },
    KIT_MS,
  )

  it(
    'fails as the page shows when it forgets what has ended',
    async () => {
      const [name, told] = failure.text.trimEnd().split('\n')
      const from = '        for (const { id } of await'
      const forgets = `
        const { rm } = await import('node:fs/promises')
        for (const { id, state } of await observe(signal))
          if (state === 'ended') await rm(new URL('processes/' + id, import.meta.url), { recursive: true })
`
      const adapter = modules.get('mine.mjs') ?? ''
      expect(adapter).toContain(from)
      writeFileSync(join(folder.path, 'mine.mjs'), adapter.replace(from, forgets + from))
      const { code, stdout } = await kit(name.slice('mine: '.length))
      expect(code, stdout).toBe(1)
      expect(stdout).toContain(name)
      const shape = (line: string) =>
        line
          .trim()
          .replace(/brxy-[0-9a-f]+/g, 'ID')
          .replace(/\d+/g, '0')
      expect(stdout.split('\n').map((line) => shape(line.replace(/^.*Error: /, '')))).toContain(shape(told))
    },
    KIT_MS,
  )

  it(
    'is tested by mocha, too, and longer than its limit',
    async () => {
      const text = modules.get('mine.test.mjs') ?? ''
      const [from, to] = [`import { after, test } from 'node:test'`, `const { after, it: test } = globalThis`]
      expect(text).toContain(from)
      const watched = text.replace(from, to).replace("name: 'mine',", '$&\n  times: { watchMs: 4_000 },')
      writeFileSync(join(folder.path, 'mine.test.mjs'), watched)
      const cases =
        'byte for byte|does not start a launch again that has ended|skipped: its driver has no graceMs'
      const { code, stdout, stderr } = await run([
        MOCHA,
        '--reporter=json',
        `--grep=${cases}`,
        'mine.test.mjs',
      ])
      expect(code, stdout + stderr).toBe(0)
      const { stats, passes } = JSON.parse(stdout) as Told
      expect(stats).toMatchObject({ passes: 2, pending: 1, failures: 0 })
      expect(Math.max(...passes.map(({ duration }) => duration))).toBeGreaterThan(MOCHA_MS)
    },
    KIT_MS,
  )

  it(
    'has one instance started for a request, and removed when it has left, by the file of the page',
    async () => {
      const [tunnel] = await freePorts(1)
      // As it stands, but for the port, which others may have, and the minute until it leaves.
      const text = yaml.text
        .replaceAll(':9080', `:${tunnel}`)
        .replace('link, --,', 'link, --idle, 500ms, --,')
      expect(text).toContain('--idle')
      writeFileSync(join(folder.path, 'brxy.yaml'), text)
      writeFileSync(join(folder.path, 'app.js'), APP)
      const state = join(folder.path, 'state')
      const own = { BRXY_PORT: '0', BRXY_ADMIN: '127.0.0.1:0', BRXY_STATE_DIR: state, BRXY_LOG: 'json' }
      // A busy machine, on which the first one takes its time, is no reason for another one.
      const env = { ...own, BRXY_PATIENCE: '60s' }
      const check = brxy(['check', 'brxy.yaml'], { cwd: folder.path, env })
      expect((await check.ends()).code, check.output).toBe(0)

      const edge = brxy(['edge', '-f', 'brxy.yaml'], { cwd: folder.path, env })
      try {
        const [, port] = await edge.prints(/"clients":\["[^"]*:(\d+)"\]/)
        expect(processes()).toEqual([])
        expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('hello')
        expect(processes()).toHaveLength(1)
        await eventually('what left is removed', () => processes().length === 0, LOOKS_MS)
      } finally {
        await edge.stop()
      }
    },
    KIT_MS,
  )
})

/** What the platform of the page keeps. */
function processes(): string[] {
  const path = join(folder.path, 'processes')
  return existsSync(path) ? readdirSync(path) : []
}
