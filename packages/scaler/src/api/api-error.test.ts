import { expect, it } from 'vitest'
import { ScalerError } from '../error.ts'
import { ApiError, isStatus, scalerErrorOf } from './api-error.ts'

it.each([
  [401, 'scaler/denied'],
  [403, 'scaler/denied'],
  [404, 'scaler/unavailable'],
  [500, 'scaler/unavailable'],
])('tells the caller of an adapter of an unexpected %i: %s, in the words of the platform', (status, code) => {
  const error = new ApiError(status, 'no', { what: 'GET /v1/jobs' })
  expect(scalerErrorOf(error, 'Nomad')).toMatchObject({
    code,
    message: `Nomad: GET /v1/jobs: ${status} no`,
    cause: error,
  })
})

it('says nothing of a request where none is known', () => {
  expect((scalerErrorOf(new ApiError(410, 'too old'), 'Kubernetes') as Error).message).toBe(
    'Kubernetes: 410 too old',
  )
})

it('leaves other errors as they are', () => {
  const error = new ScalerError('scaler/aborted', 'x')
  expect(scalerErrorOf(error, 'Nomad')).toBe(error)
})

it('knows an answer by its status', () => {
  expect(isStatus(new ApiError(404, 'x'), 404)).toBe(true)
  expect(isStatus(new ApiError(409, 'x'), 404)).toBe(false)
  expect(isStatus({ status: 404 }, 404)).toBe(false)
})
