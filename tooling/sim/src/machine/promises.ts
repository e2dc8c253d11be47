import { promiseHooks } from 'node:v8'

/**
 * Whether promises were made or settled: if so, code that waits for them is to run before anything else happens. Most
 * steps have nothing to do with promises, and waiting for a turn of the real event loop costs more than all of them do.
 */
export class PromiseWatch {
  /** Something is to be waited for. */
  isActive = false
  readonly #stop: () => void

  constructor() {
    const mark = () => {
      this.isActive = true
    }
    this.#stop = promiseHooks.createHook({ init: mark, settled: mark }) as () => void
  }

  stop(): void {
    this.#stop()
  }
}
