import { type ChildProcess, spawn } from 'node:child_process'
import { afterEach, expect, test } from 'vitest'
import { isGroupRunning, signalGroup } from './group.ts'
import { processState, until } from './processes.testkit.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

function start(command: string, argv: string[]): ChildProcess {
  const child = spawn(command, argv, { detached: true, stdio: ['pipe', 'pipe', 'ignore'] })
  children.push(child)
  return child
}

test('signals the members of a group, and knows when there are none', async () => {
  const child = start('/bin/sh', ['-c', 'read -r line'])
  const pgid = child.pid as number
  expect(isGroupRunning(pgid)).toBe(true)
  const exit = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)))
  expect(signalGroup(pgid, 'SIGTERM')).toBe(true)
  expect(await exit).toBe('SIGTERM')
  expect(signalGroup(pgid, 'SIGTERM')).toBe(false)
  expect(isGroupRunning(pgid)).toBe(false)
})

test.each([-1, 0, 1, 1.5, Number.NaN])(
  'never signals group %d, which would be everybody or ourselves',
  (pgid) => {
    expect(() => signalGroup(pgid, 0)).toThrow(RangeError)
  },
)

test.skipIf(process.platform !== 'linux')(
  'does not count a zombie that nobody reaps (Linux only: elsewhere there is no /proc to tell)',
  async () => {
    // The parent stops itself, so it reaps nothing; the child, a group of its own, ends with the shared stdin.
    const script = `
      const child = require('node:child_process').spawn('/bin/sh', ['-c', 'read -r line'],
        { detached: true, stdio: ['inherit', 'ignore', 'ignore'] })
      require('node:fs').writeSync(1, child.pid + '\\n')
      process.kill(process.pid, 'SIGSTOP')`
    const parent = start(process.execPath, ['-e', script])
    let printed = ''
    parent.stdout?.on('data', (chunk) => {
      printed += chunk
    })
    await until('the child is named', () => printed.endsWith('\n'))
    const pgid = Number(printed)
    await until('the parent is stopped', () => processState(parent.pid as number) === 'T')
    expect(isGroupRunning(pgid)).toBe(true)
    parent.stdin?.end()
    await until('the child is a zombie', () => processState(pgid) === 'Z')
    expect(signalGroup(pgid, 0)).toBe(true)
    expect(isGroupRunning(pgid)).toBe(false)
  },
)
