import { describe, expect, it } from 'vitest'
import type { Pod } from './objects.ts'
import {
  problemOfCreation,
  problemOfEvents,
  problemOfJob,
  problemOfPod,
  problemOfRefusal,
} from './problem.ts'
import { FAILED_CREATE, JOBS, STATUSES } from './recorded.testkit.ts'
import { PODS } from './recorded-pods.testkit.ts'

describe('the problem of a pod', () => {
  it.each([
    ['never pulled', 'image', true, 'not present with pull policy of Never'],
    ['first pull failed', 'image', false, 'no such host'],
    ['pull backed off', 'image', true, 'Back-off pulling image "images.invalid/none:1"'],
    ['bad image name', 'image', true, 'must be lowercase'],
    ['missing config map', 'invalid', true, 'configmap "none" not found'],
    ['crashed', 'crashed', true, 'container "app" exited with status 3: no database'],
    ['no such command', 'invalid', true, 'exec: "/bin/none": stat /bin/none: no such file or directory'],
    ['unschedulable', 'unschedulable', false, '0/1 nodes are available: 1 Insufficient cpu.'],
    ['sidecar loops', 'crashed', true, 'container "side" exited with status 1 (restarted 2 times)'],
    ['loops', 'crashed', true, 'container "app" exited with status 4 (restarted 2 times)'],
  ] as const)('that is recorded as "%s" is %s', (name, code, final, message) => {
    expect(problemOfPod(PODS[name])).toEqual({ code, final, message: expect.stringContaining(message) })
  })

  it.each(['running', 'done'] as const)('that is %s is none', (name) => {
    expect(problemOfPod(PODS[name])).toBeUndefined()
  })

  it('is final at the first pull where the registry has said that there is no such image', () => {
    const problem = problemOfPod(
      waiting('ErrImagePull', 'failed to resolve reference "x/y:1": x/y:1: not found'),
    )
    expect(problem).toMatchObject({ code: 'image', final: true })
  })

  it('is temporary where the linker said so with status 75', () => {
    const pod = { ...PODS.crashed, status: { containerStatuses: [ended(75)] } }
    expect(problemOfPod(pod)).toMatchObject({ code: 'unavailable', final: false })
  })

  it('is that of the node where no container tells: an eviction', () => {
    const status = {
      phase: 'Failed',
      reason: 'Evicted',
      message: 'The node was low on resource: memory.',
    } as const
    expect(problemOfPod({ metadata: { name: 'x' }, status })).toEqual({
      code: 'crashed',
      message: 'Evicted: The node was low on resource: memory.',
      final: true,
    })
  })

  it('is none where a container that was restarted is ready again', () => {
    const status = {
      phase: 'Running',
      containerStatuses: [{ ...ended(1), restartCount: 7, ready: true }],
    } as const
    expect(problemOfPod({ metadata: { name: 'x' }, status })).toBeUndefined()
  })
})

describe('the problem of what was refused', () => {
  it.each([
    [403, STATUSES.quota, 'quota'],
    [422, STATUSES.invalid, 'invalid'],
    [404, STATUSES['no namespace'], 'invalid'],
    [403, { message: 'jobs.batch is forbidden: User "x" cannot create resource "jobs"' }, 'denied'],
    [403, { message: 'pods "x" is forbidden: violates PodSecurity "restricted:latest"' }, 'invalid'],
    [401, { message: 'Unauthorized' }, 'denied'],
  ] as const)('with %s is told in the words of the API (%#)', (httpStatus, status, code) => {
    expect(problemOfRefusal(httpStatus, status)).toEqual({ code, message: status.message, final: true })
  })
})

describe('the problem of a pod that could not be created', () => {
  it('is that of the newest event that says so', () => {
    const older = { ...FAILED_CREATE, message: 'something else' }
    const started = { ...FAILED_CREATE, reason: 'SuccessfulCreate' }
    expect(problemOfEvents([older, FAILED_CREATE, started])).toMatchObject({
      code: 'quota',
      message: expect.stringContaining('exceeded quota: none'),
    })
    expect(problemOfEvents([started])).toBeUndefined()
  })

  it('may come right by itself where nobody forbade it', () => {
    expect(problemOfCreation('Error creating: timed out')).toMatchObject({ code: 'other', final: false })
  })
})

it('a Job tells that it has failed where its pod is gone, and nothing while it runs or is done', () => {
  expect(problemOfJob(JOBS.crashed)).toMatchObject({ code: 'crashed', final: true })
  expect(problemOfJob(JOBS.done)).toBeUndefined()
  expect(problemOfJob(JOBS.running)).toBeUndefined()
})

function waiting(reason: string, message: string): Pod {
  const containerStatuses = [{ name: 'app', state: { waiting: { reason, message } } }]
  return { metadata: { name: 'x' }, status: { phase: 'Pending', containerStatuses } }
}

function ended(exitCode: number) {
  return { name: 'app', state: { terminated: { exitCode, reason: 'Error' } } }
}
