import { describe, expect, it } from 'vitest'
import type { Pod } from './objects.ts'
import {
  DELETION_COST,
  DELETION_COST_ANNOTATION,
  isOver,
  isPresent,
  removableOf,
  replicaInstance,
} from './replica.ts'

type State = 'ready' | 'unready' | 'parked' | 'pending'

function pod(ordinal: number, state: State = 'ready'): Pod {
  const annotations = state === 'parked' ? { [DELETION_COST_ANNOTATION]: DELETION_COST } : {}
  return {
    metadata: {
      name: `web-${ordinal}`,
      uid: `uid-${ordinal}`,
      annotations,
      creationTimestamp: '2026-11-22T22:00:00Z',
    },
    status: {
      phase: state === 'pending' ? 'Pending' : 'Running',
      conditions: [{ type: 'Ready', status: state === 'ready' ? 'True' : 'False' }],
    },
  }
}

/** @param leaving indexes of the leavers */
function removable(kind: 'deployment' | 'statefulset', pods: Pod[], leaving: number[]): string[] {
  const leavers = new Set(pods.filter((_, index) => leaving.includes(index)))
  return removableOf(kind, pods, leavers)
    .map(({ metadata }) => metadata.name)
    .sort()
}

describe('a ReplicaSet', () => {
  it('would remove the one that is marked while all others are ready', () => {
    expect(removable('deployment', [pod(0), pod(1, 'parked'), pod(2)], [1])).toEqual(['web-1'])
  })

  it.each(['unready', 'pending'] as const)(
    'would rather remove one that is %s: then nothing is removable',
    (state) => {
      expect(removable('deployment', [pod(0, state), pod(1, 'parked'), pod(2)], [1])).toEqual([])
    },
  )

  it('may not know yet that one leaves which is not marked', () => {
    expect(removable('deployment', [pod(0), pod(1, 'unready')], [1])).toEqual([])
  })
})

describe('a StatefulSet', () => {
  it('would remove those leavers that are its highest', () => {
    expect(removable('statefulset', [pod(0), pod(1), pod(2), pod(10), pod(9)], [1, 3, 4])).toEqual([
      'web-10',
      'web-9',
    ])
  })

  it('would remove nothing of what leaves below one that stays', () => {
    expect(removable('statefulset', [pod(0), pod(1)], [0])).toEqual([])
  })

  it('would remove all when all leave', () => {
    expect(removable('statefulset', [pod(0), pod(1)], [0, 1])).toEqual(['web-0', 'web-1'])
  })
})

it('is called by its name in a Deployment, and by its uid in a StatefulSet, where the next one has its name', () => {
  expect(replicaInstance('deployment', pod(3))).toMatchObject({ id: 'web-3', state: 'running' })
  expect(replicaInstance('deployment', pod(3))).not.toHaveProperty('order')
  expect(replicaInstance('statefulset', pod(3))).toMatchObject({ id: 'uid-3', order: 3 })
})

it('counts no more when it is being ended or has ended', () => {
  const { metadata, status } = pod(0)
  expect(isPresent(pod(0, 'pending'))).toBe(true)
  expect(
    isPresent({
      metadata: { ...metadata, deletionTimestamp: '2026-11-22T22:00:00Z' },
      status: { ...status },
    }),
  ).toBe(false)
  expect(isPresent({ metadata, status: { phase: 'Failed' } })).toBe(false)
})

it('is over when it was told to end and has, which is no failure', () => {
  const { metadata } = pod(0)
  const told = { ...metadata, deletionTimestamp: '2026-11-22T22:00:00Z' }
  expect(isOver({ metadata: told, status: { phase: 'Running' } })).toBe(false)
  expect(isOver({ metadata: told, status: { phase: 'Succeeded' } })).toBe(true)
  expect(isOver({ metadata, status: { phase: 'Failed' } })).toBe(false)
})
