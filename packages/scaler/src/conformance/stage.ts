import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Scaler } from '../contract.ts'
import type { Driver, Provoked } from './driver.ts'
import { RecordingHost } from './host.ts'
import { TestedApp } from './tested-app.ts'
import { CALL_MS, TIMES, type Times } from './times.ts'
import { within } from './wait.ts'

/** Longest route: that of a host name. */
const MAX_ROUTE = 253

/** What one case works with: adapters, hosts, routes and apps, all of which are gone after {@link clean}. */
export class Stage {
  readonly driver: Driver
  readonly times: Times
  readonly #id = randomBytes(4).toString('hex')
  readonly #directory = mkdtempSync(join(tmpdir(), 'brxy-conformance-'))
  readonly #adapters = new Set<Scaler>()
  readonly #options = new Map<string, Promise<unknown>>()
  /** What is to be done at the end, the latest first. */
  readonly #undo: (() => Promise<void>)[] = []

  constructor(driver: Driver) {
    this.driver = driver
    this.times = { ...TIMES, ...driver.times }
  }

  /** A host of this case's owner, or of another one. Hosts of one owner share a state directory. */
  host(owner = 'a'): RecordingHost {
    return new RecordingHost(`kit-${this.#id}-${owner}`, join(this.#directory, owner, 'state'))
  }

  /** A new adapter. */
  async adapter(host = this.host(), make: Provoked['make'] = undefined): Promise<Scaler> {
    const { driver } = this
    const made = await within(
      'make() of the driver',
      CALL_MS,
      Promise.resolve((make ?? ((it) => driver.make(it)))(host)),
    )
    return this.adopt(made)
  }

  /** An adapter that was made elsewhere is closed at the end as well. */
  adopt(adapter: Scaler): Scaler {
    this.#adapters.add(adapter)
    return adapter
  }

  /** A new route: `NAME-CASE.example.com`. */
  route(name = 'app'): string {
    return `${name}-${this.#id}.example.com`
  }

  /** A new route of the greatest length, whose end is its difference. */
  longRoute(end: string): string {
    const tail = `.${this.#id}.example.${end}`
    const labels = `${'a'.repeat(62)}.`.repeat(5)
    return labels.slice(0, MAX_ROUTE - tail.length).replace(/\.$/, 'b') + tail
  }

  /** An app of an adapter, prepared on the platform. */
  async app(adapter: Scaler, route = this.route(), options = this.options(route)): Promise<TestedApp> {
    return new TestedApp(route, adapter.app(route, await options), this.driver, this.times)
  }

  /** The options of a route, which is prepared once. */
  options(route: string): Promise<unknown> {
    const known = this.#options.get(route)
    if (known !== undefined) return known
    this.cleans(route)
    const prepared = within('prepare() of the driver', this.times.patienceMs, this.driver.prepare(route))
    this.#options.set(route, prepared)
    return prepared
  }

  /** A route whose leftovers are removed at the end. */
  cleans(route: string): void {
    this.atEnd(() => this.driver.cleanUp(route))
  }

  atEnd(undo: () => Promise<void>): void {
    this.#undo.push(undo)
  }

  /** Closes every adapter and removes all that was made. @throws the first error, after trying everything */
  async clean(): Promise<void> {
    const errors: unknown[] = []
    const attempt = async (what: string, run: () => Promise<void>) => {
      await within(what, this.times.patienceMs, run()).catch((error) => errors.push(error))
    }
    for (const adapter of this.#adapters) await attempt('close()', () => adapter.close())
    for (const undo of this.#undo.reverse()) await attempt('the clean-up of the driver', undo)
    // Processes that are ending may still write there.
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    if (errors.length > 0) throw errors[0]
  }
}
