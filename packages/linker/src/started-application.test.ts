import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { isRunning, until, within } from './app/processes.testkit.ts'
import { StartedApplication } from './started-application.ts'

vi.setConfig({ testTimeout: 30_000 })

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

interface Run {
  readonly application: StartedApplication
  readonly notices: string[]
  readonly out: () => string
}

async function start(script: string, port?: number): Promise<Run> {
  const notices: string[] = []
  let out = ''
  const application = await StartedApplication.start({
    argv: [process.execPath, '-e', script],
    port,
    health: undefined,
    env: process.env,
    onOutput: (_stream, chunk) => {
      out += chunk.toString()
    },
    onNotice: (line) => void notices.push(line),
  })
  closing.push(() => application.stop(0))
  return { application, notices, out: () => out }
}

/** Takes a port away from the application: in its first life it says what servers say then. */
const UNLUCKY = `
  const { existsSync, writeFileSync } = require('node:fs')
  const port = Number(process.env.PORT)
  console.log('port ' + port)
  if (!process.env.LUCKY && !existsSync(MARK)) {
    writeFileSync(MARK, '')
    console.error('Error: listen EADDRINUSE: address already in use')
    process.exit(1)
  }
  require('node:net').createServer((socket) => socket.end()).listen(port, '127.0.0.1')`

const unlucky = (name: string) => {
  const mark = join(tmpdir(), `brxy-unlucky-${process.pid}-${name}`)
  closing.push(() => rmSync(mark, { force: true }))
  return UNLUCKY.replaceAll('MARK', JSON.stringify(mark))
}

test('listens where it was told to', async () => {
  const { application } = await start(
    `require('node:net').createServer().listen(process.env.PORT, '127.0.0.1')`,
  )
  const found = await application.waitUntilListening(AbortSignal.timeout(10_000))
  expect(found).toMatchObject({ host: '127.0.0.1', port: application.port })
})

test('is started once more, with another port, when its own was taken meanwhile', async () => {
  const { application, notices, out } = await start(unlucky('again'))
  const first = application.port
  const found = await application.waitUntilListening(AbortSignal.timeout(10_000))
  expect(found.port).toBe(application.port)
  expect(application.port).not.toBe(first)
  expect(notices).toEqual([
    `port ${first} was taken meanwhile; starting the application with ${application.port}`,
  ])
  expect(out()).toContain(`port ${application.port}\n`)
})

test('is not started again with a port that was chosen for it', async () => {
  const { application, notices } = await start(unlucky('chosen'), 28_123)
  expect(await within(10_000, 'the end', application.exited)).toEqual({ code: 1, signal: null })
  expect(notices).toEqual([])
})

test('is not started again when it ends for another reason, or for the second time', async () => {
  const { application } = await start('process.exit(4)')
  expect(await within(10_000, 'the end', application.exited)).toEqual({ code: 4, signal: null })

  const always = await start(`console.error('EADDRINUSE'); process.exit(5)`)
  expect(await within(10_000, 'the end', always.application.exited)).toEqual({ code: 5, signal: null })
  expect(always.notices.length).toBe(1)
})

test('a stop that comes while it is started again leaves nothing behind', async () => {
  let stopping: Promise<void> | null = null
  let application: StartedApplication | null = null
  application = await StartedApplication.start({
    argv: [process.execPath, '-e', unlucky('stopped')],
    port: undefined,
    health: undefined,
    env: process.env,
    onOutput() {},
    // It is said just before the second attempt.
    onNotice() {
      stopping = application?.stop(0) ?? null
    },
  })
  const first = application.pid
  await until('the second attempt', () => stopping !== null)
  await within(5_000, 'the stop', stopping as unknown as Promise<void>)
  expect(application.pid).not.toBe(first)
  expect([isRunning(first), isRunning(application.pid)]).toEqual([false, false])
})
