import { describe, expect, it } from 'vitest'
import { collect, resolveOptions } from './index.ts'
import { SAMPLE } from './sample.testkit.ts'

describe('nested options given in code', () => {
  it('have names, values in their units, and defaults', () => {
    const values = resolveOptions(SAMPLE, {
      listen: [{ bind: ':1' }],
      defaults: { holdMs: 5, queue: { bytes: 1 } },
      apps: { shop: { scaler: { name: 'shell', options: { command: [] } }, max: 2 } },
    })
    expect(values).toMatchObject({
      listen: [{ bind: ':1', backlog: 511, certs: [] }],
      tunnel: { bind: ':9080', tls: undefined },
      defaults: { max: 10, holdMs: 5, queue: { requests: 100, bytes: 1 } },
    })
    expect(values.apps.shop).toMatchObject({ scaler: { name: 'shell' }, max: 2, queue: {} })
    expect(values.apps.shop.probes).toBeUndefined()
  })

  it('are the same as from an empty file', () => {
    expect(resolveOptions(SAMPLE, {})).toEqual(collect(SAMPLE, { file: {} }).values)
  })

  it.each([
    [{ listen: [] }, 'listen: must have at least 1 element'],
    [{ listen: [{ bind: ':1', back: 1 }] }, 'listen[0].back: there is no such option; did you mean backlog?'],
    [{ listen: [':80'] }, 'listen[0]: ":80" must be a mapping'],
    [{ tunnel: { tls: {} } }, 'tunnel.tls.cert: is required'],
    [{ apps: { A: {} } }, 'apps.A: "A" is no name; expected one to eight lower case letters'],
    [{ apps: { a: {} } }, 'apps.a.scaler: is required'],
    [{ apps: { a: { scaler: { shell: {} } } } }, 'apps.a.scaler: a mapping must be { name, options }'],
  ])('are refused by path: %o', (input, message) => {
    expect(() => resolveOptions(SAMPLE, input as never)).toThrow(message)
  })
})
