import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { EdgeProcess, expectNoLeftovers } from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { linked, nodeApp } from './apps.ts'
import { asYaml, ConfigFile, launched } from './config-file.ts'

let file: ConfigFile
let edge: EdgeProcess

beforeEach(() => {
  file = new ConfigFile()
})

afterEach(async () => {
  await edge.close()
  file.remove()
  await expectNoLeftovers()
})

const scaler = launched(linked(nodeApp('echo')))
const serving = (host: string) => asYaml({ shop: { hosts: [host], scaler } })

async function watch(path: string): Promise<void> {
  edge = await EdgeProcess.start({ file: path, flags: ['--watch'] })
}

/** Waits for the nth reload; the host is served, and by the instance that runs. */
async function serves(host: string, reloads: number): Promise<number> {
  await edge.event('reloaded', undefined, reloads)
  const answer = await edge.ask('/', { host })
  expect(answer.status, answer.text).toBe(200)
  expect(edge.matching('launching').length).toBe(1)
  return answer.json().pid
}

describe('--watch', () => {
  it('reloads a file that is written in place, or replaced; one that is wrong or gone changes nothing', async () => {
    file.write(serving('one.test'))
    await watch(file.path)
    file.write(serving('two.test'))
    const pid = await serves('two.test', 1)
    renameSync(file.beside('new.yaml', serving('three.test')), file.path)
    expect(await serves('three.test', 2)).toBe(pid)
    file.write('version: 1\napps: { shop: { max: ten } }\n')
    expect((await edge.event('reload failed')).problems).toEqual([
      expect.stringContaining(':2:22: apps.shop.max: '),
    ])
    expect(await serves('three.test', 2)).toBe(pid)
    rmSync(file.path)
    file.write(serving('four.test'))
    expect(await serves('four.test', 3)).toBe(pid)
    // Each change was read once.
    expect(edge.matching('reload failed').length).toBe(1)
  })

  it('reloads when a mounted ConfigMap is swapped, which changes a link two steps away', async () => {
    const { directory } = file
    const version = (name: string, text: string) => file.beside(`${name}/brxy.yaml`, text)
    version('..v1', serving('one.test'))
    symlinkSync('..v1', join(directory, '..data'))
    symlinkSync(join('..data', 'brxy.yaml'), file.path)
    await watch(file.path)
    expect((await edge.ask('/', { host: 'one.test' })).status).toBe(200)
    version('..v2', serving('two.test'))
    // As the kubelet does it.
    symlinkSync('..v2', join(directory, '..data_tmp'))
    renameSync(join(directory, '..data_tmp'), join(directory, '..data'))
    rmSync(join(directory, '..v1'), { recursive: true })
    await serves('two.test', 1)
    expect((await edge.ask('/', { host: 'one.test' })).status).toBe(404)
  })

  it('sees what the file names: secrets and error pages', async () => {
    const page = (text: string) => file.beside('pages/404.html', text)
    mkdirSync(join(file.directory, 'pages'))
    page('before')
    file.beside('token', 'a-token-of-the-operator')
    file.set(
      {},
      { defaults: { errorPages: 'pages' }, admin: { bind: '127.0.0.1:0', token: { file: 'token' } } },
    )
    await watch(file.path)
    const shown = async () => (await edge.ask('/', { headers: { accept: 'text/html' } })).text
    expect(await shown()).toBe('before')
    page('after')
    await edge.event('reloaded')
    expect(await shown()).toBe('after')
    file.beside('token', 'another-token-of-the-operator')
    await edge.event('reloaded', undefined, 2)
    const headers = { authorization: 'Bearer another-token-of-the-operator' }
    const answer = await fetch(`http://${edge.admin}/v1/reload`, { method: 'POST', headers })
    expect(answer.status).toBe(200)
  })
})
