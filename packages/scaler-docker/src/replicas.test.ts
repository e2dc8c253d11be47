import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ReplicaState, replicasOf } from './replicas.ts'

const state = (more: Partial<ReplicaState>): ReplicaState => ({
  want: 0,
  replicas: 0,
  active: 0,
  starting: 0,
  done: 0,
  removable: 0,
  stuck: 0,
  ...more,
})

describe('the number of replicas', () => {
  it.each([
    ['raises to what is wanted', { want: 4 }, 4],
    ['does not raise twice', { want: 4, replicas: 4, active: 2, starting: 2 }, 4],
    ['falls by no wish alone', { want: 1, replicas: 5, active: 5 }, 5],
    ['falls by one that is done', { want: 4, replicas: 5, active: 4, done: 1 }, 4],
    ['falls once, before Swarm has carried it out', { want: 4, replicas: 4, active: 4, done: 1 }, 4],
    ['falls once, also where fewer are wanted', { want: 0, replicas: 4, active: 4, done: 1 }, 4],
    ['raises beside one that is done, which is no help', { want: 5, replicas: 5, active: 4, done: 1 }, 6],
    [
      'waits with the done one while another starts',
      { want: 5, replicas: 6, active: 5, starting: 1, done: 1 },
      6,
    ],
    ['drops the done one when all run', { want: 5, replicas: 6, active: 5, done: 1 }, 5],
    ['starts anew from finished ones alone', { want: 1, replicas: 3, done: 3 }, 4],
    ['ends with nothing', { want: 0, replicas: 4, done: 4 }, 0],
    ['keeps the place of one that is stopping', { want: 2, replicas: 3, active: 3, stuck: 1 }, 3],
    ['takes away one that never got room', { want: 0, replicas: 1, active: 1, starting: 1, removable: 1 }, 0],
    [
      'takes away one that never got room, and keeps two that run',
      { want: 2, replicas: 3, active: 3, starting: 1, removable: 1 },
      2,
    ],
  ] as const)('%s', (_, given, expected) => {
    expect(replicasOf(state(given))).toBe(expected)
  })

  it('brings a Swarm from anywhere to what is wanted, and ends nothing that is wanted', () => {
    const counts = fc.record({
      running: fc.nat(8),
      done: fc.nat(8),
      starting: fc.nat(3),
      wanted: fc.nat(12),
    })
    fc.assert(
      fc.property(counts, ({ running, done, starting, wanted }) => {
        const swarm = { running, starting, done, replicas: running + starting + done }
        // Counts fall only through removals, of which there are none here but finished ones.
        const want = Math.max(wanted, running + starting)
        for (let round = 0; round < 6; round++) {
          swarm.replicas = replicasOf(state({ ...swarm, want, active: swarm.running + swarm.starting }))
          expect(carryOut(swarm)).toBe(0)
          if (round % 2 === 1) {
            swarm.running += swarm.starting
            swarm.starting = 0
          }
        }
        expect(swarm).toEqual({ running: want, starting: 0, done: 0, replicas: want })
      }),
    )
  })
})

/** What Swarm does about a number: what does not run goes first, in the worst order. @returns how many it ended that were alive */
function carryOut(swarm: { running: number; starting: number; done: number; replicas: number }): number {
  let ended = 0
  while (swarm.running + swarm.starting + swarm.done > swarm.replicas) {
    if (swarm.starting > 0) {
      swarm.starting--
      ended++
    } else if (swarm.done > 0) swarm.done--
    else {
      swarm.running--
      ended++
    }
  }
  swarm.starting += swarm.replicas - swarm.running - swarm.starting - swarm.done
  return ended
}
