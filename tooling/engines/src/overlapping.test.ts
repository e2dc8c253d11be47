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
