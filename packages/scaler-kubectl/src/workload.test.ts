import { ApiError } from '@brxy/scaler/api'
import { describe, expect, it } from 'vitest'
import type { Workload } from './objects.ts'
import { errorOfWorkload, isRollingOut, parseWorkload, queryOfSelector } from './workload.ts'
import { workloadAdvice } from './workload-advice.ts'

const SPEC: Workload['spec'] = {
  selector: { matchLabels: { app: 'web' } },
  template: {
    spec: {
      terminationGracePeriodSeconds: 45,
      containers: [
        {
          name: 'app',
          env: [{ name: 'BRXY_INSTANCE', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
        },
      ],
    },
  },
}
const workload = (status: Workload['status'], generation = 2): Workload => ({
  metadata: { name: 'web', generation },
  spec: SPEC,
  ...(status === undefined ? {} : { status }),
})

describe('a workload', () => {
  it("is the operator's to make if it is not there; any other answer is left to others", () => {
    const place = { kind: 'deployment', name: 'web', path: 'workload' } as const
    const absent = new ApiError(404, 'deployments.apps "web" not found')
    expect(errorOfWorkload(place, absent)).toMatchObject({
      code: 'scaler/invalid',
      message:
        'Kubernetes: deployments.apps "web" not found; create deployment/web, or say in which namespace it is',
      cause: absent,
    })
    const busy = new ApiError(503, 'not yet')
    expect(errorOfWorkload(place, busy)).toBe(busy)
  })

  it('is named by its kind and name', () => {
    expect(parseWorkload('deployment/web', 'workload')).toMatchObject({ kind: 'deployment', name: 'web' })
  })

  it.each(['web', 'replicaset/web', 'deployment/', 'deployment/a/b', 'deployment/../x', 'Deployment/web'])(
    'is not %j',
    (given) => {
      expect(() => parseWorkload(given, 'apps.x.workload')).toThrow(
        `apps.x.workload: ${JSON.stringify(given)} is no workload; one is deployment/NAME or statefulset/NAME`,
      )
    },
  )
})

describe('a rollout', () => {
  it('goes on while the controller has not seen the last change', () => {
    const status = { observedGeneration: 1, replicas: 2, updatedReplicas: 2 }
    expect(isRollingOut('deployment', workload(status))).toBe(true)
  })

  it('of a Deployment goes on while there are old pods', () => {
    const status = { observedGeneration: 2, replicas: 3, updatedReplicas: 2 }
    expect(isRollingOut('deployment', workload(status))).toBe(true)
    expect(isRollingOut('deployment', workload({ ...status, updatedReplicas: 3 }))).toBe(false)
  })

  it('of a StatefulSet goes on while the revisions differ, unless people do it', () => {
    const status = { observedGeneration: 2, currentRevision: 'a', updateRevision: 'b' }
    const rolling = workload(status)
    expect(isRollingOut('statefulset', rolling)).toBe(true)
    const onDelete = { ...rolling, spec: { ...SPEC, updateStrategy: { type: 'OnDelete' } } }
    expect(isRollingOut('statefulset', onDelete)).toBe(false)
    expect(isRollingOut('statefulset', workload({ ...status, currentRevision: 'b' }))).toBe(false)
  })

  it('is none where there are no pods yet', () => {
    expect(isRollingOut('deployment', workload({ observedGeneration: 2 }))).toBe(false)
  })
})

it('selects pods by labels and by expressions', () => {
  const matchExpressions = [
    { key: 'tier', operator: 'In', values: ['a', 'b'] },
    { key: 'old', operator: 'DoesNotExist' },
    { key: 'new', operator: 'Exists' },
    { key: 'zone', operator: 'NotIn', values: ['c'] },
  ]
  expect(queryOfSelector({ matchLabels: { app: 'web' }, matchExpressions })).toBe(
    'app=web,tier in (a,b),!old,new,zone notin (c)',
  )
})

describe('advice', () => {
  it('is none for a workload that is right', () => {
    expect(workloadAdvice('deployment', workload(undefined), undefined)).toEqual([])
  })

  it('names a grace that is too short, and an instance that cannot be told', () => {
    const spec = { ...SPEC, template: { spec: { containers: [{ name: 'app' }] } } }
    expect(workloadAdvice('deployment', { ...workload(undefined), spec }, undefined)).toEqual([
      expect.stringContaining('terminationGracePeriodSeconds is 30: a linker needs 45 to drain'),
      expect.stringContaining('BRXY_INSTANCE of container "app" is not taken from the field metadata.name'),
    ])
  })

  it("wants a StatefulSet's instance to be its uid, and its pods not to wait for each other", () => {
    expect(workloadAdvice('statefulset', workload(undefined), 'app')).toEqual([
      expect.stringContaining('metadata.uid'),
      expect.stringContaining('podManagementPolicy is not Parallel'),
    ])
    const parallel = { ...workload(undefined), spec: { ...SPEC, podManagementPolicy: 'Parallel' } }
    expect(workloadAdvice('statefulset', parallel, 'app')).toHaveLength(1)
  })
})
