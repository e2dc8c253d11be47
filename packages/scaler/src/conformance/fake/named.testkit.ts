import { createHash } from 'node:crypto'
import type { AppScaler, Host, Instance, Launch, Problem, Scaler } from '../../contract.ts'
import { ScalerError } from '../../error.ts'
import type { Copy, FakePlatform } from './platform.testkit.ts'

/** An adapter for named launches, as short as an honest one can be. What is planted in it overrides its methods. */
export class NamedScaler implements Scaler {
  readonly platform: FakePlatform
  readonly host: Host
  readonly #watches = new Map<string, NodeJS.Timeout>()
  readonly #routes = new Set<string>()
  readonly #notify = () => {
    for (const route of this.#routes) this.host.changed(route)
  }
  isClosed = false

  constructor(platform: FakePlatform, host: Host) {
    this.platform = platform
    this.host = host
  }

  app(route: string, options: unknown): AppScaler {
    const image = imageOf(route, options)
    this.#routes.add(route)
    this.watch(route)
    return {
      launches: 'named',
      leave: 'exit',
      scale: ({ start, remove }, signal) =>
        this.call(signal, async () => {
          const refusals = new Map<string, Problem>()
          for (const launch of start) {
            const problem = await this.start(route, image, launch, signal)
            if (problem !== undefined) refusals.set(launch.id, problem)
          }
          for (const instance of remove) await this.remove(route, instance, signal)
          return [...(await this.list(route, signal)), ...[...refusals].map(refused)]
        }),
      observe: (signal) => this.call(signal, () => this.list(route, signal)),
    }
  }

  async close(): Promise<void> {
    this.isClosed = true
    this.unwatch()
  }

  /** Something like a connection, over which a platform tells of changes. */
  watch(route: string): void {
    this.platform.watchers.add(this.#notify)
    this.#watches.set(
      route,
      setInterval(() => {}, 3_600_000),
    )
  }

  unwatch(): void {
    this.platform.watchers.delete(this.#notify)
    for (const watch of this.#watches.values()) clearInterval(watch)
  }

  async call<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
    if (this.isClosed) throw new ScalerError('scaler/closed', 'it was closed')
    try {
      signal.throwIfAborted()
      return await run()
    } catch (error) {
      const code = signal.aborted ? 'scaler/aborted' : 'scaler/unavailable'
      throw new ScalerError(code, `the platform did not answer: ${(error as Error).message}`, {
        cause: error,
      })
    }
  }

  async start(
    route: string,
    image: string,
    launch: Launch,
    signal: AbortSignal,
  ): Promise<Problem | undefined> {
    const { labels, env } = {
      labels: { ...this.labels(route), launch: launch.id },
      env: this.environment(launch),
    }
    try {
      await this.platform.create(this.nameOf(route, launch.id), { labels, env, image }, signal)
      return undefined
    } catch (error) {
      const { message } = error as Error
      if (message.startsWith('exists')) return undefined
      if (/^(refused|illegal)/.test(message)) return { code: 'invalid', message, final: true }
      throw error
    }
  }

  async remove(route: string, { id }: Instance, signal: AbortSignal): Promise<void> {
    const mine = await this.platform.list(this.labels(route), signal)
    if (mine.some(({ name }) => name === id)) await this.platform.delete(id, signal)
  }

  async list(route: string, signal: AbortSignal): Promise<Instance[]> {
    return (await this.platform.list(this.labels(route), signal)).map(instanceOf)
  }

  labels(route: string): Record<string, string> {
    return { owner: this.host.owner, route: digest(route) }
  }

  environment({ env }: Launch): Readonly<Record<string, string>> {
    return env
  }

  nameOf(_route: string, launch: string): string {
    return `brxy-${launch}`
  }
}

/** Routes hold what labels may not. */
export function digest(route: string): string {
  return createHash('sha256').update(route).digest('hex').slice(0, 32)
}

/** @throws ScalerError that names the option */
export function imageOf(route: string, options: unknown): string {
  const { image } = (options ?? {}) as { image?: unknown }
  if (typeof image === 'string') return image
  throw Object.assign(new ScalerError('scaler/denied', `apps.${route}.image: must be a text`), {
    code: 'options/invalid',
  })
}

export function instanceOf({ name, labels, state, since, exitStatus, reason }: Copy): Instance {
  const named = labels.launch === undefined ? {} : { launch: labels.launch }
  const problem = problemOf(state, exitStatus, reason)
  return {
    id: name,
    ...named,
    state: state === 'pending' ? 'starting' : state,
    since,
    ...(problem === undefined ? {} : { problem }),
  }
}

function problemOf(
  state: Copy['state'],
  status: number | undefined,
  reason = 'no reason',
): Problem | undefined {
  if (state === 'pending') return { code: 'unschedulable', message: reason, final: false }
  if (state !== 'ended' || status === 0) return undefined
  return { code: status === undefined ? 'image' : 'crashed', message: reason, final: true }
}

function refused([launch, problem]: [string, Problem]): Instance {
  return { id: `brxy-${launch}`, launch, state: 'ended', since: Date.now(), problem }
}
