import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CountedState, countedTarget } from './index.ts'

const state = (values: Partial<CountedState>): CountedState => ({
  want: 0,
  replicas: 0,
  present: 0,
  removable: 0,
  stuck: 0,
  ...values,
})

describe('countedTarget', () => {
  it('raises the number to what is wanted', () => {
    expect(countedTarget(state({ want: 4 }))).toMatchObject({ replicas: 4, recycle: 0 })
  })

  it('keeps replicas that nobody asked to remove, although fewer are wanted', () => {
    expect(countedTarget(state({ want: 1, replicas: 5, present: 5 }))).toMatchObject({
      replicas: 5,
      recycle: 0,
    })
  })

  it('lowers the number by the leaver, once', () => {
    const before = state({ want: 4, replicas: 5, present: 5, removable: 1 })
    expect(countedTarget(before).replicas).toBe(4)
    expect(countedTarget({ ...before, replicas: 4 })).toMatchObject({ replicas: 4, recycle: 0 })
  })

  it('keeps the number while the leaver would not be the one that is picked', () => {
    expect(countedTarget(state({ want: 4, replicas: 5, present: 5, stuck: 1 })).replicas).toBe(5)
  })

  it('has the leaver replaced when as many are wanted as there are', () => {
    const before = state({ want: 5, replicas: 5, present: 5, removable: 1 })
    expect(countedTarget(before)).toMatchObject({ replicas: 5, recycle: 1 })
  })

  it('raises for what is wanted beside a leaver that is stuck', () => {
    expect(countedTarget(state({ want: 5, replicas: 5, present: 5, stuck: 1 })).replicas).toBe(6)
  })

  it('does not raise again for a leaver that goes by an earlier number, which the platform has yet to heed', () => {
    const lowered = state({ want: 4, replicas: 4, present: 5, stuck: 1 })
    expect(countedTarget(lowered).replicas).toBe(4)
    // Raised, it keeps that one, too.
    expect(countedTarget({ ...lowered, want: 5 }).replicas).toBe(6)
    // The one that goes is the one that would be picked; the other is stuck all the same.
    expect(countedTarget({ ...lowered, removable: 1 }).replicas).toBe(5)
  })

  it('keeps all that is there while no leaver would be picked, and while the number only rises', () => {
    const stuck = state({ want: 4, replicas: 5, present: 5, stuck: 1 })
    expect(countedTarget(stuck).keepsAll).toBe(true)
    expect(countedTarget(state({ want: 6, replicas: 5, present: 5, removable: 1 })).keepsAll).toBe(true)
  })

  it('keeps nothing while a number is lower than what is there, or one is ended by itself', () => {
    const lowered = state({ want: 4, replicas: 5, present: 5, removable: 1 })
    expect(countedTarget(lowered).keepsAll).toBe(false)
    // The platform has not acted on it yet, and may although the number rises again.
    expect(countedTarget({ ...lowered, replicas: 4 }).keepsAll).toBe(false)
    expect(countedTarget({ ...lowered, replicas: 4, want: 5 }).keepsAll).toBe(false)
    expect(countedTarget({ ...lowered, want: 5 }).keepsAll).toBe(false)
  })
})

const arbitrary = fc
  .record({
    want: fc.nat(20),
    replicas: fc.nat(20),
    present: fc.nat(20),
    leavers: fc.nat(20),
    stuck: fc.nat(20),
  })
  .map(({ want, replicas, present, leavers, stuck }) => {
    const removable = Math.min(leavers, present)
    return { want, replicas, present, removable, stuck: Math.min(stuck, present - removable) }
  })

describe('in any state, countedTarget', () => {
  it('is never below what is wanted beside those that stay for now', () => {
    fc.assert(
      fc.property(arbitrary, (s) => {
        const going = Math.max(0, s.present - s.replicas)
        const staying = Math.max(0, s.removable + s.stuck - Math.max(s.removable, going))
        return countedTarget(s).replicas >= s.want + staying
      }),
    )
  })

  it('is the same when the platform does not say meanwhile whom it would pick', () => {
    fc.assert(
      fc.property(arbitrary, (s) => {
        const replicas = s.want + s.stuck + s.removable
        const before = { ...s, replicas, present: replicas }
        const first = countedTarget(before).replicas
        const again = { ...before, replicas: first, removable: 0, stuck: s.stuck + s.removable }
        return first === s.want + s.stuck && countedTarget(again).replicas === first
      }),
    )
  })

  it('never falls by more than is removable', () => {
    fc.assert(fc.property(arbitrary, (s) => countedTarget(s).replicas >= s.replicas - s.removable))
  })

  it('never falls without a removal', () => {
    fc.assert(fc.property(arbitrary, (s) => countedTarget({ ...s, removable: 0 }).replicas >= s.replicas))
  })

  it('never has one replaced while the platform is removing some', () => {
    fc.assert(
      fc.property(arbitrary, (s) => {
        const { replicas, recycle } = countedTarget(s)
        return recycle === 0 || (replicas === s.replicas && s.present <= replicas && recycle <= s.removable)
      }),
    )
  })

  it('is the same when it is asked again before the platform has acted', () => {
    fc.assert(
      // Those that are being started are none that could be removed.
      fc.property(arbitrary, (s) => {
        const first = countedTarget({ ...s, present: Math.max(s.present, s.replicas) }).replicas
        const again = { ...s, present: Math.max(s.present, s.replicas), replicas: first }
        return countedTarget(again).replicas === first
      }),
    )
  })
})

/**
 * Replicas of one app on a platform that removes leavers first, as an edge and its adapter see them. Until it has heeded the
 * last number nobody can tell whom it would pick.
 */
class World {
  replicas = 0
  want = 0
  version = 0
  heeded = 0
  /** By name: serving, has left, is ending. */
  readonly pods = new Map<number, 'serving' | 'left' | 'ending'>()
  removedServing = 0
  #next = 0

  of(state: 'serving' | 'left' | 'ending'): number[] {
    return [...this.pods].filter(([, each]) => each === state).map(([name]) => name)
  }

  /** What an adapter reads; it writes later. */
  read(): { version: number; state: CountedState; left: number[] } {
    const left = this.of('left')
    const present = left.length + this.of('serving').length
    const { version, want, replicas } = this
    const [removable, stuck] = version === this.heeded ? [left.length, 0] : [0, left.length]
    return { version, state: { want, replicas, present, removable, stuck }, left }
  }

  write({ version, state, left }: ReturnType<World['read']>): void {
    const { replicas, recycle } = countedTarget(state)
    if (version !== this.version) return
    if (replicas !== this.replicas) {
      this.replicas = replicas
      this.version++
    }
    for (const name of left.slice(0, recycle)) this.#end(name)
  }

  /** The platform's controller does one thing. @returns whether there was something to do */
  act(): boolean {
    this.heeded = this.version
    const here = [...this.of('left'), ...this.of('serving')]
    if (here.length > this.replicas) {
      const victim = here[0] as number
      if (this.pods.get(victim) === 'serving') this.removedServing++
      this.#end(victim)
    } else if (here.length < this.replicas) this.pods.set(this.#next++, 'serving')
    else {
      const ending = this.of('ending')[0]
      if (ending === undefined) return false
      this.pods.delete(ending)
    }
    return true
  }

  #end(name: number): void {
    if (this.pods.has(name)) this.pods.set(name, 'ending')
  }
}

const command = fc.oneof(
  fc.record({ kind: fc.constant('demand' as const), more: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('leave' as const), which: fc.nat(9) }),
  fc.record({ kind: fc.constantFrom('read', 'write') as fc.Arbitrary<'read' | 'write'>, adapter: fc.nat(1) }),
  fc.record({ kind: fc.constant('act' as const), times: fc.integer({ min: 1, max: 8 }) }),
)

it('over any history of demand, leaving, two adapters and a slow platform removes nobody that serves, and ends at what is wanted', () => {
  fc.assert(
    fc.property(fc.array(command, { minLength: 20, maxLength: 60, size: 'max' }), (commands) => {
      const world = new World()
      const reads: (ReturnType<World['read']> | undefined)[] = [undefined, undefined]
      for (const each of commands) {
        if (each.kind === 'demand') world.want = Math.min(10, world.want + each.more)
        else if (each.kind === 'act') for (let i = 0; i < each.times; i++) world.act()
        else if (each.kind === 'leave') {
          const serving = world.of('serving')
          const leaver = serving[each.which % Math.max(1, serving.length)]
          // The edge lets one go only if it is not needed; and what connected is wanted.
          if (leaver === undefined || world.want === 0) continue
          world.pods.set(leaver, 'left')
          world.want--
        } else if (each.kind === 'read') reads[each.adapter] = world.read()
        else {
          // Most often a call is over before anything else happens.
          const read = reads[each.adapter] ?? world.read()
          // An edge calls again with what it wants now: a target is never older than a look.
          if (read.state.want === world.want) world.write(read)
          reads[each.adapter] = undefined
        }
      }
      for (let round = 0; round < 100; round++) {
        world.write(world.read())
        while (world.act());
      }
      expect(world.removedServing).toBe(0)
      expect(world.of('left')).toEqual([])
      expect(world.of('serving').length).toBe(world.want)
      expect(world.replicas).toBe(world.want)
    }),
    { numRuns: 500 },
  )
})
