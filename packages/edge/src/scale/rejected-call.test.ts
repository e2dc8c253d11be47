import { ScalerError } from '@brxy/scaler'
import { describe, expect, it } from 'vitest'
import { problemOfRejection } from './rejected-call.ts'

describe('problemOfRejection', () => {
  it("says denied for refused credentials, in the platform's own words", () => {
    const error = new ScalerError('scaler/denied', 'Nomad: ACL token not found')
    expect(problemOfRejection(error)).toEqual({
      code: 'denied',
      message: 'Nomad: ACL token not found',
      final: true,
    })
  })

  it('says invalid of what is not there to be scaled', () => {
    const error = new ScalerError('scaler/invalid', 'service "web" is not there')
    expect(problemOfRejection(error)).toMatchObject({ code: 'invalid', final: true })
  })

  it("knows the code by its brand: an adapter brings its own copy of the error's class, or none", () => {
    const brand = { [Symbol.for('brxy.error')]: true }
    const error = Object.assign(new Error('403 Forbidden'), { code: 'scaler/denied', ...brand })
    expect(problemOfRejection(error).code).toBe('denied')
  })

  it.each([
    ['a platform that does not answer', new ScalerError('scaler/unavailable', 'x'), 'x'],
    ['an adapter that was closed', new ScalerError('scaler/closed', 'x'), 'x'],
    ['a plain error', new Error('x'), 'x'],
    ['an error without the brand', Object.assign(new Error('x'), { code: 'scaler/denied' }), 'x'],
    ['what is no error', 'x', 'x'],
    ['nothing', undefined, 'undefined'],
  ])('says unavailable of %s', (_, error, message) => {
    expect(problemOfRejection(error)).toEqual({ code: 'unavailable', message, final: true })
  })
})
