import { type AppScaler, type Instance, type OutputSource, ScalerError, type Target } from '@brxy/scaler'
import { launchEnvironment } from './environment.ts'
import type { LaunchSpec } from './launch.ts'
import type { Launches } from './launches.ts'
import type { AppOptions, ShellOptions } from './options.ts'
import { directoryOf } from './program.ts'

/** Scales one app: says what a launch runs, and leaves the rest to {@link Launches}. */
export class ShellApp implements AppScaler, OutputSource {
  readonly launches = 'named'
  readonly leave = 'exit'
  readonly #options: AppOptions
  readonly #shell: ShellOptions
  readonly #launches: Launches

  constructor(options: AppOptions, shell: ShellOptions, launches: Launches) {
    this.#options = options
    this.#shell = shell
    this.#launches = launches
  }

  async scale({ start, remove }: Target, signal: AbortSignal): Promise<readonly Instance[]> {
    this.#check(signal)
    this.#launches.refresh()
    for (const { id, launch } of remove) this.#launches.remove(launch ?? id, this.#options.killAfterMs)
    await Promise.all(start.map(({ id, env }) => this.#launches.start(id, this.#spec(env))))
    return this.#launches.instances()
  }

  async observe(signal: AbortSignal): Promise<readonly Instance[]> {
    this.#check(signal)
    this.#launches.refresh()
    return this.#launches.instances()
  }

  /** The last 200 lines of a launch that this adapter started; empty for one that it adopted or does not know. */
  output(launch: string): readonly string[] {
    return this.#launches.output(launch)
  }

  #spec(env: Readonly<Record<string, string>>): LaunchSpec {
    const { command, env: extra, shell } = this.#options
    return {
      argv: shell ? ['/bin/sh', '-c', command.join(' ')] : command,
      cwd: directoryOf(this.#shell.cwd, this.#options.cwd),
      env: launchEnvironment(process.env, extra ?? {}, env, this.#shell.pathPrefix),
    }
  }

  #check(signal: AbortSignal): void {
    if (this.#launches.isClosed) throw new ScalerError('scaler/closed', 'the shell scaler was closed')
    if (signal.aborted)
      throw new ScalerError('scaler/aborted', 'the call was aborted', { cause: signal.reason })
  }
}
