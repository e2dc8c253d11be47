import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expectNoLeftovers, freePorts, markedProcesses, Running } from '@brxy-tooling/testkit'
import { afterEach, describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
/** What the README tells somebody to type who has nothing but Node. */
const { packageManager } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
/** Package managers look at everything they have installed before they run a script. */
const START_MS = 60_000

let demo: Running

afterEach(async () => {
  try {
    await demo.stop(30_000)
  } finally {
    await expectNoLeftovers()
  }
})

async function start(...argv: string[]): Promise<number> {
  const [port] = await freePorts(1)
  const [command, ...words] = argv
  demo = new Running(command, [...words, '-p', `${port}`], { cwd: ROOT })
  return port
}

const SCRIPT = ['node', 'tooling/scripts/demo.mjs']

describe('the demo', () => {
  it('--once shows the requests held, four copies starting and ready, and the answers; exits 0', async () => {
    await start(...SCRIPT, '--once')
    expect(await demo.ends(START_MS), demo.output).toEqual({ code: 0, signal: null })
    for (const copy of [1, 2, 3, 4]) {
      expect(demo.stdout).toMatch(new RegExp(`localhost +\\d held, starting copy ${copy}\n`))
      expect(demo.stdout).toMatch(new RegExp(`localhost/${copy} +ready in [\\d.]+m?s, 1 slot\n`))
      expect(demo.stdout).toMatch(new RegExp(`localhost/\\d +GET /request-${copy} 200 [\\d.]+s`))
    }
    const [, seconds] = /^4 answers from 4 copies in ([\d.]+) s/m.exec(demo.stdout) ?? []
    // One copy alone would need 12 s.
    expect(Number(seconds)).toBeLessThan(12)
    expect(demo.stderr).toBe('')
  })

  it('says which port is taken, and exits 1', async () => {
    const server = createServer()
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
    })
    demo = new Running('node', ['tooling/scripts/demo.mjs', '--once', '-p', `${port}`], { cwd: ROOT })
    expect(await demo.ends()).toEqual({ code: 1, signal: null })
    server.close()
    expect(demo.output).toContain(`port ${port} is taken by another program`)
    expect(demo.output).toContain(`-p ${port + 1}`)
  })

  it('keeps running and serves whoever asks, until ^C', async () => {
    const port = await start(...SCRIPT)
    await demo.prints(/It keeps running/, START_MS)
    expect((await fetch(`http://localhost:${port}/`)).status).toBe(200)
    demo.signal('SIGINT')
    expect(await demo.ends(30_000)).toEqual({ code: 0, signal: null })
  })
})

/** Only the outermost process gets the signal; everything behind it has to go as well. */
describe.each([
  ['npx', ['npx', '-y', packageManager, 'demo']],
  ['pnpm', ['pnpm', 'demo']],
])('%s demo', (_name, argv) => {
  it.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)('leaves nothing behind after %s', async (signal) => {
    await start(...argv)
    await demo.prints(/starting copy 1\n/, START_MS)
    expect(markedProcesses().length).toBeGreaterThan(2)
    demo.signal(signal)
    await expectNoLeftovers(30_000)
    await demo.ends()
  })
})
