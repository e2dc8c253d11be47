import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { tempDir } from '@brxy-tooling/testkit'
import { afterEach, expect, it, vi } from 'vitest'
import { codeBlocks } from './markdown.ts'
import { ROOT, read } from './tree.ts'

const TIMEOUT_MS = 20_000

vi.setConfig({ testTimeout: TIMEOUT_MS })

let remove = () => {}
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  remove()
})

/** Runs the TypeScript of a README, in order, against the sources of the packages. */
async function run(name: string) {
  const dir = tempDir()
  remove = dir.remove
  // Temporary directories that an example makes go with ours.
  vi.stubEnv('TMPDIR', dir.path)
  const printed: string[] = []
  vi.spyOn(console, 'log').mockImplementation((...parts) => void printed.push(parts.map(show).join(' ')))
  const modules: Record<string, unknown>[] = []
  const blocks = codeBlocks(read(`packages/${name}/README.md`)).filter(({ language }) => language === 'ts')
  for (const [at, { text }] of blocks.entries()) {
    const file = join(dir.path, `${name}-${at}.ts`)
    const source = (specifier: string) => `'${join(ROOT, 'packages', specifier, 'src/index.ts')}'`
    writeFileSync(
      file,
      text.replace(/'@brxy\/([a-z0-9-]+)'/g, (_, specifier) => source(specifier)),
    )
    modules.push(await import(/* @vite-ignore */ pathToFileURL(file).href))
  }
  return { printed, modules, text: blocks.map((block) => block.text).join('') }
}

function show(part: unknown): string {
  return typeof part === 'string' ? part : JSON.stringify(part)
}

it('the example of @brxy/options prints what its comments say', async () => {
  const { printed, text } = await run('options')
  const said = [...text.matchAll(/^console\.log\(.*\) \/\/ (.*)$/gm)].map(([, line]) => line)
  expect(said.length).toBeGreaterThan(1)
  // Node shows a list as `[ 'a', 'b' ]`.
  const list = (line: string) =>
    line.replace(/\[ (.*) \]/, (_, list: string) => `[${list.replaceAll("'", '"').replaceAll(', ', ',')}]`)
  expect(printed.slice(0, said.length)).toEqual(said.map(list))
})

it('the example of @brxy/scaler is a scaler', async () => {
  const { modules } = await run('scaler')
  const changed: string[] = []
  const host = { owner: 'o', stateDir: '', changed: (route: string) => changed.push(route), log: () => {} }
  // biome-ignore lint/suspicious/noExplicitAny: what the README exports.
  const app = (modules[0].default as any)({}, host).app('shop', {})
  const [instance] = await app.scale(
    { want: 1, start: [{ id: 'l1', env: {} }], remove: [] },
    AbortSignal.timeout(1_000),
  )
  expect(instance).toMatchObject({ launch: 'l1', state: 'ended', problem: { final: true } })
  expect(changed).toEqual(['shop'])
})

it('the example of @brxy/scaler-shell starts its command', async () => {
  const { printed } = await run('scaler-shell')
  await vi.waitFor(
    () =>
      expect(printed).toEqual(
        expect.arrayContaining(['serving shop.example.com', 'changed: shop.example.com']),
      ),
    TIMEOUT_MS,
  )
})

it('the example of @brxy/scaler-docker makes an app without asking an Engine', async () => {
  const { printed } = await run('scaler-docker')
  expect(printed).toEqual(['named exit'])
})
