import { EdgeProcess, expectNoLeftovers, hasPeer, tempDir } from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodeApp } from './apps.ts'

let edge: EdgeProcess
let folder: ReturnType<typeof tempDir>

beforeEach(() => {
  folder = tempDir()
})

afterEach(async () => {
  await edge.close()
  await expectNoLeftovers()
  folder.remove()
})

/** Asks for all of them at once. @returns what they read */
async function askAtOnce(paths: readonly string[]): Promise<string[]> {
  return Promise.all(
    paths.map(async (path) => {
      const response = await fetch(edge.url(path))
      const text = await response.text()
      expect(response.status, text).toBe(200)
      return text
    }),
  )
}

/** None of them is answered before all are at the application: where that takes several copies, however long they take to start. */
const askTogether = (count: number, name: string) =>
  askAtOnce(Array.from({ length: count }, (_, which) => `/${name}/${count}/${which}`))
const together = () => nodeApp('together', { folder: folder.path })
/** What a busy machine keeps waiting no longer than this is no reason for another copy. */
const PATIENT = ['--patience', '2s']

describe('an application that serves one request at a time', () => {
  it('runs as four copies for four requests at once, and as the same four the next time', async () => {
    edge = await EdgeProcess.start({ flags: PATIENT, command: ['brxy', 'link', '--', ...together()] })
    const cold = await askTogether(4, 'cold')
    expect(new Set(cold).size).toBe(4)
    expect(edge.matching('launching').length).toBe(4)
    const warm = await askTogether(4, 'warm')
    expect(new Set(warm)).toEqual(new Set(cold))
    expect(edge.matching('launching').length).toBe(4)
  })
})

describe('an application with four slots', () => {
  it('gets its second copy with the fifth concurrent request', async () => {
    edge = await EdgeProcess.start({
      flags: PATIENT,
      command: ['brxy', 'link', '-c', '4', '--', ...together()],
    })
    const [first] = await askTogether(1, 'one')
    expect(await askTogether(4, 'four')).toEqual([first, first, first, first])
    expect(edge.matching('launching').length).toBe(1)
    const five = await askTogether(5, 'five')
    expect(edge.matching('launching').length).toBe(2)
    expect(new Set(five).size).toBe(2)
  })

  it('never runs more instances than --max', async () => {
    edge = await EdgeProcess.start({
      flags: ['--max', '2'],
      command: ['brxy', 'link', '--', ...nodeApp('serial', { seconds: 0.3 })],
    })
    await askAtOnce(Array(6).fill('/'))
    expect(edge.matching('launching').length).toBe(2)
  })
})

describe.skipIf(!hasPeer('python3'))('the demo of the README in Python', () => {
  it('answers through a single-threaded server', async () => {
    edge = await EdgeProcess.start({
      command: ['brxy', 'link', '--', 'python3', '-m', 'http.server', '--bind', '127.0.0.1', '{port}'],
    })
    const answers = await askAtOnce(Array(3).fill('/'))
    expect(answers[0]).toContain('Directory listing')
  })
})
