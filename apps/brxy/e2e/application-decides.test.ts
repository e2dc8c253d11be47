import { fileURLToPath } from 'node:url'
import { EdgeProcess, eventually, expectNoLeftovers, hasPeer, runToEnd } from '@brxy-tooling/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { linked } from './apps.ts'

const APP = [process.execPath, fileURLToPath(new URL('deciding-app.mjs', import.meta.url))]

let edge: EdgeProcess

afterEach(async () => {
  await edge.close()
  await expectNoLeftovers()
})

/** So many requests at once, of which all are answered, by one instance. */
async function together(count: number): Promise<void> {
  const answers = await Promise.all(Array.from({ length: count }, () => edge.ask(`/together/${count}`)))
  for (const { status, text } of answers) expect([status, text]).toEqual([200, 'together'])
  expect(edge.matching('launching').length).toBe(1)
}

/** The most requests that the application gets at once when it is asked by four clients. */
async function most(): Promise<number> {
  await edge.ask('/forget')
  const answers = await Promise.all(Array.from({ length: 4 }, () => edge.ask('/most')))
  return Math.max(...answers.map(({ text }) => Number(text)))
}

describe('an application that says Brxy-Slots', () => {
  it('gets so many requests at a time, and its clients never see the field', async () => {
    edge = await EdgeProcess.start({ flags: ['--max', '1'], command: linked(APP) })
    expect((await edge.ask()).status).toBe(200)
    expect(await most()).toBe(1)
    const answer = await edge.ask('/slots/3')
    expect([answer.status, Object.keys(answer.headers).filter((name) => name.startsWith('brxy'))]).toEqual([
      200,
      [],
    ])
    await together(3)
    await edge.ask('/slots/1')
    await eventually(
      'the edge knows of one slot',
      async () => (await edge.status()).apps[0].instances[0].slots === 1,
    )
    expect(await most()).toBe(1)
  })
})

describe.skipIf(!hasPeer('curl'))('PUT /slots on the control socket', () => {
  const put = async (path: string, body: string) =>
    (await runToEnd('curl', ['-s', '--unix-socket', path, '-X', 'PUT', '-d', body, 'http://localhost/slots']))
      .stdout

  it('changes how many requests the application gets at a time; 0 are none, until it wants some again', async () => {
    edge = await EdgeProcess.start({ flags: ['--max', '1'], command: linked(APP, ['--control', '/tmp']) })
    const path = (await edge.ask('/control')).text
    expect(path).toMatch(/^\/tmp\/brxy-\d+\.sock$/)
    expect(await put(path, '{"slots": 3}')).toBe('{"slots":3}\n')
    await together(3)
    expect(await put(path, 'three')).toContain('expected a whole number from 0 to 65535')
    expect(await put(path, '0')).toBe('{"slots":0}\n')
    await eventually(
      'the edge knows of none',
      async () => (await edge.status()).apps[0].instances[0].grants === 0,
    )
    const held = edge.ask('/control')
    await eventually('the request is held', async () => (await edge.status()).apps[0].held.count === 1)
    expect(await put(path, '1')).toBe('{"slots":1}\n')
    expect((await held).text).toBe(path)
    expect(await most()).toBe(1)
    expect(edge.matching('launching').length).toBe(1)
  })
})
