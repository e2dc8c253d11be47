import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RawClient } from './client.testkit.ts'
import type { Edge } from './edge.ts'
import { Tokens } from './token/tokens.ts'

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const blocks = [...README.matchAll(/```ts\n(.*?)```/gs)].map(([, text]) => text)

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'brxy-readme-'))
  // What an example makes goes with ours.
  vi.stubEnv('TMPDIR', dir)
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  rmSync(dir, { recursive: true, force: true })
})

/** Runs a block against the sources of the packages, on free ports. */
async function run(index: number): Promise<Record<string, unknown>> {
  const source = (name: string) => new URL(`../../${name}/src/index.ts`, import.meta.url).pathname
  const file = join(dir, `readme-${index}.ts`)
  writeFileSync(
    file,
    blocks[index]
      .replace(/'@brxy\/([a-z-]+)'/g, (_, name) => `'${source(name)}'`)
      .replace(/'(localhost|127\.0\.0\.1):\d+'/g, "'127.0.0.1:0'"),
  )
  return import(/* @vite-ignore */ pathToFileURL(file).href)
}

describe('README.md', () => {
  it('has an example that listens, and starts its command when somebody asks', async () => {
    // There is no brxy-link on this PATH, and that is what the example has to say.
    vi.stubEnv('PATH', dir)
    const printed: string[] = []
    vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line))
    const edge = (await run(0)).edge as Edge
    const port = Number(/^clients connect to 127\.0\.0\.1:(\d+)$/.exec(printed[0])?.[1])
    const client = new RawClient(port).get()
    expect(await client.until('}')).toMatch(/^HTTP\/1.1 503 [\s\S]*edge\/cannot-start/)
    expect(printed.slice(1)).toEqual([
      'shop: 1 held, starting copy 1',
      expect.stringMatching(/^shop\/1: .*brxy-link/),
    ])
    client.close()
    await edge.stop()
  })

  it('has an example that makes a token', async () => {
    const { tokenFor } = (await run(1)) as { tokenFor(dir: string, route: string): Promise<string> }
    const token = await tokenFor(dir, 'shop')
    const secret = new TextEncoder().encode(readFileSync(join(dir, 'secret'), 'utf8').trim())
    expect(await new Tokens(secret).verify(token)).toEqual({ routes: ['shop'] })
  })
})
