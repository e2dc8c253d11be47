import { copyFileSync, mkdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BRXY, EdgeProcess, eventually, expectNoLeftovers, freePorts, hasPeer } from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodeApp } from './apps.ts'
import { ConfigFile } from './config-file.ts'

const EXAMPLE = fileURLToPath(new URL('../../../examples/scaler-runit/runit.mjs', import.meta.url))
const COMMAND = [process.execPath, BRXY, 'link', '--idle', '500ms', '--', ...nodeApp('echo')]

let file: ConfigFile
let edge: EdgeProcess | null = null
let tunnel: string

beforeEach(async () => {
  file = new ConfigFile()
  const [port] = await freePorts(1)
  tunnel = `127.0.0.1:${port}`
})

afterEach(async () => {
  await edge?.close()
  edge = null
  await expectNoLeftovers(20_000)
  file.remove()
})

describe.skipIf(!hasPeer('runsv'))('a scaler in a file', () => {
  it('is found beside the configuration file that names it, checked, and starts and removes instances', async () => {
    mkdirSync(join(file.directory, 'scalers'))
    copyFileSync(EXAMPLE, join(file.directory, 'scalers/runit.mjs'))
    const app = (command: unknown) => ({ shop: { scaler: { './scalers/runit.mjs': { command } } } })
    const more = { tunnel: { bind: tunnel, advertise: tunnel } }

    file.set(app('brxy link'), more)
    const refused = await file.run(['check'])
    expect(refused.code).toBe(78)
    expect(refused.stderr).toContain('command: must be a list of texts')

    file.set(app(COMMAND), more)
    // Not from the directory of the file: names are relative to it all the same.
    const running = await EdgeProcess.start({ file: file.path })
    edge = running
    expect((await edge.ask('/', { host: 'any.test' })).status).toBe(200)
    await edge.event('left')
    await eventually(
      'no instance is left',
      async () => (await running.status()).apps[0].instances.length === 0,
    )
    expect((await edge.ask('/', { host: 'any.test' })).status).toBe(200)
  })

  it('is found by --scaler from where the command runs', async () => {
    const [clients, admin] = await freePorts(2)
    const port = Number(tunnel.split(':')[1])
    edge = await EdgeProcess.start({
      ports: { clients, tunnel: port, admin },
      flags: ['--scaler', `./${relative('.', EXAMPLE)}`, '--advertise', tunnel],
      command: COMMAND,
    })
    expect((await edge.ask('/', { host: 'shop.test' })).json().env.ROUTE).toBe('shop.test')
  })
})
