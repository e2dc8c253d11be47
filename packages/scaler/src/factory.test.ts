import { describe, expect, it } from 'vitest'
import { assertScalerFactory } from './factory.ts'
import { ScalerError } from './index.ts'

const factory = () => ({ app: () => undefined, close: async () => {} })

describe('assertScalerFactory', () => {
  it('returns the default export of an ES module', () => {
    expect(assertScalerFactory({ default: factory }, 'mine')).toBe(factory)
  })

  it('returns the default of a CommonJS module that import() wrapped once more', () => {
    expect(assertScalerFactory({ default: { __esModule: true, default: factory } }, 'mine')).toBe(factory)
  })

  it.each([
    [{}, 'it has no default export'],
    [undefined, 'it has no default export'],
    [factory, 'it has no default export'],
    [{ scaler: factory }, 'it has no default export'],
    [{ default: null }, 'its default export is null'],
    [{ default: { app: factory } }, 'its default export is an object'],
    [{ default: 'shell' }, 'its default export is a string'],
  ])('says what it found instead: %o', (module, found) => {
    const error = caught(() => assertScalerFactory(module, './mine.js'))
    expect(error).toMatchObject({ code: 'scaler/not-a-scaler', retryable: false })
    expect(error.message).toBe(
      `"./mine.js" is not a scaler: ${found}; a scaler's default export is a function (options, host) => Scaler`,
    )
  })
})

describe('ScalerError', () => {
  it('carries the brand by which every copy of brxy knows its errors', () => {
    expect(Reflect.get(new ScalerError('scaler/closed', 'x'), Symbol.for('brxy.error'))).toBe(true)
  })

  it('is retryable by its code, unless the adapter knows better', () => {
    expect(new ScalerError('scaler/unavailable', 'x').retryable).toBe(true)
    expect(new ScalerError('scaler/denied', 'x').retryable).toBe(false)
    expect(new ScalerError('scaler/unavailable', 'x', { retryable: false }).retryable).toBe(false)
  })

  it('keeps its cause', () => {
    const cause = new Error('ECONNREFUSED')
    expect(new ScalerError('scaler/unavailable', 'x', { cause }).cause).toBe(cause)
  })
})

function caught(run: () => unknown): ScalerError {
  try {
    run()
  } catch (error) {
    return error as ScalerError
  }
  throw new Error('nothing was thrown')
}
