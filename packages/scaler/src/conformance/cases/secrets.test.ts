import type { Launch } from '../../contract.ts'
import { NamedScaler } from '../fake/named.testkit.ts'
import { catches, named } from '../planted.testkit.ts'
import { SECRETS } from './secrets.ts'

catches(SECRETS, [
  {
    bug: 'logs secrets',
    caught: 'shows no token in its log',
    says: /a token is shown: info launching .*\[the token\]/s,
    driver: named(
      class extends NamedScaler {
        override start(route: string, image: string, launch: Launch, signal: AbortSignal) {
          this.host.log('info', 'launching', { launch })
          return super.start(route, image, launch, signal)
        }
      },
    ),
  },
])
