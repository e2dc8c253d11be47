import { describe, expect, it } from 'vitest'
import { instanceOf, seenLaunches } from './instances.ts'
import type { Job, Pod } from './objects.ts'
import { JOBS } from './recorded.testkit.ts'
import { PODS } from './recorded-pods.testkit.ts'

const JOB_LABEL = 'batch.kubernetes.io/job-name'
const marked = <T extends Job | Pod>(object: T, more: object = {}): T => ({
  ...object,
  metadata: { ...object.metadata, annotations: { 'brxy/launch': 'a1' }, ...more },
})
const instance = (job: Job | undefined, pod: Pod | undefined) => instanceOf('a1', { job, pod })
const ofJob = { name: 'crashed-x', labels: { [JOB_LABEL]: 'crashed' } }

describe('a launch', () => {
  it('is starting until its pod runs', () => {
    expect(instance(JOBS.running, undefined)).toMatchObject({
      id: 'running',
      launch: 'a1',
      state: 'starting',
    })
    expect(instance(JOBS.running, PODS.unschedulable)).toMatchObject({
      state: 'starting',
      problem: { code: 'unschedulable' },
    })
  })

  it('runs since its container was started', () => {
    expect(instance(JOBS.running, PODS.running)).toEqual({
      id: 'running',
      launch: 'a1',
      state: 'running',
      since: Date.parse('2026-11-22T22:47:15Z'),
    })
  })

  it('has ended without a problem when its pod is done', () => {
    const { problem, state } = instance(JOBS.done, PODS.done) ?? {}
    expect([state, problem]).toEqual(['ended', undefined])
  })

  it("has ended with the pod's reason, not with the Job's, when it crashed", () => {
    const ended = instance(JOBS.crashed, PODS.crashed)
    expect(ended).toMatchObject({
      state: 'ended',
      problem: { message: expect.stringContaining('no database') },
    })
  })

  it('has ended when it has failed for good, although Kubernetes goes on trying', () => {
    expect(instance(JOBS.running, PODS['pull backed off'])).toMatchObject({ state: 'ended' })
    expect(instance(JOBS.running, PODS['first pull failed'])).toMatchObject({ state: 'starting' })
  })

  it('is listed as running while its pod is being ended, under the name of its Job, which is gone', () => {
    const pod = marked(PODS.running, { ...ofJob, deletionTimestamp: '2026-11-22T22:48:00Z' })
    expect(instance(undefined, pod)).toMatchObject({ id: 'crashed', state: 'running' })
  })

  it('is gone with its Job, although its ended pod is still there', () => {
    expect(instance(undefined, marked(PODS.crashed, ofJob))).toBeNull()
  })

  it('that is a pod itself is listed with its end', () => {
    const pod = { ...PODS.crashed, metadata: { name: 'brxy-a1' } }
    expect(instance(undefined, pod)).toMatchObject({ id: 'brxy-a1', state: 'ended' })
  })

  it('is blocked where the platform could not create its pod', () => {
    const blocked = { code: 'quota', message: 'exceeded quota', final: true } as const
    expect(instanceOf('a1', { job: JOBS.running, pod: undefined }, blocked)).toMatchObject({
      state: 'ended',
      problem: blocked,
    })
  })
})

it('brings Jobs and pods together by the launch that they are marked with, and takes the newer of two pods', () => {
  const older = marked(PODS.running, { name: 'old', creationTimestamp: '2026-11-22T22:00:00Z' })
  const newer = marked(PODS.running, { name: 'new', creationTimestamp: '2026-11-22T22:30:00Z' })
  const seen = seenLaunches([marked(JOBS.running), JOBS.done], [newer, older, PODS.running])
  expect([...seen.keys()]).toEqual(['a1'])
  expect(seen.get('a1')).toMatchObject({
    job: { metadata: { name: 'running' } },
    pod: { metadata: { name: 'new' } },
  })
})
