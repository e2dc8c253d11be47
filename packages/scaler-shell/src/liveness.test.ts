import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { node } from './fixture.testkit.ts'
import { isAlive, isGroupAlive, startTimeOf } from './liveness.ts'

const children: ChildProcess[] = []
afterEach(async () => {
  for (const child of children.splice(0)) {
    const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
    if (exited === undefined) continue
    child.kill('SIGKILL')
    await exited
  }
})

/** Starts a script in a session of its own; resolves with its pid and its first line. */
async function run(script: string): Promise<{ pid: number; line: string; child: ChildProcess }> {
  const [program, ...args] = node(script)
  const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const [line] = await once(child.stdout, 'data')
  return { pid: child.pid as number, line: String(line).trim(), child }
}

describe('liveness', () => {
  it('tells a running process by its start time', async () => {
    const { pid, child } = await run('console.log("up"); setInterval(() => {}, 1e6)')
    const startTime = startTimeOf(pid)
    expect(startTime).toBeTypeOf('string')
    expect(isAlive(pid, startTime)).toBe(true)
    expect(isAlive(pid, `${startTime}0`)).toBe(false)
    expect(isAlive(pid, undefined)).toBe(false)
    expect(isGroupAlive(pid, startTime)).toBe(true)
    expect(isGroupAlive(pid, `${startTime}0`)).toBe(false)
    const exited = once(child, 'exit')
    process.kill(-pid, 'SIGKILL')
    await exited
    expect(startTimeOf(pid)).toBeUndefined()
    expect(isAlive(pid, startTime)).toBe(false)
    expect(isGroupAlive(pid, startTime)).toBe(false)
  })

  it('does not take two processes for one', async () => {
    const [one, other] = [
      await run('console.log(1); setInterval(() => {}, 1e6)'),
      await run('console.log(2); setInterval(() => {}, 1e6)'),
    ]
    expect(isAlive(one.pid, startTimeOf(other.pid))).toBe(false)
  })

  it('finds a group alive whose leader has ended', async () => {
    const script = `
      const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' })
      child.unref()
      console.log(child.pid)`
    const [program, ...args] = node(script)
    const leader = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
    const pid = leader.pid as number
    const startTime = startTimeOf(pid)
    try {
      await once(leader, 'close')
      expect(isAlive(pid, startTime)).toBe(false)
      expect(isGroupAlive(pid, startTime)).toBe(true)
    } finally {
      process.kill(-pid, 'SIGKILL')
    }
  })

  // Only there can a zombie be told: its parent sleeps without ever reaping it.
  it.skipIf(process.platform !== 'linux')('takes a group of zombies for gone', async () => {
    const script = `
      const { spawn } = require('node:child_process')
      const child = spawn('sh', ['-c', ':'], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
      const fs = require('node:fs')
      fs.writeSync(1, String(child.pid))
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30000)`
    const { line } = await run(script)
    const zombie = Number(line)
    const deadline = performance.now() + 5_000
    while (startTimeOf(zombie) !== undefined && performance.now() < deadline) await new Promise(setImmediate)
    expect(() => process.kill(-zombie, 0)).not.toThrow()
    expect(isGroupAlive(zombie, 'any')).toBe(false)
  })
})
