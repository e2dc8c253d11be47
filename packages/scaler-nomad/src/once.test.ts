import type { Problem } from '@brxy/scaler'
import { expect, it } from 'vitest'
import { MAX_REMEMBERED, Once } from './once.ts'

const refused: Problem = { code: 'denied', message: 'no', final: true }

it('asks once for a launch that is asked for many times at once', async () => {
  const once = new Once()
  let asked = 0
  let answer = () => {}
  const run = () => {
    asked++
    return new Promise<undefined>((resolve) => {
      answer = () => resolve(undefined)
    })
  }
  const all = Promise.all([once.start('a', run), once.start('a', run), once.start('a', run)])
  answer()
  await all
  expect(asked).toBe(1)
})

it('keeps why a launch was refused, and does not ask again', async () => {
  const once = new Once()
  await once.start('a', async () => refused)
  await once.start('a', () => Promise.reject(new Error('asked again')))
  expect(once.refusals()).toMatchObject([{ id: 'a', launch: 'a', state: 'ended', problem: refused }])
})

it('lets an attempt that came to nothing be repeated', async () => {
  const once = new Once()
  await expect(once.start('a', () => Promise.reject(new Error('down')))).rejects.toThrow('down')
  await once.start('a', async () => undefined)
  expect(once.refusals()).toEqual([])
})

it('lists a refused launch no more once it was removed, and never starts it again', async () => {
  const once = new Once()
  await once.start('a', async () => refused)
  once.end('a')
  await once.start('a', () => Promise.reject(new Error('asked again')))
  expect(once.refusals()).toEqual([])
})

it('forgets the oldest ids beyond its bound', async () => {
  const once = new Once()
  for (let i = 0; i <= MAX_REMEMBERED; i++) once.end(`${i}`)
  let started = ''
  for (const id of ['0', '1']) {
    await once.start(id, async () => {
      started += id
      return undefined
    })
  }
  expect(started).toBe('0')
})
