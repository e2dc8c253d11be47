import {
  ask,
  EdgeProcess,
  eventually,
  expectNoLeftovers,
  freePorts,
  hasPeer,
  Running,
} from '@brxy-tooling/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { textLog } from '../../../apps/brxy/src/log/text-log.ts'
import { codeBlocks } from './markdown.ts'
import { ROOT, read } from './tree.ts'

const hasPython = hasPeer('python3')
const TIMEOUT_MS = 60_000
/** Pages whose commands of the form `brxy edge ... -- brxy link ...` are run as they stand, but for the ports. */
const PAGES = ['README.md', 'examples/README.md', 'apps/brxy/README.md', 'docs/cli.md']
/** Programs of the reader's own. */
const INVENTED = /server\.js|start-instance/

const commands = new Set(
  PAGES.flatMap((page) => codeBlocks(read(page)))
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => text.split('\n'))
    .filter((line) => /^brxy edge .*-- /.test(line) && !INVENTED.test(line)),
)

describe('the commands of the pages', () => {
  let edge: EdgeProcess | null = null
  afterEach(async () => {
    await edge?.close()
    edge = null
    await expectNoLeftovers()
  })

  it.each([...commands])(
    '%s',
    async (line) => {
      if (line.includes('python3') && !hasPython) return
      const [before, ...after] = line.split(' -- ')
      const words = (text: string) => text.split(' ').map((word) => word.replaceAll("'", ''))
      const flags = words(
        before
          .replace(/^brxy edge/, '')
          .replace(/ -p \S+/, '')
          .trim(),
      ).filter((word) => word !== '')
      // Out of a copy of ours on any port, from the root, as the page says.
      edge = await EdgeProcess.start({ flags, command: words(after.join(' -- ')), env: { SECONDS: '0.1' } })
      const host = flags.includes('*.localhost') ? 'one.localhost' : 'localhost'
      expect((await ask(edge.port, '/', { host })).status).toBe(200)
    },
    TIMEOUT_MS,
  )
})

describe.each([
  ['examples/demo/app.mjs', process.execPath, true],
  ['examples/demo/app.py', 'python3', hasPython],
])('%s', (path, command, isThere) => {
  it.skipIf(!isThere)(
    'answers on PORT, one request at a time',
    async () => {
      const [port] = await freePorts(1)
      const app = new Running(command, [path], { cwd: ROOT, env: { PORT: `${port}`, SECONDS: '0.2' } })
      try {
        const url = `http://127.0.0.1:${port}`
        await eventually('the app listens', async () => (await fetch(url).catch(() => null))?.ok)
        const since = performance.now()
        const answers = await Promise.all(
          ['/a', '/b', '/c'].map(async (at) => (await fetch(url + at)).text()),
        )
        expect(performance.now() - since).toBeGreaterThan(550)
        expect(answers[0]).toMatch(/^hello from process \d+, GET \/a\n$/)
      } finally {
        await app.stop()
      }
      await expectNoLeftovers()
    },
    TIMEOUT_MS,
  )
})

describe('README.md', () => {
  it('shows the lines of the demo as brxy writes them', () => {
    const shown = codeBlocks(read('README.md')).find(({ language }) => language === 'text')?.text ?? ''
    const written: string[] = []
    const log = textLog('0', (line) => written.push(line))
    const app = 'localhost'
    const instance = 'localhost/1'
    log({ type: 'launching', app, copy: 1, launch: 'x', held: 1, replaces: null })
    log({ type: 'ready', app, instance, slots: 1, tookMs: 420 })
    const times = { tookMs: 3440, heldMs: 420 }
    log({
      type: 'request',
      app,
      instance,
      method: 'GET',
      target: '/request-1',
      status: 200,
      error: null,
      ...times,
    })
    log({ type: 'left', app, instance, reason: 'idle', message: '' })
    const shape = (line: string) => line.replace(/^[\d:]{8} /, '').replace(/\d+/g, '0')
    const [launching, ready, request, left] = written.map(shape)
    const lines = shown.split('\n').filter((line) => /^\d\d:/.test(line))
    expect(new Set(lines.map(shape))).toEqual(new Set([launching, ready, request]))
    expect(shape(read('README.md'))).toContain(left)
  })
})
