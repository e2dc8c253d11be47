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
