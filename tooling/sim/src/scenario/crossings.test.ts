import { describe, expect, it } from 'vitest'
import { withCrossings } from './crossings.ts'
import { generate } from './generate.ts'
import type { Fault, Scenario } from './scenario.ts'

const ofOneEdge = Array.from({ length: 200 }, (_, seed) => generate(seed, 1))
const ofTwo = Array.from({ length: 200 }, (_, seed) => generate(seed, 2))

const EARLY: Fault = { atMs: 0, kind: 'deaf', which: 0, forMs: 10 }
const added = ({ requests }: Scenario) => requests.filter(({ id }) => id >= 1_000)
const share = (those: readonly Scenario[]) =>
  those.filter((each) => added(each).length > 0).length / those.length

describe('what crosses', () => {
  it('is part of some histories, of more with two edges, and of none in which nothing goes wrong', () => {
    expect(share(ofOneEdge)).toBeGreaterThan(0.03)
    expect(share(ofOneEdge)).toBeLessThan(0.3)
    expect(share(ofTwo)).toBeGreaterThan(share(ofOneEdge))
    expect(share(ofTwo)).toBeLessThan(0.6)
    for (const each of [...ofOneEdge, ...ofTwo])
      if (added(each).length > 0) expect(each.faults).not.toEqual([])
  })

  it('goes wrong before everything is healed, and in order', () => {
    for (const each of [...ofOneEdge, ...ofTwo].filter(({ faults }) => faults.length > 0)) {
      const { faults, healAtMs } = withCrossings({ ...each, requests: [], faults: [EARLY] })
      const times = faults.map(({ atMs }) => atMs)
      expect(times).toEqual(times.toSorted((a, b) => a - b))
      expect(times.at(-1)).toBeLessThan(healAtMs)
    }
  })

  it('is asked for by clients of its own', () => {
    for (const each of [...ofOneEdge, ...ofTwo]) {
      const { requests, edges } = each
      expect(new Set(requests.map(({ id }) => id)).size).toBe(requests.length)
      const taken = new Set(requests.filter(({ id }) => id < 1_000).map(({ client }) => client))
      for (const { client, edge } of added(each)) {
        expect(taken).not.toContain(client)
        expect(edge).toBeLessThan(edges)
      }
    }
  })
})
