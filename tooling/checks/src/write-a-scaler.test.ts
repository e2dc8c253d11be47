import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
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

const PAGE = 'docs/write-a-scaler.md'
const MAX_ADAPTER_LINES = 30
/** The kit's own pace, of which 30 s are watched; a busy machine takes several times the rest. */
const KIT_MS = 300_000

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
      const from = '        const there ='
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
      const env = { BRXY_PORT: '0', BRXY_ADMIN: '127.0.0.1:0', BRXY_STATE_DIR: state, BRXY_LOG: 'json' }
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
