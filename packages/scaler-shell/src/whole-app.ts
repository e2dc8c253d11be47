import { type AppScaler, type Instance, ScalerError, type Target } from '@brxy/scaler'
import type { Commands } from './commands.ts'
import type { Registry } from './launches.ts'
import type { AppOptions } from './options.ts'

/**
 * Scales one app by a command that is told how many there should be, and which must not exist: `per: app`. The instances
 * are alike, and known by the ids that `observe` gives them.
 */
export class WholeApp implements AppScaler {
  readonly launches = 'counted'
  readonly leave = 'park'
  readonly #command: readonly string[]
  readonly #observe: readonly string[]
  readonly #commands: Commands
  readonly #registry: Registry
  /** The last call: two runs of a command that reads and then writes would overtake one another. */
  #last: Promise<unknown> = Promise.resolve()

  constructor({ command, observe = [] }: AppOptions, commands: Commands, registry: Registry) {
    this.#command = command
    this.#observe = observe
    this.#commands = commands
    this.#registry = registry
  }

  scale({ want, start, remove }: Target, signal: AbortSignal): Promise<readonly Instance[]> {
    // The variables of a launch, for whoever hands them on; which launch it is nobody can say of replicas.
    const { BRXY_LAUNCH: _, ...variables } = start[0]?.env ?? {}
    const told = { BRXY_WANT: `${want}`, BRXY_REMOVE: remove.map(({ id }) => id).join(' ') }
    return this.#inTurn(signal, async () => {
      await this.#commands.run('command', this.#command, { ...variables, ...told }, signal)
      return this.#commands.observe(this.#observe, signal)
    })
  }

  observe(signal: AbortSignal): Promise<readonly Instance[]> {
    return this.#inTurn(signal, () => this.#commands.observe(this.#observe, signal))
  }

  /** One after the other. A call that is aborted while it waits ends at once, and does nothing later. */
  #inTurn<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
    const before = this.#last
    const turn = (async () => {
      await before
      await this.#commands.idle()
      this.#check(signal)
      return run()
    })()
    this.#last = turn.catch(() => {})
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(aborted(signal))
      if (signal.aborted) onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
      turn.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
    })
  }

  #check(signal: AbortSignal): void {
    if (this.#registry.isClosed) throw new ScalerError('scaler/closed', 'the shell scaler was closed')
    if (signal.aborted) throw aborted(signal)
  }
}

function aborted(signal: AbortSignal): ScalerError {
  return new ScalerError('scaler/aborted', 'the call was aborted', { cause: signal.reason })
}
