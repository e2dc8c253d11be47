import { type AppScaler, type Instance, type OutputSource, ScalerError, type Target } from '@brxy/scaler'
import type { Commands } from './commands.ts'
import type { Launches } from './launches.ts'
import type { AppOptions } from './options.ts'

/** `remove` commands of one call that run at a time. */
const MAX_REMOVALS = 8

/**
 * Scales one app by a command for each instance: `per: launch`. It says what a launch runs, and leaves the processes to
 * {@link Launches}; what is elsewhere is known and removed by the commands `observe` and `remove`, if there are such.
 */
export class ShellApp implements AppScaler, OutputSource {
  readonly launches = 'named'
  readonly leave = 'exit'
  readonly #options: AppOptions
  readonly #commands: Commands
  readonly #launches: Launches

  constructor(options: AppOptions, commands: Commands, launches: Launches) {
    this.#options = options
    this.#commands = commands
    this.#launches = launches
  }

  async scale({ start, remove }: Target, signal: AbortSignal): Promise<readonly Instance[]> {
    this.#check(signal)
    this.#launches.refresh()
    const elsewhere = remove.filter(({ id, launch }) => !this.#launches.isLive(launch ?? id))
    for (const { id, launch } of remove) this.#launches.remove(launch ?? id, this.#options.killAfterMs)
    const { command } = this.#options
    await Promise.all(start.map(({ id, env }) => this.#launches.start(id, this.#commands.spec(command, env))))
    await this.#removeElsewhere(elsewhere, signal)
    return this.#instances(signal)
  }

  async observe(signal: AbortSignal): Promise<readonly Instance[]> {
    this.#check(signal)
    this.#launches.refresh()
    return this.#instances(signal)
  }

  /** The last 200 lines of a launch that this adapter started; empty for one that it adopted or does not know. */
  output(launch: string): readonly string[] {
    return this.#launches.output(launch)
  }

  /** Those that the `observe` command lists, and the processes that it does not. */
  async #instances(signal: AbortSignal): Promise<readonly Instance[]> {
    const { observe } = this.#options
    if (observe === undefined) return this.#launches.instances()
    // A command that ends meanwhile has started what the list, which is older, does not have yet.
    const before = this.#launches.instances()
    const listed = await this.#commands.observe(observe, signal)
    const all = [
      ...before,
      ...this.#launches.instances(),
      ...listed.map((one) => ({ launch: one.id, ...one })),
    ]
    return [...new Map(all.map((instance) => [instance.launch, instance])).values()]
  }

  async #removeElsewhere(instances: readonly Instance[], signal: AbortSignal): Promise<void> {
    const { remove } = this.#options
    if (remove === undefined) return
    const waiting = [...instances]
    const removeAll = async () => {
      for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
        const variables = { BRXY_INSTANCE: one.id, BRXY_LAUNCH: one.launch ?? one.id }
        await this.#commands.run('remove', remove, variables, signal)
      }
    }
    await Promise.all(Array.from({ length: Math.min(MAX_REMOVALS, waiting.length) }, removeAll))
  }

  #check(signal: AbortSignal): void {
    if (this.#launches.isClosed) throw new ScalerError('scaler/closed', 'the shell scaler was closed')
    if (signal.aborted)
      throw new ScalerError('scaler/aborted', 'the call was aborted', { cause: signal.reason })
  }
}
