import { describe, expect, it } from 'vitest'
import { inherit, inheriting, leavesOf, type OptionsError, resolveConfig, resolveOptions } from './index.ts'
import { COMMON } from './sample.testkit.ts'

const OWN = inheriting(COMMON)
const common = resolveConfig(COMMON, {
  max: 5,
  queue: { bytes: '1KiB' },
  probes: [{ path: '/common' }],
})

describe('inheriting', () => {
  it('leaves no flag, variable, default or need', () => {
    expect(leavesOf(OWN)).toEqual([])
    expect(OWN.max).toEqual({ kind: 'integer', min: 1, max: 100, doc: 'Most copies.', inherits: 'defaults' })
    expect(resolveOptions(OWN, {})).toEqual({
      max: undefined,
      holdMs: undefined,
      queue: { requests: undefined, bytes: undefined },
      page: undefined,
      probes: undefined,
    })
    expect(resolveOptions(OWN, { page: {} }).page).toEqual({ file: undefined, afterMs: undefined })
  })

  it('keeps kinds, keys and bounds', () => {
    expect(() => resolveConfig(OWN, { max: 101 })).toThrow('max: 101 is above the maximum')
    expect(resolveConfig(OWN, { hold: '1s' }).holdMs).toBe(1_000)
  })
})

describe('inherit', () => {
  it('fills in what one leaves out, in sections too', () => {
    const own = resolveConfig(OWN, { max: 1, queue: { requests: 7 } })
    expect(inherit(COMMON, own, common)).toEqual({
      max: 1,
      holdMs: 50_000,
      queue: { requests: 7, bytes: 1_024 },
      page: undefined,
      probes: [{ path: '/common' }],
    })
  })

  it('replaces lists as a whole, by an empty one too', () => {
    const probes = (own: unknown) => inherit(COMMON, resolveConfig(OWN, own), common).probes
    expect(probes({ probes: [{ path: '/own' }] })).toEqual([{ path: '/own' }])
    expect(probes({ probes: [] })).toEqual([])
  })

  it('takes an optional section from either side, with its defaults', () => {
    const withPage = resolveConfig(COMMON, { page: { file: 'common', after: '1s' } })
    const nothing = resolveConfig(OWN, {})
    const own = resolveConfig(OWN, { page: { file: 'own' } })
    expect(inherit(COMMON, nothing, withPage).page).toEqual({ file: 'common', afterMs: 1_000 })
    expect(inherit(COMMON, own, withPage).page).toEqual({ file: 'own', afterMs: 1_000 })
    expect(inherit(COMMON, own, common).page).toEqual({ file: 'own', afterMs: 3_000 })
  })

  it('reports what is required in a section that only the own values have', () => {
    const own = resolveConfig(OWN, { page: { after: '1s' } })
    const errors: OptionsError[] = []
    const context = { path: 'apps.shop', keys: ['apps', 'shop'] }
    const onError = (error: OptionsError) => void errors.push(error)
    expect(inherit(COMMON, own, common, { ...context, onError }).page).toMatchObject({ afterMs: 1_000 })
    expect(errors).toMatchObject([
      { code: 'options/missing', path: 'apps.shop.page.file', keys: ['apps', 'shop', 'page', 'file'] },
    ])
    expect(() => inherit(COMMON, own, common, context)).toThrow('apps.shop.page.file: is required')
  })
})
