import { mkdirSync } from 'node:fs'
import type { AppScaler } from '../../contract.ts'
import { NamedScaler } from '../fake/named.testkit.ts'
import { catches, named } from '../planted.testkit.ts'
import { OPTIONS } from './options.ts'

catches(OPTIONS, [
  {
    bug: 'says of a bad option only that it is bad',
    caught: 'refuses a bad option by its path',
    says: /expected "image" in the message, saw: bad options/,
    driver: named(
      class extends NamedScaler {
        override app(route: string, options: unknown): AppScaler {
          if (typeof options === 'object' && options !== null && 'image' in options)
            return super.app(route, options)
          throw Object.assign(new Error('bad options'), { [Symbol.for('brxy.error')]: true })
        }
      },
    ),
  },
  {
    bug: 'takes bad options and says so later',
    caught: 'refuses a bad option by its path',
    says: /app\(\{\}\) has to throw, and did not/,
    driver: named(
      class extends NamedScaler {
        override app(route: string, options: object): AppScaler {
          return super.app(route, { image: 'nope', ...options })
        }
      },
    ),
  },
  {
    bug: 'makes its state directory before it looks at the options',
    caught: 'refuses a bad option by its path',
    says: /is not made for options that are checked/,
    driver: named(
      class extends NamedScaler {
        override app(route: string, options: unknown): AppScaler {
          mkdirSync(this.host.stateDir, { recursive: true })
          return super.app(route, options)
        }
      },
    ),
  },
])
