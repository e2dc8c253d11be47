import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  BRXY,
  EdgeProcess,
  eventually,
  expectNoLeftovers,
  freePorts,
  hasPeer,
  Marathon,
  runToEnd,
  tempDir,
  testEnvironment,
} from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodeApp } from './apps.ts'

const RECIPE = fileURLToPath(new URL('../../../examples/mesos', import.meta.url))
const HALF_A_YEAR_S = 182 * 24 * 3_600

let marathon: Marathon
let folder: ReturnType<typeof tempDir>
let edge: EdgeProcess | null = null

beforeEach(async () => {
  folder = tempDir()
  marathon = new Marathon()
  await marathon.listen()
})

afterEach(async () => {
  // Tasks outlive their edge, also one that does not end as it should.
  await marathon.close().finally(() => edge?.close())
  edge = null
  await expectNoLeftovers(20_000)
  folder.remove()
})

/** The files of the recipe, as they stand but for hosts, ports and the path of the token. @returns where they are */
async function copyOfRecipe(): Promise<string> {
  const at = join(folder.path, 'mesos')
  cpSync(RECIPE, at, { recursive: true })
  const [tunnel] = await freePorts(1)
  const own: readonly [string, string][] = [
    ['http://marathon.example.com:8080', marathon.address],
    ['10.0.0.5:9080', `127.0.0.1:${tunnel}`],
    ['":9080"', `"127.0.0.1:${tunnel}"`],
    ['":8080"', '"127.0.0.1:0"'],
    ['/run/secrets/brxy-token', join(at, 'token')],
  ]
  for (const name of ['app.json', 'brxy.yaml', 'README.md']) {
    const path = join(at, name)
    writeFileSync(
      path,
      own.reduce((text, [from, to]) => text.replaceAll(from, to), readFileSync(path, 'utf8')),
    )
  }
  return at
}

/** What a reader brings: brxy and an application, on the machines where tasks run. @returns the PATH there */
function prepareAgent(): string {
  const bin = join(folder.path, 'bin')
  mkdirSync(bin)
  symlinkSync(BRXY, join(bin, 'brxy'))
  const [, app, ...words] = nodeApp('together', { folder: join(folder.path, 'together') })
  const text = `process.argv.push(...${JSON.stringify(words)})\nimport(${JSON.stringify(app)})\n`
  writeFileSync(join(folder.path, 'shop.js'), text)
  const PATH = `${bin}:${testEnvironment().PATH}`
  Object.assign(marathon.agent, { cwd: folder.path, env: { PATH, BRXY_IDLE: '500ms' } })
  return PATH
}

describe.skipIf(!hasPeer('curl'))('Marathon, by the recipe of examples/mesos', () => {
  it('goes from zero to three tasks and back, again and again', async () => {
    const at = await copyOfRecipe()
    const PATH = prepareAgent()
    const env = { BRXY_STATE_DIR: join(at, 'state'), BRXY_ADMIN: '127.0.0.1:0' }
    const readme = readFileSync(join(at, 'README.md'), 'utf8')
    const lines = /^```sh\n(.*?)^```$/ms.exec(readme)?.[1].trimEnd().split('\n') ?? []
    expect(lines.pop()).toBe('brxy edge -f brxy.yaml')
    const prepared = await runToEnd('sh', ['-ec', lines.join('\n')], { cwd: at, env: { ...env, PATH } })
    expect(prepared.code, prepared.stderr).toBe(0)
    const running = await EdgeProcess.start({ file: join(at, 'brxy.yaml'), env })
    edge = running
    expect(marathon.running('shop')).toEqual([])

    for (const round of ['first', 'second']) {
      const paths = [1, 2, 3].map((which) => `/${round}/3/${which}`)
      const answers = await Promise.all(paths.map((path) => running.ask(path)))
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
      expect(new Set(answers.map(({ text }) => text)).size).toBe(3)
      await eventually(`no task is left, ${round}`, () => marathon.running('shop').length === 0, 40_000)
      await eventually('none is known', async () => (await running.status()).apps[0].instances.length === 0)
    }
    expect(running.matching('launch failed')).toEqual([])
    expect(running.matching('start-failed')).toEqual([])
    // It has to be good for every task that Marathon starts until somebody renews it.
    const [, claims] = readFileSync(join(at, 'token'), 'utf8').split('.')
    const { iat, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, number>
    expect(exp - iat).toBeGreaterThan(HALF_A_YEAR_S)
  })
})
