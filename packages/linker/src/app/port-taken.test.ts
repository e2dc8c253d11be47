import { createServer } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { freePort } from './port.ts'
import { saysPortTaken } from './port-taken.ts'
import { type AppProcess, startApp } from './process.ts'
import { hasPeer, within } from './processes.testkit.ts'

vi.setConfig({ testTimeout: 20_000 }) // real processes on a busy machine

const apps: AppProcess[] = []
afterEach(() => Promise.all(apps.splice(0).map((app) => app.stop(0))))

const NODE = [
  process.execPath,
  '-e',
  "require('node:net').createServer().listen(+process.env.PORT, '127.0.0.1')",
]
const PYTHON = ['python3', '-m', 'http.server', '{port}', '--bind', '127.0.0.1']

test.each([
  { name: 'node', argv: NODE, here: true },
  { name: 'python3', argv: PYTHON, here: hasPeer('python3') },
])('recognises what $name prints when its port is taken', async ({ argv, here }) => {
  if (!here) return // hasPeer said so
  const port = await freePort(Math.random)
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  try {
    const app = await startApp({ argv, port, env: process.env, onOutput() {} })
    apps.push(app)
    const exit = await within(10_000, 'exited', app.exited)
    expect(exit.code).not.toBe(0)
    expect(saysPortTaken(app.tail())).toBe(true)
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
})

test.each([
  "Is port 20000 in use?  code: 'EADDRINUSE'",
  'listen tcp :20000: bind: address already in use',
  'Error: Address in use (os error 98)',
  "ERROR:    [Errno 98] error while attempting to bind on address ('127.0.0.1', 20000): address already in use",
  'Port 20000 is in use by another program.',
  'Error: Port 20000 is already in use',
])('recognises: %s', (line) => {
  expect(saysPortTaken(line)).toBe(true)
})

test.each(['', 'Traceback (most recent call last):', 'invalid email address', 'memory in use: 20 MB'])(
  'does not mistake for it: %j',
  (line) => {
    expect(saysPortTaken(line)).toBe(false)
  },
)
