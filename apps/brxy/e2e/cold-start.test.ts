import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Answer,
  brxy,
  EdgeProcess,
  eventually,
  expectNoLeftovers,
  Gate,
  hasPeer,
  type LoggedEvent,
  markedProcesses,
  tempDir,
} from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { brxyToken, linked, nodeApp, shell } from './apps.ts'

let edge: EdgeProcess
let dir: ReturnType<typeof tempDir>

beforeEach(() => {
  dir = tempDir()
})

afterEach(async () => {
  await edge.close()
  dir.remove()
  await expectNoLeftovers()
})

/** The client learned the class of the problem, and nothing of the inside. */
function expectCannotStart(answer: Answer, problem: string): void {
  expect(answer.status, answer.text).toBe(503)
  expect(answer.headers['content-type']).toBe('application/problem+json')
  expect(answer.headers['cache-control']).toBe('no-store')
  expect(answer.headers['proxy-status']).toBe(
    `brxy; error=destination_unavailable; details="edge/cannot-start ${problem}"`,
  )
  expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1)
  expect(answer.json()).toMatchObject({ status: 503, code: 'edge/cannot-start', problem })
}

/** Milliseconds between two lines of the log. */
function msBetween(earlier: LoggedEvent, later: LoggedEvent): number {
  return Date.parse(later.time as string) - Date.parse(earlier.time as string)
}

describe('before the first request', () => {
  it('nothing runs but the edge', async () => {
    edge = await EdgeProcess.start({ command: linked(nodeApp('echo')) })
    expect((await edge.status()).apps).toEqual([])
    expect(edge.matching('launching')).toEqual([])
    expect(markedProcesses().map(({ pid }) => pid)).toEqual([edge.pid])
  })
})

describe('the first request', () => {
  it('is held, wakes the application with ROUTE and PORT and without the token, and is answered by it', async () => {
    edge = await EdgeProcess.start({ command: linked(nodeApp('echo')) })
    const answer = await edge.ask('/a?b=c', { host: 'localhost' })
    expect(answer.status, answer.text).toBe(200)
    const { env, url, method } = answer.json()
    expect({ url, method }).toEqual({ url: '/a?b=c', method: 'GET' })
    expect(env).toEqual({ ROUTE: 'localhost', PORT: expect.stringMatching(/^\d+$/), BRXY_TOKEN: null })
    const ready = await edge.event('ready')
    const request = await edge.event('request')
    expect(request).toMatchObject({ app: 'localhost', instance: ready.instance, status: 200, error: null })
    expect(request.heldMs).toBeGreaterThan(0)
    // All that the client waited for is the start.
    expect(request.tookMs as number).toBeLessThan((ready.tookMs as number) + 1000)
    expect(await edge.ask()).toMatchObject({ status: 200 })
    expect(edge.matching('launching').length).toBe(1)
  })

  it('is told where the time went, and a later one nothing', async () => {
    edge = await EdgeProcess.start({ command: linked(nodeApp('serial', { startMs: 300 })) })
    const timing = (await edge.ask()).headers['server-timing'] as string
    const [, hold, launch, listen] = (
      /^brxy-hold;dur=(\d+), brxy-launch;dur=(\d+), brxy-listen;dur=(\d+)$/.exec(timing) ?? []
    ).map(Number)
    expect(launch, timing).toBeGreaterThan(0)
    // From its linker's WELCOME on; a busy machine may have let the application run ahead.
    expect(listen, timing).toBeGreaterThanOrEqual(0)
    expect(launch + listen, timing).toBeGreaterThanOrEqual(300)
    expect(hold, timing).toBeGreaterThanOrEqual(launch + listen)
    expect((await edge.ask()).headers).not.toHaveProperty('server-timing')
  })

  it('waits for an application that needs two seconds to listen', async () => {
    edge = await EdgeProcess.start({ command: linked(nodeApp('serial', { startMs: 2000 })) })
    const answers = await Promise.all([edge.ask(), edge.ask('/', { method: 'POST', body: 'x' })])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect((await edge.event('ready')).tookMs).toBeGreaterThanOrEqual(2000)
    expect(edge.matching('launch-failed').concat(edge.matching('launch failed'))).toEqual([])
  })

  it('finds an application ready that began to listen between the HELLO of its linker and the WELCOME', async () => {
    edge = await EdgeProcess.start()
    const gate = await Gate.open(edge.tunnel)
    const token = await brxyToken(edge, 'localhost')
    const go = join(dir.path, 'go')
    const start = `until [ -e "${go}" ]; do sleep 0.02; done; exec "$@"`
    const words = ['-r', 'localhost', '-e', gate.address, '--log', 'text']
    gate.shut()
    const linker = brxy(['link', ...words, '--', ...shell(start, ...nodeApp('serial'))], {
      env: { BRXY_TOKEN: token },
    })
    try {
      await eventually('a WELCOME on its way', () => gate.keptBytes > 0)
      writeFileSync(go, '')
      await linker.prints(/listening on/)
      gate.reopen()
      await edge.event('ready')
      expect((await edge.status()).apps[0].instances).toMatchObject([{ phase: 'ready' }])
    } finally {
      await linker.stop()
      gate.close()
    }
  })

  it('goes on to wake the application when its client leaves', async () => {
    edge = await EdgeProcess.start({ command: linked(nodeApp('serial', { startMs: 500 })) })
    const leaving = new AbortController()
    const first = fetch(edge.url(), { signal: leaving.signal }).catch((error: Error) => error.name)
    await edge.event('launching')
    leaving.abort()
    expect(await first).toBe('AbortError')
    await edge.event('ready')
    expect((await edge.ask()).status).toBe(200)
    expect(edge.matching('launching').length).toBe(1)
  })
})

describe('any command can be an application', () => {
  it.skipIf(!hasPeer('python3'))('{port} in its arguments: python3 -m http.server', async () => {
    const command = ['python3', '-m', 'http.server', '--bind', '127.0.0.1', '{port}', '--directory', dir.path]
    edge = await EdgeProcess.start({ command: linked(command) })
    writeFileSync(join(dir.path, 'a.txt'), 'from python')
    expect(await edge.ask('/a.txt')).toMatchObject({ status: 200, text: 'from python' })
  })

  it.skipIf(!hasPeer('busybox'))('a web server in C: busybox httpd', async () => {
    writeFileSync(join(dir.path, 'index.html'), 'from busybox')
    const command = ['busybox', 'httpd', '-f', '-p', '127.0.0.1:{port}', '-h', dir.path]
    edge = await EdgeProcess.start({ command: linked(command) })
    expect(await edge.ask('/')).toMatchObject({ status: 200, text: 'from busybox' })
  })

  it('a shell script that reads PORT', async () => {
    const script = join(dir.path, 'start.sh')
    writeFileSync(script, '#!/bin/sh\necho "on port $PORT"\nexec "$@"\n', { mode: 0o755 })
    edge = await EdgeProcess.start({ command: linked([script, ...nodeApp('echo')]) })
    const { PORT } = (await edge.ask()).json().env
    await edge.event(`on port ${PORT}`, ({ stream }) => stream === 'stdout')
  })
})

describe('an application that cannot be started', () => {
  it('and exits at once: 503 with the class within a second of its end, the status and the output for the operator', async () => {
    const start = 'if [ "$ROUTE" = broken.test ]; then echo "no such database"; exit 3; fi; exec "$@"'
    edge = await EdgeProcess.start({ command: linked(shell(start, ...nodeApp('echo'))) })
    // What a start takes on this machine now.
    const { tookMs: startMs } = await edge.ask()
    const answer = await edge.ask('/', { host: 'broken.test' })
    expectCannotStart(answer, 'crashed')
    expect(answer.text).not.toContain('database')
    expect(answer.tookMs).toBeLessThan(startMs + 1000)
    const failed = await edge.event('launch failed', ({ output }) => output !== undefined)
    expect(failed).toMatchObject({ level: 'error', app: 'broken.test' })
    expect((failed.problem as { message: string }).message).toContain('status 3')
    expect(failed.output).toContain('no such database')
  })

  it('and never listens: 503 after --start-timeout, with the reason and the output for the operator', async () => {
    const dreamer = shell('echo dreaming; exec sleep 600')
    edge = await EdgeProcess.start({ command: linked(dreamer, ['--start-timeout', '1s']) })
    const answer = await edge.ask()
    expectCannotStart(answer, 'crashed')
    expect(answer.tookMs).toBeGreaterThanOrEqual(1000)
    const failed = await edge.event('launch failed', ({ output }) => output !== undefined)
    expect((failed.problem as { message: string }).message).toContain('did not listen within 1 s')
    expect(failed.output).toContain('dreaming')
    // What the linker exits with, for those who start it by hand.
    const env = { BRXY_TOKEN: await brxyToken(edge, 'web') }
    const linker = brxy(
      ['link', '-r', 'web', '-e', edge.tunnel, '--start-timeout', '300ms', '--', ...dreamer],
      { env },
    )
    expect(await linker.ends()).toEqual({ code: 124, signal: null })
  })

  it('because its command does not exist: the linker exits 127, and says which', async () => {
    edge = await EdgeProcess.start({ command: linked(['no-such-command']) })
    expectCannotStart(await edge.ask(), 'crashed')
    expect(await edge.event('launch process ended')).toMatchObject({ status: 127 })
    const failed = await edge.event('launch failed', ({ problem }) => problem !== undefined)
    expect((failed.problem as { message: string }).message).toContain('no-such-command')
  })

  it('because the launch command itself does not exist: said at once and plainly', async () => {
    edge = await EdgeProcess.start({ command: ['no-such-launcher', 'web'] })
    expectCannotStart(await edge.ask(), 'invalid')
    const failed = await edge.event('launch failed', ({ problem }) => problem !== undefined)
    expect((failed.problem as { message: string }).message).toContain('"no-such-launcher": not found on PATH')
  })

  it('is left alone during the pause, probed once after it, and serves again when it is repaired', async () => {
    const repaired = join(dir.path, 'repaired')
    const start = `[ -e "${repaired}" ] || exit 3; exec "$@"`
    edge = await EdgeProcess.start({ command: linked(shell(start, ...nodeApp('echo'))) })
    const first = await edge.ask()
    expectCannotStart(first, 'crashed')
    // During the pause nothing is tried and nobody waits.
    const again = await Promise.all([edge.ask(), edge.ask()])
    for (const answer of again) {
      expectCannotStart(answer, 'crashed')
      expect(answer.tookMs).toBeLessThan(first.tookMs)
    }
    expect(edge.matching('launching').length).toBe(1)
    // After it, one probe for however many requests.
    await eventually('a second launch', async () => {
      await Promise.all([edge.ask(), edge.ask(), edge.ask()])
      return edge.matching('launching').length > 1
    })
    const [one, two] = edge.matching('launching')
    expect(msBetween(one, two)).toBeGreaterThanOrEqual(1000)
    expect(edge.matching('launching').length).toBe(2)
    writeFileSync(repaired, '')
    await eventually('an answer of the repaired application', async () => (await edge.ask()).status === 200)
    expect(edge.matching('launching').length).toBe(3)
  })
})
