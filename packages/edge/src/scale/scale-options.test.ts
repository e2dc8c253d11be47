import { resolveOptions } from '@brxy/options'
import { expect, it } from 'vitest'
import { APP_OPTIONS, DEFAULT_OPTIONS } from '../app-options.ts'
import { scaleOptions } from './scale-options.ts'

const options = { ...resolveOptions(APP_OPTIONS, {}), ...resolveOptions(DEFAULT_OPTIONS, {}) }

it.each([
  [1_000, 2_000, 7_000],
  [4_000, 5_000, 7_000],
  [20_000, 21_000, 21_000],
  [600_000, 30_000, 30_000],
])('waits for linkers that redial over %i ms', (spreadMs, lostMs, adoptMs) => {
  expect(scaleOptions(options, 'named', spreadMs)).toMatchObject({ lostMs, adoptMs })
})

it.each([
  [null, false, false],
  ['named', true, false],
  ['counted', true, true],
] as const)('knows what follows from how launches are told apart: %s', (launches, canLaunch, isCounted) => {
  expect(scaleOptions(options, launches, 0)).toMatchObject({ canLaunch, isCounted })
})
