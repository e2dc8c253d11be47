import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { restartDaemon, startDaemon, stopDaemons, untilReady } from './daemons.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'brxy-daemons-'))
})
afterEach(async () => {
  await stopDaemons(dir)
  rmSync(dir, { recursive: true, force: true })
})

const isRunning = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

it('ends what it started, and forgets it', async () => {
  const pid = await startDaemon(dir, 'sleeper', { argv: ['sleep', '600'] })
  expect(isRunning(pid)).toBe(true)
  await stopDaemons(dir)
  expect(readdirSync(dir)).toEqual(['sleeper.log'])
})

it('starts one again with the same words', async () => {
  const told = () => readFileSync(join(dir, 'teller.log'), 'utf8')
  const pid = await startDaemon(dir, 'teller', { argv: ['sh', '-c', 'echo "$0"; sleep 600', 'a  word'] })
  await untilReady(dir, 'teller', async () => told() === 'a  word\n', 20_000)
  await restartDaemon(dir, 'teller')
  await untilReady(dir, 'teller', async () => told() === 'a  word\na  word\n', 20_000)
  expect(isRunning(pid)).toBe(false)
  await expect(restartDaemon(dir, 'nobody')).rejects.toThrow('nobody does not run')
})

it('says with the end of its log that a daemon has ended before it was ready', async () => {
  await startDaemon(dir, 'broken', { argv: ['sh', '-c', 'echo no such thing; exit 3'] })
  await expect(untilReady(dir, 'broken', async () => false, 20_000)).rejects.toThrow(
    /broken ended:\nno such thing/,
  )
})

it('says so when a daemon is not ready in time', async () => {
  await startDaemon(dir, 'slow', { argv: ['sleep', '600'] })
  await expect(untilReady(dir, 'slow', async () => false, 100)).rejects.toThrow(
    /slow is not ready after 100 ms/,
  )
})

it('can be asked twice, and for a directory that is not there', async () => {
  await stopDaemons(dir)
  await stopDaemons(join(dir, 'none'))
})
