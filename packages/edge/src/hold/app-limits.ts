import type { AppSettings } from '../settings.ts'
import type { HoldLimits } from './queue.ts'

/** How much an app may hold. Read from its settings each time, for a reload may change them. */
export class AppLimits implements HoldLimits {
  readonly #app: { readonly settings: AppSettings }

  constructor(app: { readonly settings: AppSettings }) {
    this.#app = app
  }

  get maxHeld(): number {
    return this.#app.settings.options.queue.requests
  }

  get maxHeldBytes(): number {
    return this.#app.settings.options.queue.bytes
  }
}
