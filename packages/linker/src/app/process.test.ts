import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { freePort } from './port.ts'
import { type AppProcess, type StartAppOptions, startApp } from './process.ts'
import { guardOf, hasPeer, isRunning, until, within } from './processes.testkit.ts'
import { waitUntilListening } from './readiness.ts'

vi.setConfig({ testTimeout: 20_000 }) // real processes on a busy machine

const apps: AppProcess[] = []
afterEach(() => Promise.all(apps.splice(0).map((app) => app.stop(0))))

interface Run {
  readonly app: AppProcess
  /** What has come on each stream so far. */
  readonly out: { stdout: Buffer; stderr: Buffer }
}

async function run(argv: string[], options: Partial<StartAppOptions> = {}): Promise<Run> {
  const out = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
  const app = await startApp({
    argv,
    port: 20_000,
    env: process.env,
    onOutput(stream, chunk) {
      out[stream] = Buffer.concat([out[stream], chunk])
    },
    ...options,
  })
  apps.push(app)
  return { app, out }
}

const node = (script: string, options?: Partial<StartAppOptions>) =>
  run([process.execPath, '-e', script], options)
const sh = (script: string, options?: Partial<StartAppOptions>) => run(['/bin/sh', '-c', script], options)
const exited = (app: AppProcess) => within(10_000, 'exited', app.exited)
const stopped = (app: AppProcess, killAfterMs: number) => within(10_000, 'stopped', app.stop(killAfterMs))

/** The process ids that the application has printed, once there are `count`. */
async function printedPids(out: Run['out'], count: number): Promise<number[]> {
  const lines = () => out.stdout.toString().split('\n').slice(0, -1)
  await until(`${count} process ids`, () => lines().length >= count)
  return lines().map(Number)
}

describe('starting', () => {
  test('names the port in PORT and in place of {port}, and keeps the token', async () => {
    const env = { ...process.env, BRXY_TOKEN: 'hush', ROUTE: 'shop' }
    const { app, out } = await run(['sh', '-c', 'echo $PORT {port} $ROUTE [$BRXY_TOKEN]'], {
      port: 20_123,
      env,
    })
    expect(await exited(app)).toEqual({ code: 0, signal: null })
    expect(out.stdout.toString()).toBe('20123 20123 shop []\n')
  })

  test('gives it an empty stdin and a working directory', async () => {
    const { app, out } = await sh('cat; pwd', { cwd: '/' })
    expect(await exited(app)).toEqual({ code: 0, signal: null })
    expect(out.stdout.toString()).toBe('/\n')
  })

  test.skipIf(process.platform !== 'linux')(
    'puts it into a session of its own (Linux only: read from /proc)',
    async () => {
      const { app } = await sh('sleep 60')
      const stat = readFileSync(`/proc/${app.pid}/stat`, 'latin1')
      // proc_pid_stat(5): state, parent, group, session
      const [, , group, session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      expect([Number(group), Number(session)]).toEqual([app.pid, app.pid])
    },
  )

  test('runs a python3 server that is reached on its port', async () => {
    if (!hasPeer('python3')) return // hasPeer said so
    const port = await freePort(Math.random)
    const { app } = await run(['python3', '-m', 'http.server', '{port}', '--bind', '127.0.0.1'], { port })
    const listening = await waitUntilListening({ port, signal: AbortSignal.timeout(10_000) })
    expect(listening.address).toBe('127.0.0.1')
    expect(await stopped(app, 5_000)).toEqual({ code: null, signal: 'SIGTERM' })
  })
})

describe('output', () => {
  test('is handed over byte for byte, each stream by itself', async () => {
    const { app, out } = await node(`
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet))
      for (let i = 0; i < 8192; i++) require('node:fs').writeSync(1, bytes)
      require('node:fs').writeSync(2, Buffer.from([0xff, 0x00, 0x0d]))`)
    expect(await exited(app)).toEqual({ code: 0, signal: null })
    const octets = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet))
    const expected = Buffer.concat(Array.from({ length: 8192 }, () => octets))
    const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
    expect(out.stdout.length).toBe(2 * 1024 * 1024)
    expect(sha(out.stdout)).toBe(sha(expected))
    expect([...out.stderr]).toEqual([0xff, 0x00, 0x0d])
  })

  test('has all come when the exit is reported, and its last 4 KiB are kept', async () => {
    const { app } = await node(`
      require('node:fs').writeSync(1, 'x'.repeat(100_000))
      require('node:fs').writeSync(1, 'last words')
      process.exit(7)`)
    expect(await exited(app)).toEqual({ code: 7, signal: null })
    expect(app.tail()).toBe(`${'x'.repeat(4096 - 10)}last words`)
  })

  // Tried again because a machine that is too busy may let the child speak too late, after 100 ms.
  test('includes the last words of a child that ends after it', { retry: 2 }, async () => {
    const { app } = await sh(
      `leader=$$; (while kill -0 $leader 2>/dev/null; do :; done; echo orphaned) & exit 5`,
    )
    expect(await exited(app)).toEqual({ code: 5, signal: null })
    expect(app.tail()).toBe('orphaned\n')
  })

  test('keeps both streams in the order of arrival', async () => {
    const { app } = await node(`
      const { writeSync } = require('node:fs')
      writeSync(1, 'one ')
      setTimeout(() => writeSync(2, 'two '), 50)
      setTimeout(() => writeSync(1, 'three'), 100)`)
    await exited(app)
    expect(app.tail()).toBe('one two three')
  })
})

describe('ending by itself', () => {
  test('reports a status', async () => {
    const { app } = await sh('exit 42')
    expect(await exited(app)).toEqual({ code: 42, signal: null })
    expect(await stopped(app, 10_000)).toEqual({ code: 42, signal: null })
  })

  test('reports a signal', async () => {
    const { app } = await sh('kill -s ABRT $$')
    expect(await exited(app)).toEqual({ code: null, signal: 'SIGABRT' })
  })

  test('is reported though a child that it left behind holds its output open; stop() removes the child', async () => {
    const { app, out } = await sh('sleep 60 & echo $!; exit 5')
    expect(await within(2_000, 'exited', app.exited)).toEqual({ code: 5, signal: null })
    const [child] = (await printedPids(out, 1)) as [number]
    expect(isRunning(child)).toBe(true)
    expect(await stopped(app, 5_000)).toEqual({ code: 5, signal: null })
    expect(isRunning(child)).toBe(false)
  })

  test.skipIf(process.platform !== 'linux')('sends the guard away (Linux only: found in /proc)', async () => {
    const { app } = await node('process.once("SIGUSR2", () => process.exit(0)); setInterval(() => {}, 1000)')
    await until('guarded', () => guardOf(app.pid) !== undefined)
    await app.stop(5_000)
    await until('the guard has left', () => guardOf(app.pid) === undefined, 1_000)
    const { app: short } = await sh('exit 0')
    await exited(short)
    await until('the guard has left', () => guardOf(short.pid) === undefined, 1_000)
  })
})

describe('stopping', () => {
  test('lets an application that obeys SIGTERM end as it likes', async () => {
    const { app, out } = await node(`
      process.once('SIGTERM', () => { console.log('bye'); process.exit(3) })
      setInterval(() => {}, 1000)
      console.log('up')`)
    await until('up', () => out.stdout.includes('up'))
    expect(await stopped(app, 10_000)).toEqual({ code: 3, signal: null })
    expect(app.tail()).toBe('up\nbye\n')
  })

  test('kills one that ignores SIGTERM, not before killAfterMs', async () => {
    const { app, out } = await sh(`trap '' TERM; echo up; while :; do sleep 60; done`)
    await until('up', () => out.stdout.includes('up'))
    const startedAt = performance.now()
    expect(await stopped(app, 300)).toEqual({ code: null, signal: 'SIGKILL' })
    const tookMs = performance.now() - startedAt
    expect(tookMs).toBeGreaterThanOrEqual(300)
    expect(tookMs).toBeLessThan(2_000)
  })

  test('takes the grandchildren along', async () => {
    const { app, out } = await sh('sleep 60 & echo $!; sh -c "sleep 60 & echo \\$!; wait" & wait')
    const pids = await printedPids(out, 2)
    expect(pids.every(isRunning)).toBe(true)
    await stopped(app, 60_000)
    expect(pids.some(isRunning)).toBe(false)
  })

  test('kills a child that outlives its obedient parent, after killAfterMs', async () => {
    const { app, out } = await sh(`sh -c 'trap "" TERM; echo $$; while :; do sleep 60; done' & wait`)
    const [child] = (await printedPids(out, 1)) as [number]
    const startedAt = performance.now()
    const stop = app.stop(400)
    expect(await exited(app)).toEqual({ code: null, signal: 'SIGTERM' })
    expect(isRunning(child)).toBe(true)
    expect(await stop).toEqual({ code: null, signal: 'SIGTERM' })
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(400)
    expect(isRunning(child)).toBe(false)
  })

  test('is idempotent, and a second call can shorten the wait but not lengthen it', async () => {
    const { app, out } = await sh(`trap '' TERM; echo up; while :; do sleep 60; done`)
    await until('up', () => out.stdout.includes('up'))
    const first = app.stop(60_000)
    expect(app.stop(0)).toBe(first)
    expect(app.stop(60_000)).toBe(first)
    expect(await within(2_000, 'stopped', first)).toEqual({ code: null, signal: 'SIGKILL' })
  })
})

test('forwards a signal to the first process only, and to nobody once it is gone', async () => {
  const { app, out } = await sh(`sleep 60 & trap 'echo got; exit 9' USR1; echo $!; wait`)
  const [child] = (await printedPids(out, 1)) as [number]
  app.signal('SIGUSR1')
  expect(await exited(app)).toEqual({ code: 9, signal: null })
  expect(out.stdout.toString()).toBe(`${child}\ngot\n`)
  app.signal('SIGUSR1')
  expect(isRunning(child)).toBe(true)
})
