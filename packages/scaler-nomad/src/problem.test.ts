import { ApiError } from '@brxy/scaler/api'
import { describe, expect, it } from 'vitest'
import type { AllocStub, TaskEvent } from './nomad-api.ts'
import { errorOfRefusal, problemOfAllocation, problemOfPlacement, problemOfRefusal } from './problem.ts'

const alloc = (ClientStatus: AllocStub['ClientStatus'], ...events: TaskEvent[]) =>
  ({ ClientStatus, TaskStates: { app: { Events: events } } }) as unknown as AllocStub
const event = (Type: string, DisplayMessage = '', Details: Record<string, string> = {}): TaskEvent => ({
  Type,
  DisplayMessage,
  Details,
})

describe('a refused launch', () => {
  it.each([
    [403, 'Permission denied', 'denied'],
    [404, 'job not found', 'invalid'],
    [500, 'Specified job "web" is not a parameterized job', 'invalid'],
    [500, 'Dispatch request included unpermitted metadata keys: [BRXY_EDGE]', 'invalid'],
  ] as const)('%i %s is %s, at once', (status, message, code) => {
    expect(problemOfRefusal(new ApiError(status, message))).toEqual({
      code,
      message: `Nomad: ${message}`,
      final: true,
    })
  })

  it.each([
    [500, 'No cluster leader'],
    [500, 'rpc error: EOF'],
    [429, 'Too Many Requests'],
  ])('is not the fault of the launch: %i %s', (status, message) => {
    expect(() => problemOfRefusal(new ApiError(status, message))).toThrow(
      expect.objectContaining({ code: 'scaler/unavailable', retryable: true }),
    )
  })
})

it('tells a token that may not look from an agent that can not', () => {
  expect(errorOfRefusal(new ApiError(403, 'Permission denied'))).toMatchObject({ code: 'scaler/denied' })
  expect(errorOfRefusal(new ApiError(404, 'job not found'))).toMatchObject({ code: 'scaler/invalid' })
  expect(errorOfRefusal(new ApiError(500, 'boom'))).toMatchObject({ code: 'scaler/unavailable' })
})

describe('an allocation', () => {
  it('has no problem while it runs, or after it ended with status 0', () => {
    expect(problemOfAllocation(alloc('running', event('Started')))).toBeUndefined()
    const ended = event('Terminated', 'Exit Code: 0', { exit_code: '0', signal: '0' })
    expect(problemOfAllocation(alloc('complete', ended))).toBeUndefined()
  })

  it.each([
    ['Terminated', 'Exit Code: 3', { exit_code: '3' }, 'crashed'],
    ['Terminated', 'Exit Code: 0, Signal: 9', { exit_code: '0', signal: '9' }, 'crashed'],
    ['Driver Failure', 'failed to launch command: no such file', {}, 'invalid'],
    ['Driver Failure', 'Failed to pull `nope.invalid/x`: no such host', {}, 'image'],
    ['Failed Artifact Download', 'failed to download artifact', {}, 'image'],
    ['Setup Failure', 'template: no such key', {}, 'invalid'],
  ] as const)('%s "%s" is %s', (type, message, details, code) => {
    const found = problemOfAllocation(alloc('failed', event('Received'), event(type, message, details)))
    expect(found).toEqual({ code, message, final: true })
  })

  it('is temporary where the linker said so with status 75', () => {
    const ended = event('Terminated', 'Exit Code: 75', { exit_code: '75', signal: '0' })
    const temporary = { code: 'unavailable', message: 'Exit Code: 75', final: false }
    expect(problemOfAllocation(alloc('failed', ended))).toEqual(temporary)
    expect(problemOfAllocation(alloc('pending', ended, event('Restarting')))).toEqual(temporary)
  })

  it('may yet succeed while Nomad tries again', () => {
    const pending = alloc(
      'pending',
      event('Driver Failure', 'Failed to pull `x`: timeout'),
      event('Restarting'),
    )
    expect(problemOfAllocation(pending)).toMatchObject({ code: 'image', final: false })
  })

  it('has no problem yet while Nomad has not said whether it tries again', () => {
    expect(problemOfAllocation(alloc('pending', event('Driver Failure', 'boom')))).toBeUndefined()
  })

  it('is lost with its node', () => {
    expect(problemOfAllocation(alloc('lost'))).toMatchObject({ code: 'other', final: true })
  })
})

describe('a group without a node', () => {
  it('says what is exhausted and what does not fit, and may get one yet', () => {
    const failure = {
      NodesEvaluated: 3,
      NodesExhausted: 2,
      ConstraintFiltered: { 'missing drivers': 1 },
      DimensionExhausted: { memory: 2 },
    }
    expect(problemOfPlacement('web', failure)).toEqual({
      code: 'unschedulable',
      message: 'no node takes group "web" (3 evaluated): missing drivers: 1 filtered; memory exhausted on 2',
      final: false,
    })
  })

  it('is over its quota', () => {
    const failure = { NodesEvaluated: 0, NodesExhausted: 0, QuotaExhausted: ['cpu'] }
    expect(problemOfPlacement('web', failure)).toMatchObject({ code: 'quota' })
  })
})
