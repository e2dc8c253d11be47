import { EdgeProcess, expectNoLeftovers, hasPeer } from '@brxy-tooling/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { nodeApp } from './apps.ts'

let edge: EdgeProcess

afterEach(async () => {
  await edge.close()
  await expectNoLeftovers()
})

/** Asks so many times at once. */
async function askAtOnce(count: number, path = '/'): Promise<{ text: string; tookMs: number }[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const since = performance.now()
      const response = await fetch(edge.url(path))
      const text = await response.text()
      expect(response.status, text).toBe(200)
      return { text, tookMs: performance.now() - since }
    }),
  )
}

describe('an application that serves one request at a time and takes a second', () => {
  it('runs as four copies for four requests at once, and answers all in little over a second', async () => {
    edge = await EdgeProcess.start({ command: ['brxy', 'link', '--', ...nodeApp('serial', { seconds: 1 })] })
    const answers = await askAtOnce(4)
    expect(new Set(answers.map(({ text }) => text)).size).toBe(4)
    expect(edge.matching('launching').length).toBe(4)
    // Start and service; one copy alone would need four seconds, and its start.
    const starts = edge.matching('ready').map(({ tookMs }) => tookMs as number)
    expect(Math.max(...answers.map(({ tookMs }) => tookMs))).toBeLessThan(
      1000 + 2 * Math.max(...starts) + 1000,
    )
    // Warm now: the same four again start nothing.
    const warm = await askAtOnce(4)
    expect(Math.max(...warm.map(({ tookMs }) => tookMs))).toBeLessThan(2000)
    expect(edge.matching('launching').length).toBe(4)
  })
})

describe('an application with four slots', () => {
  it('gets its second copy with the fifth concurrent request', async () => {
    edge = await EdgeProcess.start({
      command: ['brxy', 'link', '-c', '4', '--', ...nodeApp('parallel', { seconds: 1 })],
    })
    await askAtOnce(1)
    await askAtOnce(4)
    expect(edge.matching('launching').length).toBe(1)
    const answers = await askAtOnce(5)
    expect(edge.matching('launching').length).toBe(2)
    expect(new Set(answers.map(({ text }) => text)).size).toBeGreaterThanOrEqual(1)
  })

  it('never runs more instances than --max', async () => {
    edge = await EdgeProcess.start({
      flags: ['--max', '2'],
      command: ['brxy', 'link', '--', ...nodeApp('serial', { seconds: 0.3 })],
    })
    await askAtOnce(6)
    expect(edge.matching('launching').length).toBe(2)
  })
})

describe.skipIf(!hasPeer('python3'))('the demo of the README in Python', () => {
  it('answers through a single-threaded server', async () => {
    edge = await EdgeProcess.start({
      command: ['brxy', 'link', '--', 'python3', '-m', 'http.server', '--bind', '127.0.0.1', '{port}'],
    })
    const answers = await askAtOnce(3)
    expect(answers[0].text).toContain('Directory listing')
  })
})
