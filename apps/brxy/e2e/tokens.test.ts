import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  BRXY,
  brxy,
  EdgeProcess,
  eventually,
  expectNoLeftovers,
  type Running,
  runToEnd,
  tempDir,
} from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodeApp } from './apps.ts'

let edge: EdgeProcess
let dir: ReturnType<typeof tempDir>
let linkers: Running[]

beforeEach(async () => {
  dir = tempDir()
  linkers = []
  edge = await EdgeProcess.start()
})

afterEach(async () => {
  for (const linker of linkers) await linker.stop()
  await edge.close()
  dir.remove()
  await expectNoLeftovers()
})

/** A linker that a person starts. */
function link(env: Record<string, string>, route = 'shop.test'): Running {
  const words = ['link', '-e', edge.tunnel, '-r', route, '--log', 'text', '--', ...nodeApp('echo')]
  const linker = brxy(words, { env })
  linkers.push(linker)
  return linker
}

async function token(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await runToEnd(process.execPath, [BRXY, 'token', ...words])
  expect(code, stderr).toBe(0)
  expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
  return stdout.trim()
}

const ofEdge = (...words: string[]) => token('--state-dir', edge.stateDir, ...words)

/** It ended with 77 and said why, and so did the edge. */
async function expectRefused(linker: Running, code: string, text: string): Promise<void> {
  expect(await linker.ends(), linker.output).toEqual({ code: 77, signal: null })
  expect(linker.stderr).toContain(code)
  expect(linker.stderr).toContain(text)
  expect(await edge.event('rejected')).toMatchObject({ level: 'warn', code })
  expect((await edge.status()).apps).toEqual([])
}

describe('a linker that is started by hand', () => {
  it('serves a route with a token for it', async () => {
    const linker = link({ BRXY_TOKEN: await ofEdge('--route', 'shop.test') })
    await edge.event('ready', ({ app }) => app === 'shop.test')
    const answer = await edge.ask('/', { host: 'shop.test' })
    expect(answer.json()).toMatchObject({ headers: { host: 'shop.test' }, env: { BRXY_TOKEN: null } })
    expect(await linker.stop()).toEqual({ code: 0, signal: null })
  })

  it('serves any route of a token for several, or for all', async () => {
    link({ BRXY_TOKEN: await ofEdge('-r', 'a.test', '-r', 'b.test') }, 'b.test')
    link({ BRXY_TOKEN: await ofEdge('-r', '*') }, 'c.test')
    for (const host of ['b.test', 'c.test']) {
      await edge.event('ready', ({ app }) => app === host)
      expect((await edge.ask('/', { host })).json().headers.host).toBe(host)
    }
  })

  it('reads its token from a file', async () => {
    const file = join(dir.path, 'token')
    writeFileSync(file, `${await ofEdge('-r', 'shop.test')}\n`)
    link({ BRXY_TOKEN_FILE: file })
    await edge.event('ready')
  })

  it('is refused without a token', async () => {
    await expectRefused(link({}), 'token/missing', 'brxy token')
  })

  it('is refused with a token for another route', async () => {
    const linker = link({ BRXY_TOKEN: await ofEdge('-r', 'other.test') })
    await expectRefused(linker, 'token/foreign-route', 'the token allows other.test, not shop.test')
  })

  it('is refused with a token that somebody else signed', async () => {
    mkdirSync(join(dir.path, 'state'))
    const forged = await token('-r', 'shop.test', '--state-dir', join(dir.path, 'state'))
    await expectRefused(link({ BRXY_TOKEN: forged }), 'token/forged', 'not signed with the secret')
  })

  it('is refused with something that is no token at all', async () => {
    await expectRefused(link({ BRXY_TOKEN: 'let-me-in' }), 'token/forged', '')
  })

  it('is refused with an expired token', async () => {
    const short = await ofEdge('-r', 'shop.test', '--ttl', '1s')
    const { exp } = JSON.parse(Buffer.from(short.split('.')[1], 'base64url').toString()) as { exp: number }
    await eventually('the token expires', () => Date.now() >= (exp + 1) * 1000)
    await expectRefused(link({ BRXY_TOKEN: short }), 'token/expired', 'the token expired at')
  })
})

describe('the secret', () => {
  it('is made in the state directory, readable by its owner only', () => {
    expect(statSync(join(edge.stateDir, 'secret')).mode & 0o777).toBe(0o600)
  })

  it('is found by `brxy token` in BRXY_STATE_DIR, STATE_DIRECTORY and the XDG state directory', async () => {
    mkdirSync(join(dir.path, 'brxy'), { mode: 0o700 })
    const environments = [
      { BRXY_STATE_DIR: edge.stateDir },
      { STATE_DIRECTORY: edge.stateDir },
      { XDG_STATE_HOME: dir.path },
    ]
    writeFileSync(join(dir.path, 'brxy/secret'), 'a secret that an operator chose')
    const signatures: string[] = []
    for (const env of environments) {
      const made = await runToEnd(process.execPath, [BRXY, 'token', '-r', 'shop.test'], { env })
      expect(made.code, made.stderr).toBe(0)
      signatures.push(made.stdout.trim())
    }
    link({ BRXY_TOKEN: signatures[0] })
    await edge.event('ready')
    link({ BRXY_TOKEN: signatures[1] })
    await edge.event('ready', undefined, 2)
    await link({ BRXY_TOKEN: signatures[2] }).prints(/token\/forged/)
  })

  it('of a launch is not in any line of the log', async () => {
    const made = await ofEdge('-r', 'shop.test')
    link({ BRXY_TOKEN: made })
    await edge.event('ready')
    for (const linker of linkers) expect(linker.output).not.toContain(made)
    expect(edge.output).not.toContain(made)
  })
})
