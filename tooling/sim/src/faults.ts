import type { EdgeProcess } from './actors/edge.ts'
import type { Instance } from './actors/instance.ts'
import type { Platform } from './actors/platform.ts'
import type { Chronicle } from './chronicle.ts'
import type { SimProcess } from './machine/process.ts'
import type { World } from './machine/world.ts'
import type { Connection } from './network/network.ts'
import type { Fault } from './scenario/scenario.ts'

/** What faults can happen to. */
export interface Victims {
  readonly world: World
  readonly chronicle: Chronicle
  readonly platform: Platform
  /** Those that run. */
  readonly instances: () => readonly Instance[]
  readonly edges: () => readonly EdgeProcess[]
  readonly tunnels: () => readonly Connection[]
  /** Another edge in the place of one that has ended. */
  readonly replaceEdge: (edge: EdgeProcess, afterMs: number) => void
  readonly startByHand: (app: string) => void
}

/** Makes things go wrong, and repairs what does not repair itself. */
export class Faults {
  readonly #victims: Victims
  /** What is to be undone, at its time or when everything is healed. */
  readonly #repairs = new Set<() => void>()

  constructor(faults: readonly Fault[], healAtMs: number, victims: Victims) {
    this.#victims = victims
    const { world } = victims
    for (const fault of faults) world.at(fault.atMs, null, fault.kind, () => this.#strike(fault))
    world.at(healAtMs, null, 'heal', () => this.#heal())
  }

  #strike(fault: Fault): void {
    const { world, chronicle, platform } = this.#victims
    switch (fault.kind) {
      case 'cut tunnel': {
        const tunnel = choose(this.#victims.tunnels(), fault.which)
        if (tunnel === null) return
        this.#note('tunnel cut', tunnel.near.process.name)
        // Something between the two, such as a NAT, ends it for both.
        if (fault.how === 'half') {
          tunnel.far.pipe.send({ kind: 'rst' })
          tunnel.near.pipe.block()
          return
        }
        for (const end of [tunnel.near, tunnel.far]) {
          if (fault.how === 'rst') end.pipe.send({ kind: 'rst' })
          else end.pipe.send({ kind: 'fin' })
        }
        return
      }
      case 'silence tunnel': {
        const tunnel = choose(this.#victims.tunnels(), fault.which)
        if (tunnel === null) return
        this.#note('tunnel silent', `${tunnel.near.process.name} ${fault.way} ${fault.forMs} ms`)
        const pipes = [
          ...(fault.way === 'to linker' ? [] : [tunnel.near.pipe]),
          ...(fault.way === 'to edge' ? [] : [tunnel.far.pipe]),
        ]
        for (const pipe of pipes) pipe.block()
        return this.#repairAfter(fault.forMs, () => {
          for (const pipe of pipes) pipe.unblock()
        })
      }
      case 'partition': {
        const those: { readonly process: SimProcess }[] =
          fault.whom === 'edge'
            ? [...this.#victims.edges()]
            : this.#victims.instances().filter((_, at) => at % (fault.which + 1) === 0)
        const hosts = new Set(those.map(({ process }) => process.host))
        if (hosts.size === 0) return
        this.#note('partition', `${[...hosts].join(' ')} ${fault.forMs} ms`)
        const partition = world.network.separate(hosts)
        return this.#repairAfter(fault.forMs, () => {
          chronicle.count('partition healed')
          world.network.heal(partition)
        })
      }
      case 'pause': {
        const process = this.#processOf(fault.whom, fault.which)
        if (process === null || process.isPaused) return
        this.#note(`pause ${fault.whom}`, `${process.name} ${fault.forMs} ms`)
        world.pause(process)
        return this.#repairAfter(fault.forMs, () => world.resume(process))
      }
      case 'kill': {
        const process = this.#processOf(fault.whom, fault.which)
        if (process === null) return
        this.#note(`kill ${fault.whom}`, process.name)
        return world.kill(process)
      }
      case 'deaf': {
        const application = choose(this.#victims.instances(), fault.which)?.application
        if (application === undefined) return
        this.#note('deaf', application.process.name)
        application.stopListening()
        return this.#repairAfter(fault.forMs, () => application.listenAgain())
      }
      case 'vanish': {
        const instance = choose(this.#victims.instances(), fault.which)
        if (instance === null) return
        this.#note('vanish', instance.name)
        world.kill(instance.process, true)
        world.kill(instance.application.process, true)
        return
      }
      case 'kill edge':
      case 'stop edge': {
        const edge = choose(this.#victims.edges(), fault.which)
        if (edge === null || edge.isStopping) return
        this.#note(fault.kind, edge.process.name)
        this.#victims.replaceEdge(edge, fault.downMs)
        if (fault.kind === 'stop edge') edge.stop()
        else world.kill(edge.process)
        return
      }
      case 'terminate': {
        const instance = choose(this.#victims.instances(), fault.which)
        if (instance === null) return
        this.#note('terminate', instance.name)
        instance.terminate()
        if (fault.isTwice) instance.terminate()
        return
      }
      case 'hang up': {
        const instance = choose(this.#victims.instances(), fault.which)
        if (instance === null) return
        this.#note('hang up', instance.name)
        return instance.hangUp()
      }
      case 'put slots': {
        const instance = choose(this.#victims.instances(), fault.which)
        if (instance === null) return
        this.#note('put slots', `${instance.name} ${fault.slots}`)
        return instance.putSlots(fault.slots)
      }
      case 'jump clock': {
        const process = this.#processOf(fault.whom, fault.which)
        if (process === null) return
        this.#note('clock jumps', `${process.name} ${fault.byMs} ms`)
        return process.clock.jump(fault.byMs)
      }
      case 'start by hand':
        this.#note('start by hand', fault.app)
        return this.#victims.startByHand(fault.app)
      case 'platform':
        this.#note(`platform: ${fault.mode}`, `${fault.forMs} ms`)
        platform.begin(fault.mode, fault.delayMs)
        return this.#repairAfter(fault.forMs, () => platform.end(fault.mode))
    }
  }

  #processOf(whom: 'edge' | 'linker' | 'application', which: number): SimProcess | null {
    if (whom === 'edge') return choose(this.#victims.edges(), which)?.process ?? null
    const instance = choose(this.#victims.instances(), which)
    if (instance === null) return null
    return whom === 'linker' ? instance.process : instance.application.process
  }

  #repairAfter(ms: number, repair: () => void): void {
    this.#repairs.add(repair)
    this.#victims.world.after(ms, null, 'repair', () => {
      if (this.#repairs.delete(repair)) repair()
    })
  }

  #heal(): void {
    const { world } = this.#victims
    world.note('world', () => 'everything is healed')
    for (const repair of this.#repairs) repair()
    this.#repairs.clear()
  }

  #note(what: string, detail: string): void {
    const { world, chronicle } = this.#victims
    chronicle.caused(what, world.nowMs)
    world.note('FAULT', () => `${what}: ${detail}`)
  }
}

function choose<T>(those: readonly T[], which: number): T | null {
  return those.length === 0 ? null : those[which % those.length]
}
