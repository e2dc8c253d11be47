import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { watchFiles } from './watch.ts'

const LOOK_MS = 500

let directory: string
let path: string
let stop = () => {}
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  directory = mkdtempSync(join(tmpdir(), 'brxy-watch-'))
  path = join(directory, 'brxy.yaml')
  writeFileSync(path, 'one')
})
afterEach(() => {
  stop()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
  rmSync(directory, { recursive: true })
})

const look = (times = 1) => vi.advanceTimersByTimeAsync(LOOK_MS * times)

/** What was told, and what is answered. */
function watched(files: () => readonly string[] = () => [path]) {
  const told: string[] = []
  const answer = { isTaken: true }
  stop = watchFiles(files, async (isRetry) => {
    told.push(isRetry ? 'again' : 'changed')
    return answer.isTaken
  })
  return { told, answer }
}

describe('a watched file', () => {
  it('is told of when its content has changed and stays so for one look', async () => {
    const { told } = watched()
    await look(3)
    expect(told).toEqual([])
    writeFileSync(path, 'tw')
    await look()
    writeFileSync(path, 'two')
    await look()
    expect(told).toEqual([])
    await look(5)
    expect(told).toEqual(['changed'])
  })

  it('is not told of when it is written anew with what it had', async () => {
    const { told } = watched()
    writeFileSync(path, 'one')
    await look(5)
    expect(told).toEqual([])
  })

  it('may be absent for a while, as one that is replaced', async () => {
    const { told } = watched()
    rmSync(path)
    await look(5)
    expect(told).toEqual([])
    writeFileSync(path, 'two')
    await look(2)
    expect(told).toEqual(['changed'])
  })

  it('that was refused is offered again every ten looks, until it is taken', async () => {
    const { told, answer } = watched()
    answer.isTaken = false
    writeFileSync(path, 'two')
    await look(2)
    await look(20)
    expect(told).toEqual(['changed', 'again', 'again'])
    answer.isTaken = true
    await look(10)
    await look(30)
    expect(told).toEqual(['changed', 'again', 'again', 'again'])
  })

  it('makes room for the files that matter after a change', async () => {
    const other = join(directory, 'secret')
    writeFileSync(other, 'a')
    let files = [path]
    const { told } = watched(() => files)
    writeFileSync(path, 'names the secret')
    await look(2)
    expect(told).toEqual(['changed'])
    files = [path, other]
    await look(4)
    writeFileSync(other, 'b')
    await look(2)
    expect(told.length).toBeGreaterThan(1)
  })

  it('may be a directory with files', async () => {
    const { told } = watched(() => [directory])
    writeFileSync(join(directory, '503.html'), 'x')
    await look(2)
    expect(told).toEqual(['changed'])
  })
})
