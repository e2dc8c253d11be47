import { existsSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { linkerWorld } from './linker-world.testkit.ts'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 })

/** An application for `node -e`: tells where its linker's control socket is. */
const APP = `
  const { createServer } = require('node:http')
  createServer((request, response) => response.end(process.env.BRXY_CONTROL ?? 'none'))
    .listen(process.env.PORT, '127.0.0.1')
`
const NODE_APP = ['--', process.execPath, '-e', APP]

const world = linkerWorld()
const { link } = world

function putSlots(socketPath: string, body: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: '/slots', method: 'PUT', agent: false }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode))
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

describe('--control', () => {
  it('lets the application say how many requests it wants, and goes with the linker', async () => {
    const path = join(world.compiled.folder, 'link.sock')
    const linker = link(['--control', path, ...NODE_APP])
    const session = await world.edge.granted(1)
    expect((await session.get()).text).toBe(path)
    expect(await putSlots(path, '3')).toBe(200)
    await world.edge.granted(3)
    linker.signal('SIGTERM')
    expect(await linker.ends()).toBe(0)
    expect(existsSync(path)).toBe(false)
  })

  it('is of each instance its own in a folder; the application is told', async () => {
    const linker = link(['-c', '2', ...NODE_APP], { BRXY_CONTROL: world.compiled.folder })
    const session = await world.edge.granted(2)
    const { text } = await session.get()
    expect(text).toBe(join(world.compiled.folder, `brxy-${linker.pid}.sock`))
    expect(await putSlots(text, '0')).toBe(200)
    await world.edge.granted(0)
  })

  it('ends a linker that cannot make it with 69, before its application is started', async () => {
    const path = join(world.compiled.folder, 'a-file')
    writeFileSync(path, '')
    const linker = link(['--control', path, ...NODE_APP])
    expect(await linker.ends()).toBe(69)
    expect(linker.stderr).toMatch(
      /^brxy link: the control socket .*a-file exists and is no socket; .* \(link\/control\)\n$/,
    )
    expect(world.edge.sessions).toEqual([])
  })

  it('tells the edge that launched it why it cannot be made', async () => {
    const linker = link(['--control', '/no-such-folder/link.sock', ...NODE_APP], { BRXY_LAUNCH: 'l-1' })
    expect(await linker.ends()).toBe(69)
    const { statuses } = await world.edge.session()
    expect(statuses).toMatchObject([{ phase: 'failed', exitCode: 69 }])
    expect(statuses[0]?.reason).toContain('/no-such-folder/link.sock cannot be made')
  })
})
