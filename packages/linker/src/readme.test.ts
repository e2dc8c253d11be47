import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { until } from './app/processes.testkit.ts'
import type { Linker } from './linker.ts'
import { linkerWorld } from './linker-world.testkit.ts'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 })

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

const world = linkerWorld()
afterEach(() => void vi.restoreAllMocks())

/** The first block of README.md in that language. */
function block(language: string): string {
  return new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(README)?.[1] ?? ''
}

describe('README.md', () => {
  it('has an image whose application is served', async () => {
    const server = join(world.compiled.folder, 'server.mjs')
    writeFileSync(server, block('js'))
    const command = JSON.parse(/^CMD (.*)$/m.exec(block('dockerfile'))?.[1] ?? '') as string[]
    expect(command[0]).toBe('brxy-link')
    const words = command.slice(1).map((word) => (word === 'server.mjs' ? server : word))
    world.compiled.run(words, { BRXY_EDGE: world.edge.address, ROUTE: 'shop', BRXY_TOKEN: 'secret' })
    const session = await world.edge.granted(4)
    expect(session.hello?.route).toBe('shop')
    expect((await session.get('/cart')).text).toBe('you asked for /cart\n')
  })

  it('has a program that links', async () => {
    const print = vi.spyOn(console, 'log').mockImplementation(() => {})
    const source = (name: string) => new URL(`../../${name}/src/index.ts`, import.meta.url).pathname
    const file = join(world.compiled.folder, 'readme.ts')
    const text = block('ts').replace(/'@brxy\/([a-z-]+)'/g, (_, name) => `'${source(name)}'`)
    writeFileSync(file, text.replace('127.0.0.1:9080', world.edge.address))
    const { linker } = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as { linker: Linker }
    const { hello } = await world.edge.session()
    expect(hello).toMatchObject({ route: 'shop.example.com', slots: 4 })
    // A linker that drains before WELCOME has come was never connected.
    await until('it says that it is connected', () => print.mock.calls.length > 0)
    linker.drain()
    expect(await linker.done).toBe(0)
    expect(print.mock.calls).toEqual([[`connected to ${world.edge.address}`]])
  })
})
