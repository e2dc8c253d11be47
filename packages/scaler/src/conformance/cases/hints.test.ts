import type { Instance } from '../../contract.ts'
import { digest, NamedScaler } from '../fake/named.testkit.ts'
import { catches, named } from '../planted.testkit.ts'
import { HINTS } from './hints.ts'

/** Whose adapter has a quarter of a second to tell. */
const hasty = (Broken: typeof NamedScaler) => ({ ...named(Broken), changedWithinMs: 250 })

catches(HINTS, [
  {
    bug: 'tells nobody of changes',
    caught: 'tells its host, of the right app and unasked',
    says: /expected changed\("app-.*"\) after brxy-.* had ended, saw nothing/,
    driver: hasty(
      class extends NamedScaler {
        override watch(): void {}
      },
    ),
  },
  {
    bug: 'tells of a change only when it is asked what there is',
    caught: 'tells its host, of the right app and unasked',
    says: /expected changed\(.*\) after brxy-.* had ended, saw nothing/,
    driver: hasty(
      class extends NamedScaler {
        override watch(): void {}
        override list(route: string, signal: AbortSignal): Promise<Instance[]> {
          this.host.changed(route)
          return super.list(route, signal)
        }
      },
    ),
  },
  {
    bug: 'watches the app that it was asked for last, and no other',
    caught: 'tells its host, of the right app and unasked',
    says: /expected changed\("app-.*"\) after brxy-.* had ended, saw changed\("other-/,
    driver: hasty(
      class extends NamedScaler {
        #last = ''
        override watch(route: string): void {
          const isFirst = this.#last === ''
          this.#last = route
          if (isFirst) this.platform.watchers.add(() => this.host.changed(this.#last))
        }
      },
    ),
  },
  {
    bug: "tells the platform's name of the app",
    caught: 'tells its host, of the right app and unasked',
    says: /expected changed\("app-.*"\) after brxy-.* had ended, saw changed\("[0-9a-f]{32}"\)/,
    driver: hasty(
      class extends NamedScaler {
        override watch(route: string): void {
          this.platform.watchers.add(() => this.host.changed(digest(route)))
        }
      },
    ),
  },
])
