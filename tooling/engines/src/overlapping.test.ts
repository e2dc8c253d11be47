import { expect, it } from 'vitest'
import { overlapping } from './overlapping.ts'

it('declares those of all adapters that overlap as neighbours, the long ones first, and what is skipped behind them', () => {
  const declared: string[] = []
  const noting = (how: string) => (name: string) => void declared.push(`${how} ${name}`)
  const test = Object.assign(noting('alone'), {
    skip: noting('skipped'),
    concurrent: noting('beside'),
  })
  const run = async () => {}
  overlapping(test, (declare) => {
    for (const adapter of ['one', 'other']) {
      declare(`${adapter}: refuses what is wrong`, run)
      declare(`${adapter}: starts twenty`, run)
      declare.skip(`${adapter}: hands over (skipped: because)`, run)
      declare(`${adapter}: does not start it again`, run)
    }
  })
  expect(declared).toEqual([
    'beside one: does not start it again',
    'beside other: does not start it again',
    'beside one: starts twenty',
    'beside other: starts twenty',
    'alone one: refuses what is wrong',
    'skipped one: hands over (skipped: because)',
    'alone other: refuses what is wrong',
    'skipped other: hands over (skipped: because)',
  ])
})

it('declares those that may run beside one of another adapter by turns, behind what runs alone', () => {
  const declared: string[] = []
  const noting = (how: string) => (name: string) => void declared.push(`${how} ${name}`)
  const test = Object.assign(noting('alone'), { skip: noting('skipped'), concurrent: noting('beside') })
  const declareAll: Parameters<typeof overlapping>[1] = (declare) => {
    for (const adapter of ['one', 'other']) {
      declare(`${adapter}: tells the problem "image"`, async () => {})
      declare(`${adapter}: rejects while it is down`, async () => {})
      declare(`${adapter}: frees its handles`, async () => {})
    }
  }
  overlapping(test, declareAll, true)
  expect(declared).toEqual([
    'alone one: frees its handles',
    'alone other: frees its handles',
    'beside one: tells the problem "image"',
    'beside other: tells the problem "image"',
    'beside one: rejects while it is down',
    'beside other: rejects while it is down',
  ])
})

it('runs one at a time of those of each adapter that has a way of its own', async () => {
  const running: string[] = []
  const seen: string[] = []
  const ends: (() => void)[] = []
  const runs: Promise<void>[] = []
  const start = (_name: string, run: () => Promise<void>) => void runs.push(run())
  const declareAll: Parameters<typeof overlapping>[1] = (declare) => {
    for (const adapter of ['one', 'one', 'other', 'other'])
      declare(`${adapter}: rejects while it is down`, async () => {
        running.push(adapter)
        seen.push([...running].sort().join(' '))
        await new Promise<void>((resolve) => ends.push(resolve))
        running.splice(running.indexOf(adapter), 1)
      })
  }
  overlapping(Object.assign(start, { skip: () => {}, concurrent: start }), declareAll, true)
  while (ends.length > 0) {
    ends.shift()?.()
    await new Promise(setImmediate)
  }
  await Promise.all(runs)
  expect(seen).toEqual(['one', 'one other', 'one other', 'one other'])
})

it('has those that make and remove all the time take turns, and the long ones run beside them', async () => {
  let running = 0
  const most: number[] = []
  const runs: Promise<void>[] = []
  const start = (_name: string, run: () => Promise<void>) => void runs.push(run())
  const test = Object.assign(start, { skip: () => {}, concurrent: start })
  const ends: (() => void)[] = []
  overlapping(test, (declare) => {
    const wait = async () => {
      most.push(++running)
      await new Promise<void>((resolve) => ends.push(resolve))
      running--
    }
    for (let nth = 0; nth < 6; nth++) declare(`one: makes ${nth}`, wait)
    declare('one: does not start it again', wait)
  })
  expect(running).toBe(5)
  while (ends.length > 0) {
    ends.shift()?.()
    // As many turns of promises as it takes to hand a place over.
    await new Promise(setImmediate)
  }
  await Promise.all(runs)
  expect(most).toHaveLength(7)
  expect(Math.max(...most)).toBe(5)
})
