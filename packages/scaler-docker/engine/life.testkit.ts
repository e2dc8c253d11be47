import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AppScaler, Instance, Scaler, Target } from '@brxy/scaler'
import type { Driver } from '@brxy/scaler/conformance'
import docker from '../src/index.ts'
import type { NarrowProxy } from './narrow-proxy.testkit.ts'

/** Of each step, with all lives at once on a busy machine. */
const PATIENCE_MS = 60_000
const POLL_MS = 100
const REFUSED = /not let through: [^"]*/

/** Parts of a life: one that serves until it ends or is removed, one that crashes, and one whose image is nowhere. */
export type Part = 'runs' | 'crashed' | 'image'

/** All that the adapter does in one mode: starts, is told of changes, removes what has ended and what runs, says why it failed. */
export class Life {
  readonly #driver: Driver
  readonly #proxy: NarrowProxy
  readonly #scaler: Scaler
  readonly #toldMs: number
  readonly #routes: string[] = []
  #refused: string | undefined
  #changes = 0

  /**
   * @param driver of the mode
   * @param proxy by which the adapter reaches the Engine; it is closed at the end of the life
   * @param toldMs until the adapter is told of a change, or that is given up
   */
  constructor(driver: Driver, proxy: NarrowProxy, toldMs = PATIENCE_MS) {
    this.#driver = driver
    this.#proxy = proxy
    this.#toldMs = toldMs
    const changed = () => {
      this.#changes += 1
    }
    const log = (_level: string, _message: string, fields: object = {}) =>
      this.#note(Object.values(fields).join(' '))
    this.#scaler = docker(
      { socket: proxy.path },
      { owner: idOf('owner'), stateDir: '/nonexistent', changed, log },
    )
  }

  /** @throws if an endpoint lacks: with the words of who refused it, or what is waited for in vain */
  async live(parts: readonly Part[]): Promise<void> {
    try {
      for (const part of parts) await (part === 'runs' ? this.#runs() : this.#fails(part))
    } finally {
      await this.#scaler.close()
      // What is on its way is there before it is looked for.
      await this.#proxy.close()
      for (const route of this.#routes) await this.#driver.cleanUp(route)
    }
  }

  /** One ends by itself, another one takes its place, and is removed while it runs. */
  async #runs(): Promise<void> {
    const route = this.#route()
    const app = this.#scaler.app(route, await this.#driver.prepare(route))
    const runs = (all: readonly Instance[]) => all.length === 1 && all[0]?.state === 'running'
    const one = await this.#reach('it runs', app, wanting(1), runs)
    const before = this.#changes
    await this.#driver.leave(one[0]?.id as string, route)
    await this.#until('it is told of an end', () => this.#changes > before)
    const isAnother = (all: readonly Instance[]) => runs(all) && all[0]?.id !== one[0]?.id
    const another = await this.#reach('another one runs', app, { ...wanting(1), remove: one }, isAnother)
    await this.#reach('it is removed', app, { ...wanting(0), remove: another }, (all) => all.length === 0)
  }

  async #fails(code: 'crashed' | 'image'): Promise<void> {
    const route = this.#route()
    const provoke = this.#driver.problems?.[code]
    if (provoke === undefined) throw new Error(`${this.#driver.name} has no case of "${code}"`)
    const { options, message } = await provoke(route)
    const app = this.#scaler.app(route, options)
    const [failed] = await this.#reach('it fails', app, wanting(1), (all) => all[0]?.problem !== undefined)
    const said = failed?.problem?.message ?? ''
    const isSaid = message instanceof RegExp ? message.test(said) : said.includes(message as string)
    if (!isSaid) throw new Error(`in vain: its last words: ${said}`)
    if (failed?.problem?.code !== code) throw new Error(`${failed?.problem?.code}, not ${code}: ${said}`)
  }

  /** Asks for the target until what is there is as expected. */
  async #reach(
    what: string,
    app: AppScaler,
    target: Target,
    isReached: (instances: readonly Instance[]) => boolean,
  ): Promise<readonly Instance[]> {
    const endMs = performance.now() + PATIENCE_MS
    for (;;) {
      const instances = await app.scale(target, AbortSignal.timeout(PATIENCE_MS))
      for (const { problem } of instances) this.#note(problem?.message)
      if (this.#refused !== undefined) throw new Error(this.#refused)
      if (isReached(instances)) return instances
      if (performance.now() > endMs) throw new Error(`in vain: ${what}: ${JSON.stringify(instances)}`)
      await sleep(POLL_MS)
    }
  }

  async #until(what: string, isSo: () => boolean): Promise<void> {
    const endMs = performance.now() + this.#toldMs
    while (!isSo()) {
      if (performance.now() > endMs) throw new Error(`in vain: ${what}`)
      await sleep(POLL_MS)
    }
  }

  #note(said = ''): void {
    this.#refused ??= REFUSED.exec(said)?.[0]
  }

  #route(): string {
    const route = idOf('life')
    this.#routes.push(route)
    return route
  }
}

function idOf(word: string): string {
  return `${word}-${randomBytes(4).toString('hex')}`
}

/** Counted replicas take no notice of the launch. */
function wanting(want: 0 | 1): Target {
  return { want, start: want === 0 ? [] : [{ id: idOf('launch'), env: {} }], remove: [] }
}
