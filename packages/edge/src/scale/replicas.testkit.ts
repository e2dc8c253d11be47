import type { Instance, Problem, Target } from '@brxy/scaler'
import type { Scaling } from './controller.testkit.ts'
import type { ScaleAction } from './scale-action.ts'

/**
 * A platform that knows nothing but a number of replicas, by the contract: the target's `want` is a floor, and only removals
 * lower it. The test plays the linkers of what it starts.
 */
export class Replicas {
  readonly scaling: Scaling
  /** What runs, by the platform's own names. */
  readonly pods = new Map<string, Instance['state']>()
  /** What is below others, where only the highest is removed: it stays, whoever is to be removed. */
  readonly below = new Set<string>()
  /** What it says of them. */
  readonly problems = new Map<string, Problem>()
  #names = 0
  #seen = 0

  constructor(scaling: Scaling) {
    this.scaling = scaling
  }

  /** Carries out the calls that came since, and has the controller look. */
  settle(adopt = false): void {
    const { scaling } = this
    for (let rounds = 0; this.#seen < scaling.targets.length || rounds === 0; rounds++) {
      if (rounds > 100) throw new Error('calls without end')
      while (this.#seen < scaling.targets.length) this.#scale(scaling.targets[this.#seen++])
      scaling.observe(this.list(), adopt)
    }
  }

  /** It says so of a pod from now on, and the controller looks. @returns what follows */
  complain(pod: string, problem: Problem, state: Instance['state'] = 'running'): ScaleAction[] {
    this.pods.set(pod, state)
    this.problems.set(pod, problem)
    return this.scaling.observe(this.list())
  }

  /** The calls that came since have not reached it. */
  miss(): void {
    this.#seen = this.scaling.targets.length
  }

  #scale({ want, remove }: Target): void {
    const stuck = remove.filter(({ id }) => this.below.has(id) && this.pods.has(id)).length
    for (const { id } of remove) if (!this.below.has(id)) this.pods.delete(id)
    while (this.pods.size < want + stuck) this.pods.set(`pod-${++this.#names}`, 'starting')
  }

  list(): Instance[] {
    return [...this.pods].map(([id, state]) => {
      const problem = this.problems.get(id)
      return { id, state, since: 0, ...(problem === undefined ? {} : { problem }) }
    })
  }

  /** The linker of a pod says HELLO. @returns the key of its member */
  connect(
    platform: string,
    phase: 'starting' | 'ready' = 'ready',
    process = `linker of ${platform}`,
  ): string {
    const { controller, nowMs } = this.scaling
    const linker = { instance: process, platform }
    const key = controller.keyOf(linker)
    controller.joined(key, false, phase, 1, nowMs, linker)
    if (phase === 'ready') controller.granted(key)
    this.pods.set(platform, 'running')
    this.scaling.step()
    this.settle()
    return key
  }

  /** The platform has stopped it: its linker says goodbye. */
  leave(key: string): void {
    this.scaling.end(key, true)
    this.settle()
  }
}
