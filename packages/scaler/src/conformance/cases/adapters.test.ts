import { createServer, type Server } from 'node:net'
import { afterAll } from 'vitest'
import type { Instance, Launch } from '../../contract.ts'
import { NamedScaler } from '../fake/named.testkit.ts'
import { catches, named } from '../planted.testkit.ts'
import { ADAPTERS } from './adapters.ts'

const leaked: Server[] = []
afterAll(() => leaked.forEach((server) => void server.close()))

catches(ADAPTERS, [
  {
    bug: 'blocks for ever when it is aborted',
    caught: 'ends an aborted call soon',
    says: /scale\(\) aborted after -1 ms did not settle within 250 ms/,
    driver: named(
      class extends NamedScaler {
        override call<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
          return super
            .call(signal, run)
            .catch((error) => (signal.aborted ? new Promise(() => {}) : Promise.reject(error)))
        }
      },
    ),
  },
  {
    bug: 'does not mark its errors',
    caught: 'ends an aborted call soon',
    says: /an error that is branded brxy\.error, saw Error: no/,
    driver: named(
      class extends NamedScaler {
        override call<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
          return super.call(signal, run).catch(() => Promise.reject(new Error('no')))
        }
      },
    ),
  },
  {
    bug: 'resolves while the API is down',
    caught: "rejects while the platform's API is down",
    says: /observe\(\) has to reject while nothing can be concluded, but resolved with \[\]/,
    driver: named(
      class extends NamedScaler {
        override list(route: string, signal: AbortSignal): Promise<Instance[]> {
          return super.list(route, signal).catch(() => [])
        }
      },
    ),
  },
  {
    bug: 'waits for an answer as long as it takes',
    caught: "rejects while the platform's API is silent",
    says: /observe\(\) during the outage did not settle within/,
    driver: named(
      class extends NamedScaler {
        override list(route: string): Promise<Instance[]> {
          return super.list(route, new AbortController().signal)
        }
      },
    ),
  },
  {
    bug: 'knows only what it has started itself',
    caught: 'knows after a restart what runs',
    says: /expected .* to run, saw .* listed: nothing/,
    driver: named(
      class extends NamedScaler {
        readonly #own = new Set<string>()
        override start(route: string, image: string, launch: Launch, signal: AbortSignal) {
          this.#own.add(launch.id)
          return super.start(route, image, launch, signal)
        }
        override async list(route: string, signal: AbortSignal): Promise<Instance[]> {
          return (await super.list(route, signal)).filter(({ launch }) => this.#own.has(launch ?? ''))
        }
      },
    ),
  },
  {
    bug: "sees other owners' instances",
    caught: 'neither shows nor touches what another owner has started',
    says: /another owner sees nothing/,
    driver: named(
      class extends NamedScaler {
        override labels(route: string): Record<string, string> {
          return { route: super.labels(route).route }
        }
      },
    ),
  },
  {
    bug: 'looks at the platform only when it is told of a change',
    caught: 'sees what happens while nothing tells it of changes',
    says: /expected 1 to run and to be listed, saw/,
    driver: named(
      class extends NamedScaler {
        readonly #known = new Map<string, Instance[]>()
        readonly #forget = () => this.#known.clear()
        override watch(route: string): void {
          super.watch(route)
          this.platform.watchers.add(this.#forget)
        }
        override async list(route: string, signal: AbortSignal): Promise<Instance[]> {
          const known = this.#known.get(route) ?? (await super.list(route, signal))
          this.#known.set(route, known)
          return known
        }
      },
    ),
  },
  {
    bug: 'leaks handles at close',
    caught: 'frees its handles when it is closed',
    says: /expected no handle to be left by close\(\).*1 TCPServerWrap/s,
    driver: named(
      class extends NamedScaler {
        override watch(route: string): void {
          super.watch(route)
          // No timer: test runners have those, too.
          leaked.push(createServer().listen(0, '127.0.0.1'))
        }
      },
    ),
  },
  {
    bug: 'takes its instances along when it is closed',
    caught: 'frees its handles when it is closed',
    says: /close\(\) leaves the instances/,
    driver: named(
      class extends NamedScaler {
        override async close(): Promise<void> {
          await super.close()
          this.platform.copies.clear()
        }
      },
    ),
  },
  {
    bug: 'goes on telling of changes after it was closed',
    caught: 'frees its handles when it is closed',
    says: /a closed adapter tells its host nothing/,
    driver: named(
      class extends NamedScaler {
        override async close(): Promise<void> {
          await super.close()
          this.platform.watchers.add(() => this.host.log('info', 'something changed'))
        }
      },
    ),
  },
])
