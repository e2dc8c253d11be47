import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CRASHED, Scaling } from './controller.testkit.ts'
import type { LinkerIdentity } from './identity.ts'
import type { Member } from './members.ts'

const event = fc.record({
  what: fc.constantFrom(
    ...(['hold', 'hold', 'replica', 'replica', 'replica', 'dial', 'dial', 'dial', 'dial'] as const),
    ...(['restart', 'restart', 'vanish', 'end', 'lose', 'fail', 'list', 'list', 'pass'] as const),
  ),
  pick: fc.nat(20),
})

/** A platform that only counts: replicas come, each with a linker that knows the replica's name and no launch. */
class World extends Scaling {
  /** Replicas that exist, and the linker in each. */
  readonly replicas = new Map<string, string>()
  /** The members of linkers that are connected. */
  readonly connected = new Map<string, string>()
  #made = 0
  #processes = 0

  constructor() {
    super({ isCounted: true, max: 5 })
  }

  get members(): Member[] {
    return [...this.controller.members]
  }

  linkerOf(replica: string): LinkerIdentity {
    return { instance: this.replicas.get(replica) as string, platform: replica }
  }

  /** @param onDial told of each linker that connects, before it does, and of the member that it is to be */
  do(what: string, pick: number, onDial: (linker: LinkerIdentity, key: string) => void): void {
    const { controller, replicas, connected, nowMs } = this
    const names = [...replicas.keys()]
    const replica = names[pick % Math.max(1, names.length)]
    if (what === 'hold') this.hold(1 + (pick % 5))
    else if (what === 'pass') this.pass([1, 2_000, 20_000, 130_000][pick % 4] as number)
    else if (what === 'list') this.#list(pick)
    else if (what === 'replica') replicas.set(`replica-${++this.#made}`, `process-${++this.#processes}`)
    else if (replica !== undefined) {
      const key = connected.get(replica)
      if (what === 'dial') {
        if (key === undefined) this.#dial(replica, onDial)
        return
      }
      // Its process is over, or only its session.
      if (key !== undefined) {
        connected.delete(replica)
        if (what === 'fail') controller.failed(key, CRASHED, nowMs)
        controller.ended(key, what === 'end' || what === 'restart', nowMs)
      }
      if (what === 'restart' || what === 'end' || what === 'fail')
        replicas.set(replica, `process-${++this.#processes}`)
      if (what === 'vanish') replicas.delete(replica)
      this.step()
    }
  }

  #dial(replica: string, onDial: (linker: LinkerIdentity, key: string) => void): void {
    const linker = this.linkerOf(replica)
    const key = this.controller.keyOf(linker)
    onDial(linker, key)
    this.controller.joined(key, false, 'ready', 1, this.nowMs, linker)
    this.connected.set(replica, key)
    this.step()
  }

  /** Most of them. */
  #list(pick: number): void {
    const seen = [...this.replicas.keys()].filter((_, at) => (at + pick) % 4 !== 0)
    this.observe(seen.map((id) => ({ id, state: 'running' as const, since: 0 })))
    for (const { phase, platform } of this.members)
      if (phase === 'asked' && platform !== null) expect(seen).toContain(platform)
  }
}

/** Runs any history, and checks after each event. */
function always(
  check: (world: World) => void,
  onDial: (world: World, linker: LinkerIdentity, key: string) => void = () => undefined,
): void {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60, size: 'max' }), (events) => {
      const world = new World()
      for (const { what, pick } of events) {
        world.do(what, pick, (linker, key) => onDial(world, linker, key))
        check(world)
      }
    }),
  )
}

describe('in any history of a platform that only counts replicas', () => {
  it('a replica is that of one member', () => {
    always(({ members }) => {
      const names = members.flatMap(({ platform }) => platform ?? [])
      expect(names).toEqual([...new Set(names)])
    })
  })

  it('each linker that is connected is a member of its own, and the same when it dials again', () => {
    always((world) => {
      const { connected, controller } = world
      const keys = [...connected.values()]
      expect(keys).toEqual([...new Set(keys)])
      for (const [replica, key] of connected) {
        const linker = world.linkerOf(replica)
        expect([controller.keyOf(linker), controller.knownKeyOf(linker)]).toEqual([key, key])
      }
    })
  })

  it('whoever is new, or is started again when its member is gone, is the oldest launch that nobody is', () => {
    let launches = 0
    always(
      () => undefined,
      ({ members }, { instance, platform }, key) => {
        const open = members.filter((member) => member.phase === 'asked' && member.platform === null)
        const own = members.find((member) => member.platform === platform)
        const isOther = own === undefined || (own.phase === 'gone' && own.linker !== instance)
        if (!isOther) expect(key).toBe(own.key)
        else if (open.length > 0) {
          launches++
          expect(key).toBe(open[0]?.key)
        }
      },
    )
    expect(launches).toBeGreaterThan(0)
  })

  it('a launch waits for the next replica when the one that stood for it is listed no more', () => {
    // World looks at each list.
    always(() => undefined)
  })
})

it('where launches are named a linker is the launch that it names, whatever runs', () => {
  const linker = fc.record({
    instance: fc.constantFrom('x', 'y'),
    launch: fc.constantFrom('launch-1', 'launch-2', undefined),
    platform: fc.constantFrom('p', 'q'),
  })
  fc.assert(
    fc.property(fc.array(linker, { maxLength: 10 }), (linkers) => {
      const scaling = new Scaling()
      scaling.hold(2)
      for (const { launch, ...rest } of linkers) {
        const identity = { ...rest, ...(launch === undefined ? {} : { launch }) }
        const key = scaling.controller.keyOf(identity)
        expect(key).toBe(launch ?? rest.instance)
        scaling.controller.joined(key, launch !== undefined, 'ready', 1, scaling.nowMs, identity)
        scaling.step()
      }
    }),
  )
})
