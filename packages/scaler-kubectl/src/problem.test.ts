import { describe, expect, it } from 'vitest'
import type { ContainerStatus, Pod } from './objects.ts'
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

  it.each([
    ['ready again', true],
    // It may be parked, or be starting: a linker that is recalled has as long as any other.
    ['not ready', false],
  ])('is none where a container that was restarted runs, and is %s', (_, ready) => {
    const running = { name: 'app', ready, restartCount: 7, state: { running: {} }, lastState: ended(1).state }
    expect(problemOfPod(of(running))).toBeUndefined()
  })
})

it.each([false, true])(
  'an init container that is done is no problem, however often it ran',
  (isRestarted) => {
    const terminated = { exitCode: 0, reason: 'Completed', finishedAt: '2026-11-22T22:47:17Z' }
    const state = { terminated }
    const init = { name: 'init', ready: true, restartCount: 4, state, lastState: state }
    const pod = { metadata: { name: 'x' }, status: { initContainerStatuses: [init] } }
    expect(problemOfPod(pod, isRestarted)).toBeUndefined()
  },
)

describe('the problem of a pod whose containers are started again', () => {
  const waiting = { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } }
  const end = (time: string) => ended(1, `2026-11-22T${time}Z`).state
  const before = end('22:47:18')
  it.each([
    ['has ended', 0, end('22:47:18'), undefined, false, 'status 1'],
    ['has ended again', 1, end('22:47:20'), before, true, 'status 1 (restarted once)'],
    ['waits for its next start', 1, waiting, before, true, 'status 1 (restarted once)'],
    ['has ended a third time', 2, end('22:47:32'), before, true, 'status 1 (restarted 2 times)'],
    ['has ended after it ran for long', 2, end('23:00:00'), before, false, 'status 1 (restarted 2 times)'],
  ])('that %s tells whether it will come', (_, restartCount, state, lastState, final, message) => {
    const last = lastState === undefined ? {} : { lastState }
    const problem = problemOfPod(of({ name: 'app', restartCount, state, ...last }), true)
    expect(problem).toEqual({ code: 'crashed', final, message: `container "app" exited with ${message}` })
  })

  it('is that of its command, at once, if that is not there', () => {
    const state = { terminated: { exitCode: 128, reason: 'StartError', message: 'no such file' } }
    expect(problemOfPod(of({ name: 'app', state }), true)).toMatchObject({ code: 'invalid', final: true })
  })

  it('is none as long as it ended without fault, unless it does so again', () => {
    const finishedAt = '2026-11-22T22:47:17Z'
    const state = { terminated: { exitCode: 0, reason: 'Completed', finishedAt } }
    const again = { name: 'app', state, lastState: state, restartCount: 1 }
    expect(problemOfPod(of({ name: 'app', state }), true)).toBeUndefined()
    expect(problemOfPod(of(again), true)).toMatchObject({ code: 'crashed', final: true })
    // A launch has done its work.
    expect(problemOfPod(of(again))).toBeUndefined()
  })

  it('is temporary, however often, where the linker says so', () => {
    const { state } = ended(75)
    const problem = problemOfPod(of({ name: 'app', state, lastState: state, restartCount: 2 }), true)
    expect(problem).toMatchObject({ code: 'unavailable', final: false })
  })
})

describe('the problem of a launch with a sidecar', () => {
  const spec = { initContainers: [{ name: 'setup' }, { name: 'side', restartPolicy: 'Always' }] }
  const linker = { name: 'linker', state: { running: {} } }
  /** @param side of the sidecar; @param main of the linker */
  const launch = (side: object, main: object = {}, more: object = {}): Pod => ({
    metadata: { name: 'x' },
    spec,
    status: {
      phase: 'Running',
      initContainerStatuses: [{ name: 'side', ...side }],
      containerStatuses: [{ ...linker, ...main }],
      ...more,
    },
  })
  const [first, second] = [ended(1, '2026-11-22T22:47:17Z'), ended(1, '2026-11-22T22:47:20Z')]

  it('is not final when the sidecar has ended once, for it is started again', () => {
    expect(problemOfPod(launch({ state: first.state }))).toEqual({
      code: 'crashed',
      final: false,
      message: 'container "side" exited with status 1',
    })
  })

  it('is none as soon as the sidecar runs again', () => {
    const again = { state: { running: {} }, lastState: first.state, restartCount: 1 }
    expect(problemOfPod(launch(again))).toBeUndefined()
  })

  it('is final when the sidecar ends again and again', () => {
    const again = { state: second.state, lastState: first.state, restartCount: 1 }
    expect(problemOfPod(launch(again))).toMatchObject({ code: 'crashed', final: true })
  })

  it('is that of an init container that ended, which is not started again', () => {
    const initContainerStatuses = [{ ...first, name: 'setup' }]
    expect(problemOfPod(launch({}, {}, { initContainerStatuses }))).toMatchObject({ final: true })
  })

  it('is the one that is final, whichever container has it', () => {
    const waits = { waiting: { reason: 'ImagePullBackOff', message: 'no such image' } }
    const problem = problemOfPod(launch({ state: first.state }, { state: waits }))
    expect(problem).toMatchObject({ code: 'image', final: true })
  })

  it('is that of the linker once the pod has ended, for sidecars are ended then', () => {
    const killed = { state: ended(143).state }
    const failed = problemOfPod(launch(killed, { state: ended(3).state }, { phase: 'Failed' }))
    expect(failed).toMatchObject({ final: true, message: 'container "linker" exited with status 3' })
    const done = { terminated: { exitCode: 0, reason: 'Completed' } }
    expect(problemOfPod(launch(killed, { state: done }, { phase: 'Succeeded' }))).toBeUndefined()
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

function of(status: ContainerStatus): Pod {
  return { metadata: { name: 'x' }, status: { phase: 'Running', containerStatuses: [status] } }
}

function ended(exitCode: number, finishedAt = '2026-11-22T22:47:17Z') {
  return { name: 'app', state: { terminated: { exitCode, reason: 'Error', finishedAt } } }
}
