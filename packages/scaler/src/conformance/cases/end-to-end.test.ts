import { setTimeout as sleep } from 'node:timers/promises'
import { NamedScaler } from '../fake/named.testkit.ts'
import { catches, named } from '../planted.testkit.ts'
import { END_TO_END } from './end-to-end.ts'

catches(END_TO_END, [
  {
    bug: 'has an edge that starts one too few',
    caught: 'goes from zero to four instances and back',
    says: /served by four instances/,
    driver: {
      ...named(NamedScaler),
      endToEnd: async () => ({ ask: async () => sleep(30, 200), close: async () => {} }),
    },
  },
])
